/* SPDX-License-Identifier: GPL-3.0-or-later
 * Hash tables of merges and token names, filled from a vocabulary whose digest must be the known one. */
#include "text/bpe.h"

#include "base/digest.h"
#include "base/hash.h"
#include "text/unicode.h"
#include "text/vocabulary.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1 << 17 };

/* Of the merges in their order, each with a line feed: a merge lost or moved shifts the ids of the others. */
static const char *const MERGES_SHA256 = "d308b7377a8ceaa9707a21614fe8c831b9196e197b7aeb69833359362907af02";

/* Two neighbouring symbols and the rank of their merge; the merged symbol is token 2 * BYTES + rank. */
struct merge {
    int32_t left, right, rank;
};

struct cp_bpe {
    int32_t byte_id[CP_BPE_BYTES];
    struct merge merges[SLOTS]; /* open addressing; rank -1: empty */
    int32_t id[SLOTS];          /* of tokens by name, open addressing; -1: empty */
    const char *name[CP_BPE_TOKENS];
    struct cp_arena arena; /* the names */
};

/* The slot of a token's name, or the empty one where it would be. */
static int32_t *name_slot(struct cp_bpe *bpe, const char *name) {
    size_t slot = cp_name_hash(name) % SLOTS;
    while (bpe->id[slot] >= 0 && strcmp(bpe->name[bpe->id[slot]], name) != 0)
        slot = (slot + 1) % SLOTS;
    return &bpe->id[slot];
}

static void add_name(struct cp_bpe *bpe, const char *name, int32_t id) {
    bpe->name[id] = name;
    *name_slot(bpe, name) = id;
}

/* The slot of a pair's merge, or the empty one where it would be. */
static size_t merge_slot(const struct cp_bpe *bpe, int32_t left, int32_t right) {
    size_t slot = cp_mix64(((uint64_t)(uint32_t)left << 32) | (uint32_t)right) % SLOTS;
    while (bpe->merges[slot].rank >= 0 &&
           (bpe->merges[slot].left != left || bpe->merges[slot].right != right))
        slot = (slot + 1) % SLOTS;
    return slot;
}

/* bytes_to_unicode: printable Latin-1 keeps its code point and comes first; the other bytes follow, from
 * U+0100 on. */
static bool add_bytes(struct cp_bpe *bpe) {
    int32_t id = 0;
    unsigned others = 0;
    for (int pass = 0; pass < 2; pass++)
        for (unsigned b = 0; b < CP_BPE_BYTES; b++) {
            const bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b != 0xAD);
            unsigned char utf8[CP_UTF8_MAX];
            if (printable != (pass == 0))
                continue;
            const int length = (int)cp_codes_encode(printable ? b : 0x100 + others++, utf8);
            const char *name = cp_arena_printf(&bpe->arena, "%.*s", length, (const char *)utf8);
            const char *ending = name ? cp_arena_printf(&bpe->arena, "%s</w>", name) : NULL;
            if (!ending)
                return false;
            bpe->byte_id[b] = id;
            add_name(bpe, name, id);
            add_name(bpe, ending, CP_BPE_BYTES + id);
            id++;
        }
    return true;
}

/* "left right", two symbols that exist; their merge is a new one. */
static enum cp_status add_merge(struct cp_bpe *bpe, const struct cp_vocabulary *v, size_t rank,
                                struct cp_error *err) {
    const size_t length = strcspn(v->merges[rank], " ");
    const char *left = cp_arena_printf(&bpe->arena, "%.*s", (int)length, v->merges[rank]);
    const char *right = v->merges[rank] + length + (v->merges[rank][length] == ' ');
    const char *merged = left ? cp_arena_printf(&bpe->arena, "%s%s", left, right) : NULL;
    CP_TRY(CP_CHECK_ALLOC(merged, err, v->path, "the vocabulary"));
    const int32_t a = *name_slot(bpe, left), b = *name_slot(bpe, right);
    if (a < 0 || b < 0)
        return cp_fail(err, CP_BAD_INPUT, v->path, "%s %zu is not a merge of two known symbols", v->unit,
                       v->first + rank),
               cp_expected(err, "two symbols separated by a space");
    if (*name_slot(bpe, merged) >= 0)
        return cp_fail(err, CP_BAD_INPUT, v->path, "%s %zu makes a symbol that exists already", v->unit,
                       v->first + rank),
               cp_expected(err, "a merge that makes a new symbol");
    bpe->merges[merge_slot(bpe, a, b)] = (struct merge){a, b, (int32_t)rank};
    add_name(bpe, merged, 2 * CP_BPE_BYTES + (int32_t)rank);
    return CP_OK;
}

static enum cp_status check_digest(const struct cp_vocabulary *v, struct cp_error *err) {
    struct cp_digest *digest = NULL;
    char hex[CP_DIGEST_HEX];
    CP_TRY(cp_digest_start(&digest, err));
    for (size_t rank = 0; rank < v->merge_count; rank++) {
        cp_digest_add(digest, v->merges[rank], strlen(v->merges[rank]));
        cp_digest_add(digest, "\n", 1);
    }
    cp_digest_finish_hex(digest, hex);
    if (strcmp(hex, MERGES_SHA256) != 0)
        return cp_fail(err, CP_BAD_INPUT, v->path, "holds other merges than OpenAI's, SHA-256 %s", hex),
               cp_expected(err, "%s of the merges", MERGES_SHA256);
    return CP_OK;
}

static enum cp_status add_merges(struct cp_bpe *bpe, const struct cp_vocabulary *v, struct cp_error *err) {
    const size_t used = v->merge_count < CP_BPE_MERGES ? v->merge_count : CP_BPE_MERGES;
    for (size_t rank = 0; rank < used; rank++)
        CP_TRY(add_merge(bpe, v, rank, err));
    if (v->merge_count < CP_BPE_MERGES)
        return cp_fail(err, CP_BAD_INPUT, v->path, "ends behind %s %zu", v->unit, v->first + used - 1),
               cp_expected(err, "%s%d merges", v->first ? "a header and " : "", CP_BPE_MERGES);
    return check_digest(v, err);
}

/* Where the file has ids: they must be those that follow from the merges. */
static enum cp_status check_tokens(const struct cp_bpe *bpe, const struct cp_vocabulary *v, const char *path,
                                   struct cp_error *err) {
    if (v->token_count && v->token_count != CP_BPE_TOKENS)
        return cp_fail(err, CP_BAD_INPUT, path, "has %zu tokens", v->token_count),
               cp_expected(err, "OpenAI's %d", CP_BPE_TOKENS);
    for (size_t i = 0; i < v->token_count; i++)
        if (strcmp(v->tokens[i], bpe->name[i]) != 0)
            return cp_fail(err, CP_BAD_INPUT, path, "token %zu is '%.60s'", i, v->tokens[i]),
                   cp_expected(err, "OpenAI's '%.60s'", bpe->name[i]);
    return CP_OK;
}

static enum cp_status load(struct cp_bpe *bpe, const char *path, struct cp_arena *arena,
                           struct cp_error *err) {
    struct cp_vocabulary v;
    memset(bpe->merges, 0xff, sizeof bpe->merges);
    memset(bpe->id, 0xff, sizeof bpe->id);
    CP_TRY(cp_vocabulary_read(path, CP_BPE_MERGES, arena, &v, err));
    CP_TRY(CP_CHECK_ALLOC(add_bytes(bpe), err, path, "the vocabulary"));
    CP_TRY(add_merges(bpe, &v, err));
    add_name(bpe, "<|startoftext|>", CP_BPE_START);
    add_name(bpe, "<|endoftext|>", CP_BPE_END);
    return check_tokens(bpe, &v, path, err);
}

enum cp_status cp_bpe_open(const char *vocabulary, struct cp_bpe **out, struct cp_error *err) {
    struct cp_bpe *bpe = calloc(1, sizeof *bpe);
    struct cp_arena arena = {0};
    CP_TRY(CP_CHECK_ALLOC(bpe, err, vocabulary, "the vocabulary"));
    const enum cp_status status = load(bpe, vocabulary, &arena, err);
    cp_arena_free(&arena);
    if (status == CP_OK)
        *out = bpe;
    else
        cp_bpe_close(bpe);
    return status;
}

void cp_bpe_close(struct cp_bpe *bpe) {
    if (bpe)
        cp_arena_free(&bpe->arena);
    free(bpe);
}

/* Merges the lowest-ranked neighbouring pair, all its occurrences from left to right, until none is left. */
static size_t merge_all(const struct cp_bpe *bpe, int32_t *symbols, size_t count) {
    for (;;) {
        const struct merge *best = NULL;
        for (size_t i = 0; i + 1 < count; i++) {
            const struct merge *m = &bpe->merges[merge_slot(bpe, symbols[i], symbols[i + 1])];
            if (m->rank >= 0 && (!best || m->rank < best->rank))
                best = m;
        }
        if (!best)
            return count;
        size_t kept = 0;
        for (size_t i = 0; i < count; i++) {
            const bool here = i + 1 < count && symbols[i] == best->left && symbols[i + 1] == best->right;
            symbols[kept++] = here ? 2 * CP_BPE_BYTES + best->rank : symbols[i];
            i += here;
        }
        count = kept;
    }
}

size_t cp_bpe_word(const struct cp_bpe *bpe, const unsigned char *word, size_t count, bool word_end,
                   int32_t *ids) {
    for (size_t i = 0; i < count; i++)
        ids[i] = bpe->byte_id[word[i]];
    if (word_end)
        ids[count - 1] += CP_BPE_BYTES;
    return merge_all(bpe, ids, count);
}

const char *cp_bpe_name(const struct cp_bpe *bpe, int32_t id) {
    return bpe->name[id];
}
