/* SPDX-License-Identifier: GPL-3.0-or-later
 * Blocks form a list, newest first, doubling in size up to 256 MiB; one that is too full is passed over. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Under AddressSanitizer what is not given out, and what lies behind an allocation, is poisoned. */
#ifdef __has_include
#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#endif
#endif
#ifndef ASAN_POISON_MEMORY_REGION
#define ASAN_POISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#endif
#ifdef CP_SANITIZED
#define GAP ALIGNMENT
#else
#define GAP ((size_t)0)
#endif

/* 1: each allocation is one of malloc's, so that each can be made to fail (tests/memory). */
#ifndef CP_ARENA_SINGLE
#define CP_ARENA_SINGLE 0
#endif

#define ALIGNMENT ((size_t)64)
#define FIRST_BLOCK ((size_t)1 << 16)

struct cp_arena_block {
    struct cp_arena_block *older;
    size_t capacity, used;
    _Alignas(64) unsigned char bytes[];
};

static struct cp_arena_block *grow(struct cp_arena *arena, size_t need) {
    const size_t doubled = arena->blocks ? 2 * arena->blocks->capacity : FIRST_BLOCK;
    const bool fits = doubled >= need && doubled <= (size_t)1 << 28 && !CP_ARENA_SINGLE;
    const size_t capacity = fits ? doubled : need;
    if (capacity > SIZE_MAX - sizeof(struct cp_arena_block) - ALIGNMENT)
        return NULL;
    const size_t bytes = (sizeof(struct cp_arena_block) + capacity + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    struct cp_arena_block *block = aligned_alloc(ALIGNMENT, bytes);
    if (!block)
        return NULL;
    block->older = arena->blocks;
    block->capacity = bytes - sizeof *block;
    block->used = 0;
    ASAN_POISON_MEMORY_REGION(block->bytes, block->capacity);
    arena->blocks = block;
    arena->total += bytes;
    return block;
}

void *cp_arena_alloc(struct cp_arena *arena, size_t count, size_t size) {
    if (size && count > (SIZE_MAX - 2 * ALIGNMENT) / size)
        return NULL;
    size_t need = (count * size + GAP + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (need == 0)
        need = ALIGNMENT;
    struct cp_arena_block *block = CP_ARENA_SINGLE ? NULL : arena->blocks;
    while (block && block->capacity - block->used < need)
        block = block->older;
    if (!block)
        block = grow(arena, need);
    if (!block)
        return NULL;
    void *start = block->bytes + block->used;
    block->used += need;
    ASAN_UNPOISON_MEMORY_REGION(start, count * size);
    return start;
}

void *cp_arena_calloc(struct cp_arena *arena, size_t count, size_t size) {
    void *start = cp_arena_alloc(arena, count, size);
    if (start)
        memset(start, 0, count * size);
    return start;
}

char *cp_arena_strdup(struct cp_arena *arena, const char *text) {
    return cp_arena_printf(arena, "%s", text);
}

char *cp_arena_printf(struct cp_arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        return NULL;
    char *text = cp_arena_alloc(arena, (size_t)length + 1, 1);
    if (!text)
        return NULL;
    va_start(args, format);
    (void)vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}

void cp_arena_reset(struct cp_arena *arena) {
    for (struct cp_arena_block *block = arena->blocks; block; block = block->older) {
        block->used = 0;
        ASAN_POISON_MEMORY_REGION(block->bytes, block->capacity);
    }
}

void cp_arena_free(struct cp_arena *arena) {
    while (arena->blocks) {
        struct cp_arena_block *older = arena->blocks->older;
        ASAN_UNPOISON_MEMORY_REGION(arena->blocks->bytes, arena->blocks->capacity);
        free(arena->blocks);
        arena->blocks = older;
    }
    arena->total = 0;
}
