/* SPDX-License-Identifier: GPL-3.0-or-later
 * The files that a byte-pair encoding comes in. */
#ifndef CP_TEXT_VOCABULARY_H
#define CP_TEXT_VOCABULARY_H

#include "base/arena.h"
#include "base/status.h"

struct cp_vocabulary {
    const char *path; /* of the merges */
    const char *unit; /* what a merge is there, for errors: merge 0 is `unit` number `first` */
    size_t first;
    size_t merge_count;
    const char **merges; /* (merge_count) "left right" */
    size_t token_count;  /* 0: the file has merges alone, whose order gives the ids */
    const char **tokens; /* (token_count) by id */
};

/* Reads OpenAI's bpe_simple_vocab_16e6.txt or Hugging Face's merges.txt (a header, then a merge a line; of
 * more merges than most the first), vocab.json (with merges.txt beside it) or tokenizer.json; each may be
 * gzip. In the arena. */
enum cp_status cp_vocabulary_read(const char *path, size_t most, struct cp_arena *arena,
                                  struct cp_vocabulary *vocabulary, struct cp_error *err);

#endif
