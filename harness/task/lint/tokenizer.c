/* SPDX-License-Identifier: GPL-3.0-or-later
 * tokenizer_config.json and tokenizer.json against the configs, and against CLIP's own tokenizer where they say that it is
 * that one. */
#include "base/path.h"
#include "config/hf_folder.h"
#include "task/lint/parts.h"

#include <stdio.h>
#include <string.h>

enum { PADDED = 128 }; /* rows of a table of embeddings are rounded up to a multiple of this at most */
enum { CLIP_BOS = 49406, CLIP_EOS = 49407 };

struct reading {
    struct cp_lint *lint;
    const struct cp_hf_tokenizer *says;
    struct cp_arena *arena;
    struct cp_error *err;
};

static enum cp_status add_number(const struct reading *r, const char *of, const char *config, long in_config,
                                 long in_file) {
    const char *file = r->says->file ? CP_LINT_TOKENIZER : CP_LINT_TOKENIZER_CONFIG;
    return cp_lint_add(r->lint, r->arena, of,
                       (struct cp_lint_says){config, cp_arena_printf(r->arena, "%ld", in_config)},
                       (struct cp_lint_says){file, cp_arena_printf(r->arena, "%ld", in_file)}, r->err);
}

static enum cp_status add_text(const struct reading *r, const char *file, const char *text) {
    return cp_lint_add(r->lint, r->arena, "tokenizer", (struct cp_lint_says){file, text},
                       (struct cp_lint_says){NULL, NULL}, r->err);
}

static bool is_clip(const struct cp_hf_tokenizer *says) {
    return !says->class[0] || cp_hf_tokenizer_is_clip(says->class);
}

/* The id of a special token: as tokenizer.json has it, else as CLIP's vocabulary; -1: not known, or none. */
static long id_of(const struct cp_hf_tokenizer *says, const char *token, long in_file) {
    if (says->file || !is_clip(says))
        return in_file;
    return strcmp(token, "<|endoftext|>") == 0     ? CLIP_EOS
           : strcmp(token, "<|startoftext|>") == 0 ? CLIP_BOS
                                                   : -1;
}

/* ---- against a config ---- */

static enum cp_status compare_ids(const struct reading *r, const struct cp_lint_view *view) {
    const struct cp_text_config *t = &view->config.text;
    const struct cp_hf_tokenizer *says = r->says;
    /* argmax takes the largest id, which in CLIP's vocabulary is the end of a text */
    const long end = t->pool_type == CP_POOL_EOS ? t->eos_id : t->vocab_size - 1;
    const long eos = says->eos[0] ? id_of(says, says->eos, says->eos_id) : -1;
    const bool padded = says->ids <= t->vocab_size && t->vocab_size - says->ids < PADDED;
    if (says->file && !padded)
        CP_TRY(add_number(r, "vocabulary", view->name, t->vocab_size, says->ids));
    if (says->truncates >= 0 && says->truncates != t->context_length)
        CP_TRY(
            add_number(r, cp_facet_names[CP_FACET_CONTEXT], view->name, t->context_length, says->truncates));
    if (eos < 0 || eos == end || t->pool_type == CP_POOL_FIRST || t->pool_type == CP_POOL_LAST)
        return CP_OK;
    return add_number(r, "the id that ends a text", view->name, end, eos);
}

/* ---- against CLIP's ---- */

static enum cp_status check_token(const struct reading *r, const char *key, const char *token, long in_file) {
    if (!token[0] || id_of(r->says, token, in_file) >= 0)
        return CP_OK;
    return add_text(r, CP_LINT_TOKENIZER_CONFIG,
                    cp_arena_printf(r->arena, "%s '%.60s' is not a token of %s", key, token,
                                    r->says->file ? CP_LINT_TOKENIZER : "CLIP's vocabulary"));
}

/* What says that it is CLIP's, and is not. */
static enum cp_status check_clip(const struct reading *r) {
    const struct cp_hf_tokenizer *says = r->says;
    CP_TRY(check_token(r, "eos_token", says->eos, says->eos_id));
    CP_TRY(check_token(r, "bos_token", says->bos, says->bos_id));
    if (!says->file)
        return CP_OK;
    if (says->model[0] && strcmp(says->model, "BPE") != 0)
        return add_text(r, CP_LINT_TOKENIZER,
                        cp_arena_printf(r->arena, "its model is %s, where CLIP's is BPE", says->model));
    return says->lowers
               ? CP_OK
               : add_text(r, CP_LINT_TOKENIZER, "its normalizer does not lower case, as CLIP's does");
}

static void view_tokenizer(struct cp_lint *lint, const struct cp_hf_tokenizer *says) {
    struct cp_lint_view *view = cp_lint_source(lint, CP_LINT_TOKENIZER_CONFIG);
    const char *class = cp_hf_tokenizer_is_clip(says->class) ? CP_LINT_CLIP_TOKENIZER : says->class;
    (void)snprintf(view->value[CP_FACET_TOKENIZER], CP_FACET_TEXT, "%s", class);
    if (says->max_length >= 0)
        (void)snprintf(view->value[CP_FACET_CONTEXT], CP_FACET_TEXT, "%ld", says->max_length);
}

enum cp_status cp_lint_read_tokenizer(struct cp_lint *lint, const char *path, struct cp_arena *arena,
                                      struct cp_error *err) {
    struct cp_hf_tokenizer says;
    struct cp_error why = {0};
    const struct reading reading = {lint, &says, arena, err};
    const enum cp_status status = cp_hf_tokenizer_read(path, &says, &why);
    if (status == CP_BAD_INPUT)
        return cp_lint_add_error(lint, arena, "tokenizer", cp_path_name(why.where), why.where, &why, err);
    if (status != CP_OK)
        return *err = why, status;
    for (size_t i = 0; i < lint->sources; i++)
        if (lint->source[i].config.embed_dim && cp_has_text(&lint->source[i].config))
            CP_TRY(compare_ids(&reading, &lint->source[i]));
    if (is_clip(&says))
        CP_TRY(check_clip(&reading));
    if (says.settings)
        view_tokenizer(lint, &says);
    return CP_OK;
}
