/* SPDX-License-Identifier: GPL-3.0-or-later
 * Texts by every tokenizer: ids are those of the vocabulary, start is first and end last. Run in the
 * repository, for data/vocab. */
#include "text/bpe.h"
#include "text/tokenizer.h"

#include "support/fuzz.h"

#include <stdlib.h>

enum { CONTEXT = 77 };

static void check_ids(const int32_t *ids, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (ids[i] < 0 || ids[i] >= CP_BPE_TOKENS)
            abort();
}

/* The first byte is the variant, the rest the text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct cp_tokenizer *tokenizer;
    static struct cp_arena arena;
    struct cp_error err;
    struct cp_tokens tokens;
    int32_t ids[CONTEXT];
    if (!tokenizer && cp_tokenizer_open("data/vocab/bpe_simple_vocab_16e6.txt.gz", &tokenizer, &err) != CP_OK)
        abort();
    const struct cp_tokenizer_variant *v = cp_tokenizer_variant(size ? data[0] % 8 : 0);
    if (size == 0 || !v)
        return 0;
    cp_arena_reset(&arena);
    const char *text = (const char *)data + 1;
    const enum cp_status status = cp_tokenizer_tokens(tokenizer, v, text, size - 1, &arena, &tokens, &err);
    if (status != CP_OK)
        return status == CP_BAD_INPUT ? 0 : (abort(), 0);
    check_ids(tokens.ids, tokens.count);
    if (tokens.count < 2 || tokens.ids[0] != CP_BPE_START || tokens.ids[tokens.count - 1] != CP_BPE_END ||
        cp_tokenizer_fit(v, "", tokens, CONTEXT, true, ids, &err) != CP_OK)
        abort();
    check_ids(ids, CONTEXT);
    return 0;
}
