/* SPDX-License-Identifier: GPL-3.0-or-later
 * Binary searches in the tables for classes and lower case; normalisation to NFC. */
#include "text/unicode.h"

#include <string.h>

struct class_run {
    uint32_t first, last;
    unsigned class; /* enum cp_class or CP_DECIMAL */
};
struct lower_run {
    uint32_t first, last, step;
    int32_t distance;
};
struct sigma_run {
    uint32_t first, last;
    enum sigma_kind { SIGMA_NEITHER, SIGMA_CASED, SIGMA_SKIPPED } kind;
};
struct ccc_run {
    uint32_t first, last;
    unsigned ccc;
};
struct decomposition {
    uint32_t code, first, second; /* second 0: of one point */
};
struct composition {
    uint32_t first, second, code;
};

enum { CP_DECIMAL = CP_VARIES + 1 }; /* in the table, of the numbers */

#include "text/unicode/characters.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

enum { CAPITAL_SIGMA = 0x3a3, SMALL_SIGMA = 0x3c3, FINAL_SIGMA = 0x3c2, CAPITAL_I_DOT = 0x130, DOT = 0x307 };

/* Every run begins with its first and last point: the one that holds code, or NULL. */
static const void *find_run(const void *runs, size_t count, size_t size, uint32_t code) {
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const uint32_t *run = (const uint32_t *)(const void *)((const char *)runs + middle * size);
        if (code < run[0]) /* NOLINT(clang-analyzer-core.UndefinedBinaryOperatorResult): a row of the table */
            high = middle;
        else if (code > run[1])
            low = middle + 1;
        else
            return run;
    }
    return NULL;
}
#define FIND_RUN(runs, code) find_run(runs, COUNT(runs), sizeof(runs)[0], code)

enum cp_class cp_unicode_class(uint32_t code) {
    const struct class_run *run = FIND_RUN(class_runs, code);
    return !run ? CP_OTHER : run->class == CP_DECIMAL ? CP_NUMBER : (enum cp_class)run->class;
}

bool cp_unicode_is_decimal(uint32_t code) {
    const struct class_run *run = FIND_RUN(class_runs, code);
    return run && run->class == CP_DECIMAL;
}

/* ---- UTF-8 ---- */

struct cp_codes cp_codes_alloc(size_t capacity, struct cp_arena *arena) {
    struct cp_codes text = {cp_arena_alloc(arena, capacity + 1, sizeof(uint32_t)), 0};
    if (text.at)
        text.at[0] = 0;
    return text;
}

/* Bytes of the character at text (RFC 3629, section 4), 0 if there is none. */
static size_t decode_one(const unsigned char *text, size_t remaining, uint32_t *code) {
    static const uint32_t lowest[] = {0, 1, 0x80, 0x800, 0x10000};
    const unsigned first = text[0];
    const size_t length = first < 0x80   ? 1
                          : first < 0xc0 ? 0
                          : first < 0xe0 ? 2
                          : first < 0xf0 ? 3
                          : first < 0xf8 ? 4
                                         : 0;
    if (length == 0 || remaining < length)
        return 0;
    *code = length == 1 ? first : first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (text[i] & 0x3fu);
    }
    return *code < lowest[length] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000) ? 0 : length;
}

struct cp_codes cp_codes_decode(const char *text, size_t size, size_t *bad, struct cp_arena *arena) {
    struct cp_codes codes = cp_codes_alloc(size, arena);
    *bad = 0;
    while (codes.at && *bad < size) {
        const size_t length =
            decode_one((const unsigned char *)text + *bad, size - *bad, &codes.at[codes.count]);
        if (length == 0)
            break;
        codes.count++;
        *bad += length;
    }
    if (codes.at)
        codes.at[codes.count] = 0;
    return codes;
}

size_t cp_codes_encode(uint32_t code, unsigned char bytes[CP_UTF8_MAX]) {
    static const unsigned char mark[] = {0, 0, 0xc0, 0xe0, 0xf0};
    const size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length; i-- > 1; code >>= 6)
        bytes[i] = (unsigned char)(0x80 | (code & 0x3f));
    bytes[0] = (unsigned char)(mark[length] | code);
    return length;
}

/* ---- lower case ---- */

static uint32_t lower_one(uint32_t code) {
    const struct lower_run *run = FIND_RUN(lower_runs, code);
    return run && (code - run->first) % run->step == 0 ? code + (uint32_t)run->distance : code;
}

static enum sigma_kind sigma_kind(uint32_t code) {
    const struct sigma_run *run = FIND_RUN(sigma_runs, code);
    return run ? run->kind : SIGMA_NEITHER;
}

/* The Unicode Standard's Final_Sigma, table 3-17: behind a cased letter, and none behind it. */
static bool is_final_sigma(struct cp_codes text, size_t i) {
    size_t before = i, after = i + 1;
    while (before > 0 && sigma_kind(text.at[before - 1]) == SIGMA_SKIPPED)
        before--;
    while (after < text.count && sigma_kind(text.at[after]) == SIGMA_SKIPPED)
        after++;
    return before > 0 && sigma_kind(text.at[before - 1]) == SIGMA_CASED &&
           !(after < text.count && sigma_kind(text.at[after]) == SIGMA_CASED);
}

struct cp_codes cp_codes_lower(struct cp_codes text, bool sigma, struct cp_arena *arena) {
    struct cp_codes lower = cp_codes_alloc(2 * text.count, arena);
    for (size_t i = 0; lower.at && i < text.count; i++) {
        const uint32_t code = text.at[i];
        if (code == CAPITAL_SIGMA) {
            lower.at[lower.count++] = sigma && is_final_sigma(text, i) ? FINAL_SIGMA : SMALL_SIGMA;
        } else if (code == CAPITAL_I_DOT) {
            lower.at[lower.count++] = 'i';
            lower.at[lower.count++] = DOT;
        } else {
            lower.at[lower.count++] = lower_one(code);
        }
    }
    if (lower.at)
        lower.at[lower.count] = 0;
    return lower;
}

/* ---- NFC ---- */

/* Hangul syllables are composed by arithmetic (the Unicode Standard, 3.12). */
enum {
    SYLLABLE = 0xac00,
    LEAD = 0x1100,
    VOWEL = 0x1161,
    TAIL = 0x11a7,
    LEADS = 19,
    VOWELS = 21,
    TAILS = 28,
    SYLLABLES = LEADS * VOWELS * TAILS,
    DECOMPOSED_MAX = 4 /* points of the longest canonical decomposition */
};

static unsigned ccc(uint32_t code) {
    const struct ccc_run *run = code < 0x300 ? NULL : FIND_RUN(ccc_runs, code);
    return run ? run->ccc : 0;
}

static const struct decomposition *find_decomposition(uint32_t code) {
    size_t low = 0, high = COUNT(decompositions);
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (decompositions[middle].code == code)
            return &decompositions[middle];
        if (decompositions[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* 0: the two do not compose. */
static uint32_t compose(uint32_t first, uint32_t second) {
    size_t low = 0, high = COUNT(compositions);
    if (first - LEAD < LEADS && second - VOWEL < VOWELS)
        return SYLLABLE + ((first - LEAD) * VOWELS + (second - VOWEL)) * TAILS;
    if (first - SYLLABLE < SYLLABLES && (first - SYLLABLE) % TAILS == 0 && second - TAIL - 1 < TAILS - 1)
        return first + (second - TAIL);
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct composition *c = &compositions[middle];
        if (c->first == first && c->second == second)
            return c->code;
        if (c->first < first || (c->first == first && c->second < second))
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* Appends the full canonical decomposition: its first part may decompose again, its second never does. */
static void decompose(struct cp_codes *text, uint32_t code) {
    uint32_t behind[DECOMPOSED_MAX];
    size_t count = 0;
    if (code - SYLLABLE < SYLLABLES) {
        const uint32_t index = code - SYLLABLE, tail = index % TAILS;
        text->at[text->count++] = LEAD + index / TAILS / VOWELS;
        text->at[text->count++] = VOWEL + index / TAILS % VOWELS;
        if (tail)
            text->at[text->count++] = TAIL + tail;
        return;
    }
    for (const struct decomposition *d; code >= 0xc0 && (d = find_decomposition(code)) != NULL;
         code = d->first)
        if (d->second)
            behind[count++] = d->second;
    text->at[text->count++] = code;
    while (count > 0)
        text->at[text->count++] = behind[--count];
}

/* Canonical ordering: marks behind a starter are sorted by their class, those of one class keep their order.
 */
static void order_marks(struct cp_codes text) {
    for (size_t i = 1; i < text.count; i++) {
        const uint32_t code = text.at[i];
        const unsigned class = ccc(code);
        size_t to = i;
        while (class && to > 0 && ccc(text.at[to - 1]) > class) {
            text.at[to] = text.at[to - 1];
            to--;
        }
        text.at[to] = code;
    }
}

/* Each point is joined to the last starter where nothing between blocks it. */
static void compose_all(struct cp_codes *text) {
    size_t kept = 0, starter = SIZE_MAX;
    unsigned last = 0; /* the class of the point kept last */
    for (size_t i = 0; i < text->count; i++) {
        const uint32_t code = text->at[i];
        const unsigned class = ccc(code);
        const bool adjacent = starter != SIZE_MAX && kept == starter + 1;
        const bool reachable = starter != SIZE_MAX && (adjacent || (last != 0 && last < class));
        const uint32_t joined = reachable ? compose(text->at[starter], code) : 0;
        if (joined) {
            text->at[starter] = joined;
            continue;
        }
        if (class == 0)
            starter = kept;
        last = class;
        text->at[kept++] = code;
    }
    text->count = kept;
    text->at[kept] = 0;
}

struct cp_codes cp_codes_nfc(struct cp_codes text, struct cp_arena *arena) {
    struct cp_codes nfc = cp_codes_alloc(DECOMPOSED_MAX * text.count, arena);
    if (!nfc.at)
        return nfc;
    for (size_t i = 0; i < text.count; i++)
        decompose(&nfc, text.at[i]);
    order_marks(nfc);
    compose_all(&nfc);
    return nfc;
}
