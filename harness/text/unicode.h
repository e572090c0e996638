/* SPDX-License-Identifier: GPL-3.0-or-later
 * Text as code points, and what Unicode says of them. The tables (unicode/characters.h) are Unicode 14.0's; a
 * character that came later and counts as a letter, a number or a mark since then is CP_VARIES: what it gives
 * depends on the version that a library was built with. */
#ifndef CP_TEXT_UNICODE_H
#define CP_TEXT_UNICODE_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CP_UTF8_MAX = 4 };

/* Functions that make a text put it into an arena; .at is NULL when out of memory, never for an empty text.
 * One code point, 0, follows the last. */
struct cp_codes {
    uint32_t *at;
    size_t count;
};

struct cp_codes cp_codes_alloc(size_t capacity, struct cp_arena *arena);
/* The first count of well-formed UTF-8 that has no NUL; *bad is the byte (from 0) where it is not, else size.
 */
struct cp_codes cp_codes_decode(const char *text, size_t size, size_t *bad, struct cp_arena *arena);
/* The bytes of a code point; their number. */
size_t cp_codes_encode(uint32_t code, unsigned char bytes[CP_UTF8_MAX]);

/* Regular expressions' \p{L}, \p{N} and \s; the module regex and Oniguruma agree on them. */
enum cp_class { CP_OTHER, CP_LETTER, CP_NUMBER, CP_SPACE, CP_VARIES };
enum cp_class cp_unicode_class(uint32_t code);
/* Python's \d: the digits of all scripts. */
bool cp_unicode_is_decimal(uint32_t code);

/* Lower case as Python's str.lower has it. sigma: a capital sigma that ends a word becomes a final one;
 * without, as Rust's char::to_lowercase, which sees one character. */
struct cp_codes cp_codes_lower(struct cp_codes text, bool sigma, struct cp_arena *arena);

/* Normalization Form C (Unicode Standard Annex #15). */
struct cp_codes cp_codes_nfc(struct cp_codes text, struct cp_arena *arena);

#endif
