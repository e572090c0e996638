/* SPDX-License-Identifier: GPL-3.0-or-later
 * A growing bump allocator: many allocations, one release. Blocks never move, so pointers stay valid until
 * the arena is reset or freed. Every allocation is aligned to 64 bytes (a cache line, a ZMM register). Not
 * thread-safe. */
#ifndef CP_BASE_ARENA_H
#define CP_BASE_ARENA_H

#include "base/status.h"

#include <stddef.h>

struct cp_arena_block;

struct cp_arena {
    struct cp_arena_block *blocks; /* newest first; zero-initialise the struct to start */
    size_t total;                  /* bytes held from the system */
};

/* count * size bytes, not cleared; NULL when out of memory or when the product overflows. */
void *cp_arena_alloc(struct cp_arena *arena, size_t count, size_t size);
/* As cp_arena_alloc, cleared. */
void *cp_arena_calloc(struct cp_arena *arena, size_t count, size_t size);
char *cp_arena_strdup(struct cp_arena *arena, const char *text);

char *cp_arena_printf(struct cp_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Forgets every allocation but keeps the memory for the next round. */
void cp_arena_reset(struct cp_arena *arena);
void cp_arena_free(struct cp_arena *arena);

/* Puts count elements, as CP_CHECK_ALLOC does, into a pointer, which gives their size:
 *     CP_TRY(CP_ARENA_ALLOC(arena, list, count, err, path, "%zu taps", count)); */
#define CP_ARENA_ALLOC(arena, pointer, count, err, ...)                                                      \
    CP_CHECK_ALLOC((pointer) = cp_arena_alloc((arena), (count), sizeof *(pointer)), err, __VA_ARGS__)
/* Cleared. */
#define CP_ARENA_CALLOC(arena, pointer, count, err, ...)                                                     \
    CP_CHECK_ALLOC((pointer) = cp_arena_calloc((arena), (count), sizeof *(pointer)), err, __VA_ARGS__)

#endif
