/* SPDX-License-Identifier: GPL-3.0-or-later
 * Open addressing with linear probing into an array that grows by doubling. */
#include "format/held_pages.h"

#include <stdlib.h>
#include <string.h>

/* Linear probing; capacity is a power of 2 and the table at most half full, so a probe ends. */
static size_t *slot_of(const struct cp_held_pages *held, uint64_t index) {
    const size_t mask = 2 * held->capacity - 1;
    size_t slot =
        (size_t)((index * 0x9e3779b97f4a7c15u) >> 20) & mask; /* Fibonacci hashing, Knuth TAOCP 6.4 */
    while (held->slots[slot] != 0 && held->pages[held->slots[slot] - 1]->index != index)
        slot = (slot + 1) & mask;
    return &held->slots[slot];
}

struct cp_page *cp_held_find(const struct cp_held_pages *held, uint64_t index) {
    const size_t position = held->count == 0 ? 0 : *slot_of(held, index);
    return position == 0 ? NULL : held->pages[position - 1];
}

static int grow(struct cp_held_pages *held) {
    const size_t capacity = held->capacity == 0 ? 64 : held->capacity * 2;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    struct cp_page **pages = realloc(held->pages, capacity * sizeof *pages);
    if (pages == NULL)
        return 0;
    held->pages = pages;
    size_t *slots = calloc(2 * capacity, sizeof *slots);
    if (slots == NULL)
        return 0;
    free(held->slots);
    held->slots = slots;
    held->capacity = capacity;
    for (size_t i = 0; i < held->count; i++)
        *slot_of(held, pages[i]->index) = i + 1;
    return 1;
}

struct cp_page *cp_held_add(struct cp_held_pages *held, uint64_t index) {
    if (held->count == held->capacity && !grow(held))
        return NULL;
    struct cp_page *page = cp_arena_alloc(&held->arena, 1, sizeof *page);
    if (page == NULL)
        return NULL;
    page->index = index;
    held->pages[held->count] = page;
    *slot_of(held, index) = held->count + 1;
    held->count++;
    return page;
}

void cp_held_clear(struct cp_held_pages *held) {
    if (held->slots != NULL)
        memset(held->slots, 0, 2 * held->capacity * sizeof *held->slots);
    held->count = 0;
    cp_arena_reset(&held->arena);
}

void cp_held_free(struct cp_held_pages *held) {
    free(held->pages);
    free(held->slots);
    cp_arena_free(&held->arena);
}
