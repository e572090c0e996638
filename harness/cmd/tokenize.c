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
    const char **texts; /* (count) */
    size_t count;
    const struct cp_tokenizer_variant *variant;
    const char *vocabulary; /* NULL: OpenAI's in data/ */
    int context;
    bool json, pad, truncate;
};

/* An option's value, which is the argument behind it. */
static enum cp_status read_value(const char *option, int argc, char **argv, int *i, const char **value,
                                 struct cp_error *err) {
    if (*i + 1 >= argc)
        return (void)cp_fail(err, CP_USAGE, "", "tokenize: %s without a value", option),
               cp_expected(err, "one behind it");
    *value = argv[++*i];
    return CP_OK;
}

static enum cp_status read_context(const char *value, struct arguments *a, struct cp_error *err) {
    char *end;
    const long context = strtol(value, &end, 10);
    if (end == value || *end || context < 2 || context > CONTEXT_MAX)
        return (void)cp_fail(err, CP_USAGE, "", "tokenize: a context of '%s'", value),
               cp_expected(err, "a number of tokens, 2 to %d", CONTEXT_MAX);
    a->context = (int)context;
    return CP_OK;
}

static enum cp_status read_option(int argc, char **argv, int *i, struct arguments *a, struct cp_error *err) {
    const char *option = argv[*i], *value = "";
    if (strcmp(option, "--json") == 0)
        return a->json = true, CP_OK;
    if (strcmp(option, "--pad") == 0)
        return a->pad = true, CP_OK;
    if (strcmp(option, "--truncate") == 0)
        return a->truncate = true, CP_OK;
    if (strcmp(option, "--tokenizer") == 0) {
        CP_TRY(read_value(option, argc, argv, i, &value, err));
        return cp_tokenizer_find(value, &a->variant, err);
    }
    if (strcmp(option, "--vocabulary") == 0)
        return read_value(option, argc, argv, i, &a->vocabulary, err);
    if (strcmp(option, "--context") == 0) {
        CP_TRY(read_value(option, argc, argv, i, &value, err));
        return read_context(value, a, err);
    }
    return (void)cp_fail(err, CP_USAGE, "", "tokenize: unknown option '%s'", option),
           cp_expected(err,
                       "--tokenizer NAME, --vocabulary FILE, --context N, --truncate, --pad, --json, or -- "
                       "before texts");
}

/* Behind -- everything is text. */
static enum cp_status parse(int argc, char **argv, struct arguments *a, struct cp_arena *arena,
                            struct cp_error *err) {
    bool options = true;
    *a = (struct arguments){.variant = cp_tokenizer_variant(0), .context = CONTEXT};
    CP_TRY(CP_ARENA_ALLOC(arena, a->texts, (size_t)argc, err, "", "the arguments"));
    for (int i = 0; i < argc; i++) {
        if (options && strcmp(argv[i], "--") == 0)
            options = false;
        else if (options && argv[i][0] == '-' && argv[i][1])
            CP_TRY(read_option(argc, argv, &i, a, err));
        else
            a->texts[a->count++] = argv[i];
    }
    if (a->count == 0)
        return (void)cp_fail(err, CP_USAGE, "", "tokenize: no text"), cp_expected(err, "one or more");
    return CP_OK;
}

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
    for (size_t i = 0; i < a->count; i++) {
        const char *text = a->texts[i];
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

enum cp_status cp_cmd_tokenize(int argc, char **argv, struct cp_error *err) {
    struct arguments a;
    struct cp_arena arena = {0};
    struct cp_tokenizer *tokenizer = NULL;
    enum cp_status status;
    CP_TRY_DONE(parse(argc, argv, &a, &arena, err));
    if (!a.vocabulary)
        a.vocabulary = cp_data_path(CP_VOCABULARY, &arena);
    CP_TRY_DONE(CP_CHECK_ALLOC(a.vocabulary, err, "", "a path"));
    CP_TRY_DONE(cp_tokenizer_open(a.vocabulary, &tokenizer, err));
    status = print_all(&a, tokenizer, &arena, err);
done:
    cp_tokenizer_close(tokenizer);
    cp_arena_free(&arena);
    return status;
}
