/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/tokenizer.h"

#include "base/hash.h"
#include "io/file.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BYTES = 256,
    MERGES = 49152 - 256 - 2,
    START = 2 * BYTES + MERGES,
    END = START + 1,
    SLOTS = 1 << 17,
    WORD_MAX = 1024,
    VOCABULARY_MAX = 8 << 20
};

/* Two neighbouring symbols and the rank of their merge; the merged symbol is token 2 * BYTES + rank. */
struct merge {
    int32_t left, right, rank;
};

struct cp_tokenizer {
    int32_t byte_id[BYTES];
    struct merge merges[SLOTS]; /* open addressing; rank -1: empty */
};

/* While loading: token strings to ids. */
struct names {
    const char *name[SLOTS];
    int32_t id[SLOTS];
};

static size_t name_slot(const struct names *names, const char *name) {
    size_t slot = cp_name_hash(name) % SLOTS;
    while (names->name[slot] && strcmp(names->name[slot], name) != 0)
        slot = (slot + 1) % SLOTS;
    return slot;
}

static void add_name(struct names *names, const char *name, int32_t id) {
    const size_t slot = name_slot(names, name);
    names->name[slot] = name;
    names->id[slot] = id;
}

static struct merge *merge_slot(const struct cp_tokenizer *t, int32_t left, int32_t right) {
    size_t slot = cp_mix64(((uint64_t)(uint32_t)left << 32) | (uint32_t)right) % SLOTS;
    while (t->merges[slot].rank >= 0 && (t->merges[slot].left != left || t->merges[slot].right != right))
        slot = (slot + 1) % SLOTS;
    return (struct merge *)&t->merges[slot];
}

/* bytes_to_unicode: printable Latin-1 keeps its code point and comes first; the other bytes follow, from
 * U+0100 on. */
static bool add_bytes(struct cp_tokenizer *t, struct names *names, struct cp_arena *arena) {
    int32_t id = 0;
    unsigned others = 0;
    for (int pass = 0; pass < 2; pass++)
        for (unsigned b = 0; b < BYTES; b++) {
            const bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b != 0xAD);
            if (printable != (pass == 0))
                continue;
            const unsigned point = printable ? b : 0x100 + others++;
            const char *name = point < 0x80 ? cp_arena_printf(arena, "%c", (int)point)
                                            : cp_arena_printf(arena, "%c%c", (int)(0xC0 | (point >> 6)),
                                                              (int)(0x80 | (point & 0x3F)));
            const char *ending = name ? cp_arena_printf(arena, "%s</w>", name) : NULL;
            if (!ending)
                return false;
            t->byte_id[b] = id;
            add_name(names, name, id);
            add_name(names, ending, BYTES + id);
            id++;
        }
    return true;
}

static enum cp_status add_merge(struct cp_tokenizer *t, struct names *names, struct cp_arena *arena,
                                char *line, int32_t rank, const char *path, struct cp_error *err) {
    char *space = strchr(line, ' ');
    if (space)
        *space = '\0';
    const char *right = space ? space + 1 : "";
    const size_t a = name_slot(names, line), b = name_slot(names, right);
    if (!space || strchr(right, ' ') || !names->name[a] || !names->name[b])
        return cp_fail(err, CP_BAD_INPUT, path, "line %d is no merge of two known symbols", rank + 2),
               cp_expected(err, "two symbols separated by a space");
    const char *merged = cp_arena_printf(arena, "%s%s", line, right);
    if (!merged)
        return cp_fail(err, CP_INTERNAL, path, "out of memory");
    struct merge *slot = merge_slot(t, names->id[a], names->id[b]);
    if (slot->rank < 0)
        *slot = (struct merge){names->id[a], names->id[b], rank};
    add_name(names, merged, 2 * BYTES + rank);
    return CP_OK;
}

static enum cp_status load(struct cp_tokenizer *t, const char *path, struct names *names,
                           struct cp_arena *arena, struct cp_error *err) {
    struct cp_file file;
    CP_TRY(cp_file_read(path, VOCABULARY_MAX, arena, &file, err));
    char *text = cp_arena_alloc(arena, file.size + 1, 1), *rest = NULL;
    if (!text || !add_bytes(t, names, arena))
        return cp_fail(err, CP_INTERNAL, path, "out of memory");
    memcpy(text, file.bytes, file.size + 1);
    int32_t rank = -1; /* line 1 is a header */
    for (char *line = strtok_r(text, "\n", &rest); line && rank < MERGES;
         line = strtok_r(NULL, "\n", &rest), rank++)
        if (rank >= 0)
            CP_TRY(add_merge(t, names, arena, line, rank, path, err));
    if (rank < MERGES)
        return cp_fail(err, CP_BAD_INPUT, path, "%d lines", rank + 1),
               cp_expected(err, "a header and %d merges", MERGES);
    return CP_OK;
}

enum cp_status cp_tokenizer_open(const char *vocabulary, struct cp_tokenizer **out, struct cp_error *err) {
    struct cp_tokenizer *t = malloc(sizeof *t);
    struct names *names = calloc(1, sizeof *names);
    struct cp_arena arena = {0};
    enum cp_status status;
    if (!t || !names) {
        status = cp_fail(err, CP_INTERNAL, vocabulary, "out of memory");
    } else {
        memset(t->merges, 0xff, sizeof t->merges);
        status = load(t, vocabulary, names, &arena, err);
    }
    cp_arena_free(&arena);
    free(names);
    if (status == CP_OK)
        *out = t;
    else
        free(t);
    return status;
}

/* Merges the lowest-ranked neighbouring pair, all its occurrences from left to right, until none is left. */
static size_t merge_word(const struct cp_tokenizer *t, int32_t *symbols, size_t count) {
    for (;;) {
        const struct merge *best = NULL;
        for (size_t i = 0; i + 1 < count; i++) {
            const struct merge *m = merge_slot(t, symbols[i], symbols[i + 1]);
            if (m->rank >= 0 && (!best || m->rank < best->rank))
                best = m;
        }
        if (!best)
            return count;
        size_t kept = 0;
        for (size_t i = 0; i < count; i++) {
            const bool here = i + 1 < count && symbols[i] == best->left && symbols[i + 1] == best->right;
            symbols[kept++] = here ? 2 * BYTES + best->rank : symbols[i];
            i += here;
        }
        count = kept;
    }
}

/* Bytes of the next piece of the pattern: 's 't 're 've 'm 'll 'd, letters, one digit, or anything else but
 * space. */
static size_t piece(const char *text) {
    static const char *const endings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    size_t length = 0;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (strncmp(text, endings[i], strlen(endings[i])) == 0)
            return strlen(endings[i]);
    if (isdigit((unsigned char)*text))
        return 1;
    if (isalpha((unsigned char)*text)) {
        while (isalpha((unsigned char)text[length]))
            length++;
        return length;
    }
    while (text[length] && !isspace((unsigned char)text[length]) && !isalnum((unsigned char)text[length]))
        length++;
    return length;
}

static enum cp_status check_ascii(const char *text, struct cp_error *err) {
    for (size_t i = 0; text[i]; i++)
        if ((unsigned char)text[i] >= 0x80)
            return cp_fail(err, CP_BAD_INPUT, "", "prompt '%.60s': byte %zu is not ASCII", text, i + 1),
                   cp_expected(err, "ASCII prompts, or token ids from a .npy file");
    if (strchr(text, '&') && strchr(text, ';'))
        return cp_fail(err, CP_BAD_INPUT, "", "prompt '%.60s' may hold an HTML entity", text),
               cp_expected(err, "plain text without &...;");
    return CP_OK;
}

enum cp_status cp_tokenizer_encode(const struct cp_tokenizer *t, const char *text, int context_length,
                                   int32_t *ids, struct cp_error *err) {
    char lower[WORD_MAX];
    int count = 0;
    CP_TRY(check_ascii(text, err));
    if (strlen(text) >= sizeof lower)
        return cp_fail(err, CP_BAD_INPUT, "", "prompt '%.60s...' has %zu bytes", text, strlen(text)),
               cp_expected(err, "at most %d", WORD_MAX - 1);
    for (size_t i = 0; i <= strlen(text); i++)
        lower[i] = (char)tolower((unsigned char)text[i]);
    memset(ids, 0, (size_t)context_length * sizeof *ids);
    ids[count++] = START;
    for (const char *at = lower; *at && count < context_length;) {
        int32_t symbols[WORD_MAX];
        at += strspn(at, " \t\n\v\f\r");
        const size_t length = piece(at);
        for (size_t i = 0; i < length; i++)
            symbols[i] = t->byte_id[(unsigned char)at[i]] + (i + 1 == length ? BYTES : 0);
        const size_t merged = merge_word(t, symbols, length);
        for (size_t i = 0; i < merged && count < context_length; i++)
            ids[count++] = symbols[i];
        at += length;
    }
    ids[count < context_length ? count : context_length - 1] = END;
    return CP_OK;
}

void cp_tokenizer_close(struct cp_tokenizer *t) {
    free(t);
}
