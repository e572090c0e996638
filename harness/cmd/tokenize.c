/* SPDX-License-Identifier: GPL-3.0-or-later
 * Prints token ids and names of the texts on the command line, plain or as JSON. */
#include "base/escape.h"
#include "cmd/cmd.h"
#include "format/file.h"
#include "format/json_write.h"
#include "text/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT = 77, CONTEXT_MAX = 1 << 16 };

struct arguments {
    struct cp_words texts;
    const struct cp_tokenizer_variant *variant;
    const char *vocabulary; /* NULL: OpenAI's in data/ */
    int context;
    bool json, pad, truncate;
};

static void print_json(const struct arguments *a, const struct cp_tokenizer *tokenizer, const char *text,
                       struct cp_tokens tokens) {
    printf("{\"text\": ");
    cp_json_put_string(stdout, text);
    cp_print(stdout, ", \"tokenizer\": \"%s\", \"ids\": [", a->variant->info.name);
    for (size_t i = 0; i < tokens.count; i++)
        cp_print(stdout, "%s%d", i ? ", " : "", tokens.ids[i]);
    printf("], \"tokens\": [");
    for (size_t i = 0; i < tokens.count; i++) {
        (void)fputs(i ? ", " : "", stdout);
        cp_json_put_string(stdout, cp_tokenizer_name(tokenizer, tokens.ids[i]));
    }
    printf("]}");
}

static void print_plain(const struct cp_tokenizer *tokenizer, struct cp_tokens tokens) {
    for (size_t i = 0; i < tokens.count; i++)
        cp_print(stdout, "%s%d", i ? " " : "", tokens.ids[i]);
    printf("\n");
    for (size_t i = 0; i < tokens.count; i++)
        cp_print(stdout, "%s%s", i ? " " : "  ", cp_tokenizer_name(tokenizer, tokens.ids[i]));
    printf("\n");
}

/* Cut to the context; without --pad what fills it is left out. */
static enum cp_status fit(const struct arguments *a, const char *text, struct cp_arena *arena,
                          struct cp_tokens *tokens, struct cp_error *err) {
    const size_t context = (size_t)a->context;
    int32_t *ids = cp_arena_alloc(arena, context, sizeof *ids);
    CP_TRY(CP_CHECK_ALLOC(ids, err, "", "the tokens"));
    if (cp_tokenizer_fit(a->variant, text, *tokens, a->context, a->truncate, ids, err) != CP_OK)
        return cp_expected(err, "at most %d, the context, or --truncate", a->context);
    *tokens = (struct cp_tokens){ids, a->pad || tokens->count > context ? context : tokens->count};
    return CP_OK;
}

static enum cp_status print_all(const struct arguments *a, const struct cp_tokenizer *tokenizer,
                                struct cp_arena *arena, struct cp_error *err) {
    (void)fputs(a->json ? "[" : "", stdout);
    for (size_t i = 0; i < a->texts.count; i++) {
        const char *text = a->texts.word[i];
        struct cp_tokens tokens;
        CP_TRY(cp_tokenizer_tokens(tokenizer, a->variant, text, strlen(text), arena, &tokens, err));
        CP_TRY(fit(a, text, arena, &tokens, err));
        if (a->json) {
            (void)fputs(i ? ",\n " : "", stdout);
            print_json(a, tokenizer, text, tokens);
        } else {
            print_plain(tokenizer, tokens);
        }
    }
    (void)fputs(a->json ? "]\n" : "", stdout);
    return CP_OK;
}

static enum cp_status run(void *arguments, struct cp_error *err) {
    struct arguments *a = arguments;
    struct cp_arena arena = {0};
    struct cp_tokenizer *tokenizer = NULL;
    enum cp_status status;
    if (!a->variant)
        a->variant = cp_tokenizer_variant(0);
    if (!a->vocabulary)
        a->vocabulary = cp_data_path(CP_VOCABULARY, &arena);
    CP_TRY_DONE(CP_CHECK_ALLOC(a->vocabulary, err, "", "a path"));
    CP_TRY_DONE(cp_tokenizer_open(a->vocabulary, &tokenizer, err));
    status = print_all(a, tokenizer, &arena, err);
done:
    cp_tokenizer_close(tokenizer);
    cp_arena_free(&arena);
    return status;
}

/* ---- the table ---- */

static enum cp_status read_variant(void *arguments, const struct cp_option *option, const char *value,
                                   struct cp_error *err) {
    struct arguments *a = arguments;
    (void)option;
    return cp_tokenizer_find(value, &a->variant, err);
}

static enum cp_status read_context(void *arguments, const struct cp_option *option, const char *value,
                                   struct cp_error *err) {
    struct arguments *a = arguments;
    char *end;
    const long context = strtol(value, &end, 10);
    (void)option;
    if (end == value || *end || context < 2 || context > CONTEXT_MAX)
        return cp_fail(err, CP_USAGE, "", "tokenize: a context of '%s'", value),
               cp_expected(err, "a number of tokens, 2 to %d", CONTEXT_MAX);
    a->context = (int)context;
    return CP_OK;
}

static const struct cp_argument words[] = {
    {"TEXT", CP_WORD_TEXT, "one or more texts; put -- before one that starts with a dash",
     CP_INTO(struct arguments, texts), .missing = "no text", .expected = "one or more"},
    {0},
};

static const struct cp_option options[] = {
    {"--tokenizer", 0, "NAME", CP_WORD_TOKENIZER, "openai (the default), open_clip, huggingface or another",
     .take = read_variant},
    {"--vocabulary", 0, "FILE", CP_WORD_FILE, "bpe_simple_vocab_16e6.txt, vocab.json or tokenizer.json",
     CP_INTO(struct arguments, vocabulary)},
    {"--context", 0, "N", CP_WORD_TEXT, "the model's context length (default: 77)", .take = read_context},
    {"--truncate", 0, NULL, CP_WORD_TEXT, "cut texts that are too long", CP_INTO(struct arguments, truncate)},
    {"--pad", 0, NULL, CP_WORD_TEXT, "print the padding as well", CP_INTO(struct arguments, pad)},
    {"--json", 0, NULL, CP_WORD_TEXT, "print JSON", CP_INTO(struct arguments, json)},
    {0},
};

static const struct cp_example examples[] = {
    {"OpenAI's tokenizer", "clip-parity tokenize \"a photo of a dog\""},
    {"Another system's, padded to the context length",
     "clip-parity tokenize --tokenizer huggingface --pad \"don't  PANIC\""},
    {0},
};

const struct cp_command cp_cmd_tokenize = {
    .name = "tokenize",
    .group = CP_COMMANDS_INPUT,
    .summary = "show the token ids a model gets from a text",
    .about = "Prints ids and tokens of texts, as one of several tokenizers in use makes them "
             "(docs/tokenizer.md).\n",
    .example = examples,
    .argument = words,
    .option = options,
    .size = sizeof(struct arguments),
    .initial = &(const struct arguments){.context = CONTEXT},
    .run = run,
};
