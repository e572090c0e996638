/* SPDX-License-Identifier: GPL-3.0-or-later
 * ftfy's badness.py: neighbours that hardly ever stand together but where UTF-8 was read in another encoding.
 */
#include "text/clean.h"

enum { RULE_MAX = 7, SETS_PER_WORD = 64, MOJIBAKE_WORD = 127 };

/* Which of the sets hold the points of a run. */
struct mojibake_run {
    uint32_t first, last;
    uint64_t sets[2];
};
/* One element for each character: a set's number from 1 on; below 0: not of that set; MOJIBAKE_WORD: \w. */
struct mojibake_rule {
    bool start; /* only at the start of the text */
    int8_t elements[RULE_MAX];
};

#include "text/unicode/mojibake.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static const uint64_t *sets_of(uint32_t code) {
    static const uint64_t none[2] = {0, 0};
    size_t low = 0, high = COUNT(mojibake_runs);
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct mojibake_run *run = &mojibake_runs[middle];
        if (code < run->first)
            high = middle;
        else if (code > run->last)
            low = middle + 1;
        else
            return run->sets;
    }
    return none;
}

static bool fits(uint32_t code, const uint64_t *sets, int element) {
    const enum cp_class class = element == MOJIBAKE_WORD ? cp_unicode_class(code) : CP_OTHER;
    const unsigned set = (unsigned)(element < 0 ? -element : element) - 1;
    if (element == MOJIBAKE_WORD)
        return class == CP_LETTER || class == CP_NUMBER || code == '_';
    return ((sets[set / SETS_PER_WORD] >> set % SETS_PER_WORD) & 1) == (element > 0);
}

/* sets: those of the points from at on. */
static bool rule_fits(const struct mojibake_rule *rule, struct cp_codes text, size_t at,
                      const uint64_t *const sets[RULE_MAX]) {
    if (rule->start && at > 0)
        return false;
    for (size_t i = 0; i < RULE_MAX && rule->elements[i]; i++)
        if (at + i >= text.count || !fits(text.at[at + i], sets[i], rule->elements[i]))
            return false;
    return true;
}

bool cp_is_mojibake(struct cp_codes text, size_t *at) {
    for (*at = 0; *at < text.count; ++*at) {
        const uint64_t *sets[RULE_MAX] = {NULL};
        for (size_t i = 0; i < RULE_MAX && *at + i < text.count; i++)
            sets[i] = sets_of(text.at[*at + i]);
        for (size_t r = 0; r < COUNT(mojibake_rules); r++)
            if (rule_fits(&mojibake_rules[r], text, *at, sets))
                return true;
    }
    return false;
}
