/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/tokenizer.h"

#include "base/digest.h"
#include "base/hash.h"
#include "io/file.h"
#include "model/prompt.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    BYTES = 256,
    MERGES = 49152 - 256 - 2,
    START = 2 * BYTES + MERGES,
    END = START + 1,
    SLOTS = 1 << 17,
    WORD_MAX = 1 << 13,
    VOCABULARY_MAX = 8 << 20
};

/* Of the header and the merges, to the last one's end. */
static const char *const USED_LINES_SHA256 =
    "6e881f7ff9ad0a6b1eff3087dfc80d6a3531c8f2ad2e89ecbc357113970c815d";

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

/* line: "left right", two symbols that exist; their merge is a new one. */
static enum cp_status add_merge(struct cp_tokenizer *t, struct names *names, struct cp_arena *arena,
                                char *line, int32_t rank, const char *path, struct cp_error *err) {
    char *right = line + strcspn(line, " ");
    if (*right)
        *right++ = '\0';
    const size_t a = name_slot(names, line), b = name_slot(names, right);
    if (!names->name[a] || !names->name[b])
        return cp_fail(err, CP_BAD_INPUT, path, "line %d is no merge of two known symbols", rank + 2),
               cp_expected(err, "two symbols separated by a space");
    const char *merged = cp_arena_printf(arena, "%s%s", line, right);
    if (!merged)
        return cp_fail(err, CP_INTERNAL, path, "out of memory");
    if (names->name[name_slot(names, merged)])
        return cp_fail(err, CP_BAD_INPUT, path, "line %d makes a symbol that is there already", rank + 2),
               cp_expected(err, "a merge that makes a new symbol");
    *merge_slot(t, names->id[a], names->id[b]) = (struct merge){names->id[a], names->id[b], rank};
    add_name(names, merged, 2 * BYTES + rank);
    return CP_OK;
}

/* Whether the lines read are OpenAI's: a line lost or moved shifts the ids of the others. */
static enum cp_status check_digest(const char *path, const void *text, size_t size, struct cp_error *err) {
    struct cp_digest *digest = NULL;
    char hex[CP_DIGEST_HEX];
    CP_TRY(cp_digest_start(&digest, err));
    cp_digest_add(digest, text, size);
    cp_digest_finish_hex(digest, hex);
    if (strcmp(hex, USED_LINES_SHA256) != 0)
        return cp_fail(err, CP_BAD_INPUT, path, "holds other merges than OpenAI's, SHA-256 %s", hex),
               cp_expected(err, "%s in the first %d lines", USED_LINES_SHA256, MERGES + 1);
    return CP_OK;
}

static enum cp_status load(struct cp_tokenizer *t, const char *path, struct names *names,
                           struct cp_arena *arena, struct cp_error *err) {
    struct cp_file file;
    CP_TRY(cp_file_read(path, VOCABULARY_MAX, arena, &file, err));
    char *text = cp_arena_alloc(arena, file.size + 1, 1), *rest = text;
    if (!text || !add_bytes(t, names, arena))
        return cp_fail(err, CP_INTERNAL, path, "out of memory");
    memcpy(text, file.bytes, file.size + 1);
    if (!strstr(strsep(&rest, "\n"), "#version"))
        return cp_fail(err, CP_BAD_INPUT, path, "line 1 is no header"),
               cp_expected(err, "bpe_simple_vocab_16e6.txt, which begins with its name and #version");
    for (int32_t rank = 0; rank < MERGES; rank++) {
        if (!rest || !*rest)
            return cp_fail(err, CP_BAD_INPUT, path, "ends behind line %d", rank + 1),
                   cp_expected(err, "a header and %d merges", MERGES);
        CP_TRY(add_merge(t, names, arena, strsep(&rest, "\n"), rank, path, err));
    }
    return check_digest(path, file.bytes, rest ? (size_t)(rest - text) - 1 : file.size, err);
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

static const char *const SPACE = " \t\n\f\r";

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
    while (!strchr(SPACE, text[length]) && !isalnum((unsigned char)text[length]))
        length++;
    return length;
}

enum cp_status cp_tokenizer_encode(const struct cp_tokenizer *t, const char *text, int context_length,
                                   bool truncate, int32_t *ids, struct cp_error *err) {
    char lower[WORD_MAX];
    int count = 0;
    CP_TRY(cp_prompt_check(text, err));
    if (strlen(text) >= sizeof lower)
        return cp_fail(err, CP_BAD_INPUT, "", "prompt '%.60s...' has %zu bytes", text, strlen(text)),
               cp_expected(err, "at most %d", WORD_MAX - 1);
    for (size_t i = 0; i <= strlen(text); i++)
        lower[i] = (char)tolower((unsigned char)text[i]);
    memset(ids, 0, (size_t)context_length * sizeof *ids);
    ids[count++] = START;
    for (const char *at = lower + strspn(lower, SPACE); *at; at += strspn(at, SPACE)) {
        int32_t symbols[WORD_MAX];
        const size_t length = piece(at);
        for (size_t i = 0; i < length; i++)
            symbols[i] = t->byte_id[(unsigned char)at[i]] + (i + 1 == length ? BYTES : 0);
        const size_t merged = merge_word(t, symbols, length);
        for (size_t i = 0; i < merged; i++, count++)
            if (count < context_length)
                ids[count] = symbols[i];
        at += length;
    }
    if (count >= context_length && !truncate)
        return cp_fail(err, CP_BAD_INPUT, "", "prompt '%.60s' has %d tokens with start and end", text,
                       count + 1),
               cp_expected(err, "at most %d, the context length, or inputs.truncate: on", context_length);
    ids[count < context_length ? count : context_length - 1] = END;
    return CP_OK;
}

void cp_tokenizer_close(struct cp_tokenizer *t) {
    free(t);
}
