/* SPDX-License-Identifier: GPL-3.0-or-later
 * Looks for the tensors by which layouts are told, takes what stands before their names for the model's prefix, and
 * leaves the tensors behind one prefix alone. */
#include "model/layout/state_dict.h"

#include "base/sentence.h"
#include "model/layout/layout.h"

#include <stdlib.h>
#include <string.h>

enum { MODELS_MOST = 16, LISTED = 4 };

/* A model in the file. */
struct found {
    const char *prefix; /* its length characters, up to a dot */
    size_t length, tensors;
    const char *tower; /* what the layout has before these names and the file has not: "visual."; or "" */
};

struct search {
    struct cp_checkpoint *file;
    const char *path, *key; /* key: chosen, or NULL */
    struct found list[MODELS_MOST];
    size_t count;
    bool *keep; /* of every tensor */
    struct cp_error *err;
};

static bool begins(const char *name, const struct found *f) {
    return strncmp(name, f->prefix, f->length) == 0;
}

/* ---- where models are ---- */

/* A state of an optimizer that has the parameters' names is no model. */
static bool is_optimizer(const char *prefix, size_t length) {
    static const char *const words[] = {"optimizer", "optim.", "exp_avg", "momentum_buffer", "max_exp_avg"};
    for (size_t w = 0; w < sizeof words / sizeof words[0]; w++)
        for (size_t at = 0; at + strlen(words[w]) <= length; at++)
            if ((at == 0 || prefix[at - 1] == '.') && strncmp(prefix + at, words[w], strlen(words[w])) == 0)
                return true;
    return false;
}

static void add(struct search *s, const char *name, size_t length, const char *tower) {
    if (is_optimizer(name, length))
        return;
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i].length == length && strncmp(s->list[i].prefix, name, length) == 0) {
            if (!*tower)
                s->list[i].tower = tower; /* the whole name was seen as well */
            return;
        }
    if (s->count < MODELS_MOST)
        s->list[s->count++] = (struct found){name, length, 0, tower};
}

/* The longest of other prefixes that a tensor is behind is its model's. */
static const struct found *owner(const struct search *s, const char *name) {
    const struct found *best = NULL;
    for (size_t i = 0; i < s->count; i++)
        if (begins(name, &s->list[i]) && (!best || s->list[i].length > best->length))
            best = &s->list[i];
    return best;
}

static void find_models(struct search *s) {
    const size_t tensors = cp_checkpoint_count(s->file);
    for (size_t i = 0; i < tensors; i++) {
        const char *name = cp_checkpoint_at(s->file, i)->name, *tower;
        size_t length;
        if (cp_layout_signature(name, &length, &tower))
            add(s, name, length, tower);
    }
    for (size_t i = 0; i < tensors; i++) {
        const struct found *f = owner(s, cp_checkpoint_at(s->file, i)->name);
        if (f)
            s->list[f - s->list].tensors++;
    }
}

/* ---- which of them ---- */

static void append_key(struct cp_sentence *to, const struct found *f) {
    cp_append(to, "%.*s", f->length ? (int)f->length - 1 : 0, f->prefix);
}

static enum cp_status refuse_several(const struct search *s, const char *what) {
    char text[400] = "", last[200] = "";
    struct cp_sentence models = {text, sizeof text, 0}, key = {last, sizeof last, 0};
    for (size_t i = 0; i < s->count && i < LISTED; i++) {
        cp_append(&models, "%s", i == 0 ? "" : i + 1 == s->count ? " and " : ", ");
        if (s->list[i].length)
            append_key(&models, &s->list[i]);
        else
            cp_append(&models, "one without a prefix");
        cp_append(&models, " (%zu tensor%s)", s->list[i].tensors, cp_plural(s->list[i].tensors));
    }
    append_key(&key, &s->list[s->count - 1]);
    (void)cp_fail(s->err, CP_BAD_INPUT, s->path, what, s->count, text, s->count > LISTED ? ", ..." : "");
    return cp_expected(s->err, "one of them, chosen by its key: %.200s#%s", cp_checkpoint_file(s->file),
                       last);
}

/* Whether the key is the prefix without its last dot (2), or keys that it begins with (1). */
static int fits(const struct search *s, const struct found *f) {
    const size_t length = strlen(s->key);
    if (f->length == (length ? length + 1 : 0) && strncmp(f->prefix, s->key, length) == 0)
        return 2;
    return length && f->length > length && f->prefix[length] == '.' &&
           strncmp(f->prefix, s->key, length) == 0;
}

static enum cp_status choose(struct search *s, const struct found **chosen) {
    int best = 0;
    size_t as_good = 0;
    if (!s->key && s->count > 1)
        return refuse_several(s, "holds %zu models: %s%s");
    *chosen = &s->list[0];
    for (size_t i = 0; s->key && i < s->count; i++) {
        const int fit = fits(s, &s->list[i]);
        as_good = fit > best ? 1 : as_good + (fit == best);
        if (fit > best)
            *chosen = &s->list[i];
        best = fit > best ? fit : best;
    }
    if (s->key && (best == 0 || as_good > 1))
        return refuse_several(s, best ? "the key fits several of its %zu models: %s%s"
                                      : "has no model of that key, but %zu: %s%s");
    return CP_OK;
}

/* ---- leaving it alone ---- */

/* The first keys of what is left out, each once. */
static void list_others(const struct search *s, struct cp_sentence *to) {
    const char *before[LISTED];
    size_t listed = 0;
    bool more = false;
    for (size_t i = 0; i < cp_checkpoint_count(s->file); i++) {
        const char *name = cp_checkpoint_at(s->file, i)->name;
        const size_t length = strcspn(name, ".");
        size_t b = 0;
        while (b < listed && (strncmp(before[b], name, length) != 0 || before[b][length] != name[length]))
            b++;
        if (s->keep[i] || b < listed)
            continue;
        if ((more = listed == LISTED))
            break;
        before[listed++] = name;
        cp_append(to, "%s%.*s%s", to->used ? ", " : "", length < 60 ? (int)length : 60, name,
                  length < 60 ? "" : "...");
    }
    cp_append(to, "%s", more ? ", ..." : "");
}

static enum cp_status note_choice(const struct search *s, const struct found *f) {
    char others[300] = "";
    struct cp_sentence to = {others, sizeof others, 0};
    const size_t all = cp_checkpoint_count(s->file);
    list_others(s, &to);
    if (f->tensors < all)
        return cp_checkpoint_note(
            s->file, s->err, "the model is the %zu of %zu tensors %s%.*s; left alone: %s", f->tensors, all,
            f->length ? "under " : "without a prefix", (int)f->length, f->prefix, others);
    return f->length ? cp_checkpoint_note(s->file, s->err, "prefix %.*s stripped from every name",
                                          (int)f->length, f->prefix)
                     : CP_OK;
}

static enum cp_status take(struct search *s, const struct found *f) {
    for (size_t i = 0; i < cp_checkpoint_count(s->file); i++)
        s->keep[i] = owner(s, cp_checkpoint_at(s->file, i)->name) == f;
    CP_TRY(note_choice(s, f));
    if (*f->tower)
        CP_TRY(cp_checkpoint_note(
            s->file, s->err, "the names are those of one tower by itself, and are read as %s*", f->tower));
    return cp_checkpoint_select(s->file, s->keep, f->length, f->tower, s->err);
}

/* ---- what no model has ---- */

static enum cp_status drop_ignored(struct search *s, const struct cp_layout *layout) {
    char names[300] = "";
    struct cp_sentence to = {names, sizeof names, 0};
    for (size_t i = 0; i < cp_checkpoint_count(s->file); i++) {
        const struct cp_checkpoint_tensor *t = cp_checkpoint_at(s->file, i);
        s->keep[i] = !cp_layout_ignores(layout, t);
        if (!s->keep[i])
            cp_append(&to, "%s%s", to.used ? ", " : "", t->name);
    }
    if (!to.used)
        return CP_OK;
    CP_TRY(cp_checkpoint_note(s->file, s->err, "left alone, as no weights: %s", names));
    return cp_checkpoint_select(s->file, s->keep, 0, "", s->err);
}

/* MLX has the channels of a convolution's weight last. */
static enum cp_status turn_patches(struct search *s, const struct cp_layout *layout) {
    struct cp_layout_source source;
    if (!cp_layout_find(layout, s->file, "visual.conv1.weight", &source))
        return CP_OK;
    const struct cp_checkpoint_tensor *t = source.part[0];
    if (t->rank != 4 || t->shape[1] == 3 || t->shape[3] != 3 || t->shape[1] != t->shape[2])
        return CP_OK;
    cp_checkpoint_channels_first(s->file, t);
    return cp_checkpoint_note(s->file, s->err, "the channels of %s are last, as in MLX: turned to be first",
                              t->name);
}

static enum cp_status narrow(struct search *s) {
    const struct cp_layout *layout = NULL;
    const struct found *chosen = NULL;
    struct cp_error ignored;
    find_models(s);
    if (s->count == 0)
        return CP_OK;
    CP_TRY(choose(s, &chosen));
    CP_TRY(take(s, chosen));
    if (cp_layout_of(s->file, s->path, &layout, &ignored) != CP_OK)
        return CP_OK;
    CP_TRY(drop_ignored(s, layout));
    return turn_patches(s, layout);
}

enum cp_status cp_state_dict_open(const char *path, struct cp_checkpoint **file, struct cp_error *err) {
    struct search s = {.path = path, .key = cp_checkpoint_key(path), .err = err};
    CP_TRY(cp_checkpoint_open(path, file, err));
    s.file = *file;
    s.keep = malloc(cp_checkpoint_count(*file) + 1);
    const enum cp_status status = s.keep ? narrow(&s) : cp_no_memory(err, path, "the checkpoint");
    free(s.keep);
    if (status != CP_OK) {
        cp_checkpoint_close(*file);
        *file = NULL;
    }
    return status;
}
