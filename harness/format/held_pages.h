/* SPDX-License-Identifier: GPL-3.0-or-later
 * The pages of a file that are held in memory (format/journaled_file.h): a hash table from page index to
 * contents that also keeps the order of insertion. */
#ifndef CP_FORMAT_HELD_PAGES_H
#define CP_FORMAT_HELD_PAGES_H

#include "base/arena.h"

#include <stddef.h>
#include <stdint.h>

enum { CP_PAGE = 4096 };

struct cp_page {
    uint64_t index; /* offset / CP_PAGE */
    unsigned char bytes[CP_PAGE];
};

/* Zero-initialise to start. */
struct cp_held_pages {
    struct cp_page **pages; /* (count) */
    size_t count, capacity;
    size_t *slots; /* (2 * capacity) position in pages plus 1; 0 is empty */
    struct cp_arena arena;
};

/* NULL where the page is not held. */
struct cp_page *cp_held_find(const struct cp_held_pages *held, uint64_t index);
/* Adds a page that is not held yet, contents unset; NULL when out of memory. */
struct cp_page *cp_held_add(struct cp_held_pages *held, uint64_t index);
/* Forgets all pages but keeps the memory. */
void cp_held_clear(struct cp_held_pages *held);
void cp_held_free(struct cp_held_pages *held);

#endif
