/* SPDX-License-Identifier: GPL-3.0-or-later
 * Splits wide tables so that they fit the screen, and lists what changed under each spec. */
#include "report/json/classification.h"

#include "base/escape.h"
#include "report/json/json.h"
#include "report/term/term.h"

#include <math.h>
#include <string.h>

/* What is left for the prompts; a number, its mark and what separates it. */
enum { PROMPT_LEAST = 24, NUMBER = 7, BETWEEN = 2 };

/* The columns of one table: the baseline and the specs [first, end). */
struct columns {
    size_t first, end;
    size_t prompt; /* characters */
    bool numbered; /* names that do not fit stand above the table */
};

static size_t width_of(const struct cp_classification *r, const struct columns *c, size_t spec) {
    const size_t name = c->numbered ? 0 : strlen(r->study->spec[spec]->name);
    return BETWEEN + (name > NUMBER ? name : NUMBER);
}

/* All in one table under their names, if they fit; else numbered, as many as fit. */
static struct columns choose(const struct cp_classification *r, const struct cp_screen *s, size_t first) {
    struct columns c = {.first = first, .end = r->study->spec_count};
    size_t used = PROMPT_LEAST + width_of(r, &c, 0);
    for (size_t spec = 1; spec < r->study->spec_count; spec++)
        used += width_of(r, &c, spec);
    if (used > s->width) {
        c.numbered = true;
        const size_t fit = (s->width - PROMPT_LEAST) / (BETWEEN + NUMBER) - 1;
        c.end = c.end - first > fit ? first + fit : c.end;
        used = PROMPT_LEAST + (1 + c.end - first) * (BETWEEN + NUMBER);
    }
    c.prompt = PROMPT_LEAST + s->width - used;
    return c;
}

/* ---- the table ---- */

static void print_heads(const struct cp_classification *r, const struct cp_screen *s,
                        const struct columns *c) {
    for (size_t spec = c->first; c->numbered && spec < c->end; spec++) {
        (void)fprintf(s->out, "(%zu) ", spec);
        cp_screen_end(s, r->study->spec[spec]->name, 8);
    }
    (void)fprintf(s->out, "%*s", (int)c->prompt, "");
    for (size_t spec = 0; spec < c->end; spec = spec ? spec + 1 : c->first) {
        char number[24];
        (void)snprintf(number, sizeof number, "(%zu)", spec);
        const char *name = c->numbered && spec ? number : r->study->spec[spec]->name;
        const size_t shown = c->numbered && !spec ? NUMBER + 1 : strlen(name);
        (void)fprintf(s->out, "%*s", (int)(width_of(r, c, spec) - shown), "");
        cp_screen_cell(s, name, shown);
    }
    (void)fputc('\n', s->out);
}

static void print_row(const struct cp_classification *r, const struct cp_screen *s, const struct columns *c,
                      size_t image, size_t prompt) {
    (void)fputs("  ", s->out);
    cp_screen_short(s, r->study->inputs.prompt_texts[prompt], c->prompt - 2);
    for (size_t spec = 0; spec < c->end; spec = spec ? spec + 1 : c->first) {
        char number[32];
        const bool top = cp_classification_top(r, spec, image) == prompt;
        (void)snprintf(number, sizeof number, "%s%.4f", top ? "*" : "",
                       (double)cp_classification_row(r, spec, image)[prompt]);
        cp_screen_ink(s, top ? CP_INK_BOLD : CP_INK_PLAIN);
        (void)fprintf(s->out, "%*s", (int)width_of(r, c, spec), number);
        cp_screen_ink(s, CP_INK_PLAIN);
    }
    (void)fputc('\n', s->out);
}

static void print_changed(const struct cp_screen *s, const char *spec) {
    static const char changed[] = "  top-1 changed: ";
    (void)fputs(changed, s->out);
    cp_screen_end(s, spec, sizeof changed - 1);
}

static void print_image(const struct cp_classification *r, const struct cp_screen *s, const struct columns *c,
                        size_t image) {
    const size_t top = cp_classification_top(r, 0, image);
    cp_screen_end(s, r->study->inputs.image_names[image], 0);
    for (size_t p = 0; p < r->study->inputs.prompts; p++)
        print_row(r, s, c, image, p);
    for (size_t spec = c->first; spec < c->end; spec++)
        if (cp_classification_top(r, spec, image) != top)
            print_changed(s, r->study->spec[spec]->name);
}

static void print_table(const struct cp_classification *r, const struct cp_screen *s,
                        const struct columns *c) {
    print_heads(r, s, c);
    for (size_t i = 0; i < r->study->inputs.images; i++)
        print_image(r, s, c, i);
}

/* ---- what changed ---- */

static void print_change(const struct cp_classification *r, const struct cp_screen *s, size_t spec) {
    const struct cp_run_inputs *in = &r->study->inputs;
    const struct cp_classify_change c = cp_classification_change(r, spec);
    (void)fputc('\n', s->out);
    cp_screen_end(s, r->study->spec[spec]->name, 0);
    (void)fprintf(s->out, "  top-1 changed for %zu of %zu images; ", c.changed, in->images);
    if (isnan(c.most))
        (void)fputs("a probability is not finite", s->out);
    else if (c.most == 0)
        (void)fputs("every probability is the same", s->out);
    else
        (void)fprintf(s->out, "largest |dp| %.2e", c.most);
    (void)fputc('\n', s->out);
    if (c.most == 0)
        return;
    (void)fputs("  at ", s->out);
    cp_screen_short(s, in->image_names[c.image], 24);
    (void)fputs("  ", s->out);
    cp_screen_end(s, in->prompt_texts[c.prompt], 31);
}

static const char *activation_of(const struct cp_spec *spec, enum cp_tower tower) {
    return cp_spec_variant(spec, cp_spec_slot(spec->config, tower, 0), CP_ACTIVATION)->name;
}

/* The image tower's, and the text tower's where it is another. */
static void print_activation(const struct cp_classification *r, FILE *out) {
    const struct cp_spec *spec = r->study->spec[0];
    const char *images = activation_of(spec, CP_VISUAL), *texts = activation_of(spec, CP_TEXT);
    const bool same = strcmp(images, texts) == 0;
    cp_print(out, "baseline: activation %s%s%s%s, %s\n\n", images, same ? "" : " for images, ",
             same ? "" : texts, same ? "" : " for texts",
             r->settings[0][0] ? "as asked" : "as its config says");
}

void cp_classification_text(const struct cp_classification *r, FILE *out) {
    const struct cp_screen screen = cp_screen_of(out);
    cp_screen_end(&screen, r->experiment.model.checkpoint.text, 0);
    print_activation(r, out);
    struct columns c = choose(r, &screen, 1);
    for (print_table(r, &screen, &c); c.end < r->study->spec_count; print_table(r, &screen, &c)) {
        c = choose(r, &screen, c.end);
        (void)fputc('\n', out);
    }
    for (size_t spec = 1; spec < r->study->spec_count; spec++)
        print_change(r, &screen, spec);
}

/* ---- JSON ---- */

static void json_index(struct cp_json_writer *json, const char *name, size_t index, size_t count) {
    if (index < count)
        cp_json_count(json, name, index);
    else
        cp_json_null(json, name);
}

static void json_names(struct cp_json_writer *json, const char *name, const char *const *names,
                       size_t count) {
    cp_json_open(json, name, '[');
    for (size_t i = 0; i < count; i++)
        cp_json_text(json, NULL, names[i]);
    cp_json_close(json, ']');
}

static void json_probs(struct cp_json_writer *json, const struct cp_classification *r, size_t spec) {
    cp_json_open(json, "probabilities", '[');
    for (size_t i = 0; i < r->study->inputs.images; i++) {
        cp_json_open(json, NULL, '[');
        for (size_t p = 0; p < r->study->inputs.prompts; p++)
            cp_json_number(json, NULL, (double)cp_classification_row(r, spec, i)[p]);
        cp_json_close(json, ']');
    }
    cp_json_close(json, ']');
    cp_json_open(json, "top", '[');
    for (size_t i = 0; i < r->study->inputs.images; i++)
        json_index(json, NULL, cp_classification_top(r, spec, i), r->study->inputs.prompts);
    cp_json_close(json, ']');
}

static void json_spec(struct cp_json_writer *json, const struct cp_classification *r, size_t spec) {
    const struct cp_classify_change c = cp_classification_change(r, spec);
    cp_json_open(json, NULL, '{');
    cp_json_text(json, "name", r->study->spec[spec]->name);
    cp_json_text(json, "settings", r->settings[spec]);
    json_probs(json, r, spec);
    if (spec) {
        cp_json_count(json, "top_changed", c.changed);
        cp_json_open(json, "largest_dp", '{');
        cp_json_number(json, "value", c.most);
        cp_json_count(json, "image", c.image);
        cp_json_count(json, "prompt", c.prompt);
        cp_json_close(json, '}');
    }
    cp_json_close(json, '}');
}

void cp_classification_json(const struct cp_classification *r, FILE *out) {
    const struct cp_run_inputs *in = &r->study->inputs;
    struct cp_json_writer json = {.out = out, .first = true};
    cp_json_open(&json, NULL, '{');
    cp_json_text(&json, "checkpoint", r->experiment.model.checkpoint.text);
    cp_json_text(&json, "activation", activation_of(r->study->spec[0], CP_VISUAL));
    cp_json_text(&json, "text_activation", activation_of(r->study->spec[0], CP_TEXT));
    json_names(&json, "images", in->image_names, in->images);
    json_names(&json, "prompts", in->prompt_texts, in->prompts);
    cp_json_open(&json, "specs", '[');
    for (size_t s = 0; s < r->study->spec_count; s++)
        json_spec(&json, r, s);
    cp_json_close(&json, ']');
    cp_json_close(&json, '}');
    (void)fputc('\n', out);
}
