/* SPDX-License-Identifier: GPL-3.0-or-later
 * CLIP's byte-pair encoding of one word: bytes become symbols, neighbouring symbols become one by merges. */
#ifndef CP_TEXT_BPE_H
#define CP_TEXT_BPE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CP_BPE_BYTES = 256,
    CP_BPE_MERGES = 49152 - 256 - 2,
    CP_BPE_START = 2 * CP_BPE_BYTES + CP_BPE_MERGES, /* <|startoftext|> */
    CP_BPE_END,                                      /* <|endoftext|> */
    CP_BPE_TOKENS
};

struct cp_bpe;

/* vocabulary: any file that cp_vocabulary_read takes; its merges must be OpenAI's. Free with cp_bpe_close. */
enum cp_status cp_bpe_open(const char *vocabulary, struct cp_bpe **out, struct cp_error *err);
void cp_bpe_close(struct cp_bpe *bpe);

/* Tokens of a word of count > 0 bytes into ids, which has room for count; their number. word_end: its last
 * byte is the symbol with </w>. */
size_t cp_bpe_word(const struct cp_bpe *bpe, const unsigned char *word, size_t count, bool word_end,
                   int32_t *ids);

/* A token as vocab.json has it. */
const char *cp_bpe_name(const struct cp_bpe *bpe, int32_t id);

#endif
