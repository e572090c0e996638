/* SPDX-License-Identifier: GPL-3.0-or-later
 * A table of loaders by facets, then the contradictions. */
#include "report/json/lint.h"
#include "base/escape.h"

#include "base/sentence.h"
#include "format/json_write.h"

#include <string.h>

/* ---- text ---- */

enum { FIRST = 11 };

static bool loads(const struct cp_lint_view *view) {
    return !view->cannot;
}

struct cells {
    char text[CP_LOADERS][CP_FACET_TEXT + 2]; /* "": none */
};

static struct cells heading(const struct cp_lint *lint) {
    struct cells cells = {{""}};
    for (int l = 0; l < CP_LOADERS; l++)
        if (loads(&lint->loader[l]))
            (void)snprintf(cells.text[l], sizeof cells.text[l], "%s", lint->loader[l].name);
    return cells;
}

static struct cells row(const struct cp_lint *lint, int facet) {
    struct cells cells = {{""}};
    for (int l = 0; l < CP_LOADERS; l++) {
        const struct cp_lint_view *view = &lint->loader[l];
        if (loads(view))
            (void)snprintf(cells.text[l], sizeof cells.text[l], "%s%s", view->value[facet],
                           view->differs[facet] ? "*" : "");
    }
    return cells;
}

static void widen(const struct cells *cells, int width[CP_LOADERS]) {
    for (int l = 0; l < CP_LOADERS; l++)
        if ((int)strlen(cells->text[l]) > width[l])
            width[l] = (int)strlen(cells->text[l]);
}

/* A line without blanks at its end. */
static void print_cells(const char *first, const struct cells *cells, const int width[CP_LOADERS],
                        FILE *out) {
    char line[1024];
    struct cp_sentence s = {line, sizeof line, 0};
    cp_append(&s, "%-*s", FIRST, first);
    for (int l = 0; l < CP_LOADERS; l++)
        if (width[l])
            cp_append(&s, " %-*s", width[l], cells->text[l]);
    while (s.used && line[s.used - 1] == ' ')
        line[--s.used] = '\0';
    cp_print(out, "%s\n", line);
}

static void print_table(const struct cp_lint *lint, FILE *out) {
    const struct cells names = heading(lint);
    struct cells rows[CP_FACETS];
    int width[CP_LOADERS] = {0}, count = 0;
    widen(&names, width);
    for (int f = 0; f < CP_FACETS; f++) {
        rows[f] = row(lint, f);
        widen(&rows[f], width);
    }
    for (int l = 0; l < CP_LOADERS; l++)
        count += loads(&lint->loader[l]);
    print_cells(count ? "loaded by" : "loaded by nothing", &names, width, out);
    for (int f = 0; f < CP_FACETS && count; f++)
        print_cells(cp_facet_names[f], &rows[f], width, out);
    for (int l = 0; l < CP_LOADERS; l++)
        if (!loads(&lint->loader[l]))
            cp_print(out, "%s: %s\n", lint->loader[l].name, lint->loader[l].cannot);
}

static bool any_differs(const struct cp_lint *lint) {
    for (int l = 0; l < CP_LOADERS; l++)
        for (int f = 0; f < CP_FACETS; f++)
            if (lint->loader[l].differs[f])
                return true;
    return false;
}

void cp_lint_text(const struct cp_lint *lint, FILE *out) {
    print_table(lint, out);
    if (any_differs(lint))
        (void)fputs("* differs from the first loader: the same files, another computation\n", out);
    for (size_t i = 0; i < lint->notes.count; i++)
        cp_print_wrapped(lint->notes.lines[i], 0, 2, out);
    (void)fputc('\n', out);
    for (size_t i = 0; i < lint->count; i++) {
        const struct cp_lint_finding *f = &lint->findings[i];
        cp_print(out, "CONTRADICTION %s\n", f->of);
        for (size_t s = 0; s < f->count; s++)
            cp_print(out, "    %s: %s\n", f->says[s].source, f->says[s].value);
    }
    if (lint->count)
        cp_print(out, "FAIL: %zu contradiction%s\n", lint->count, cp_plural(lint->count));
    else if (lint->sources == 1)
        cp_print(out, "PASS: nothing contradicts, as nothing but %s says anything\n", lint->source[0].name);
    else
        (void)fputs("PASS: nothing contradicts\n", out);
}

/* ---- JSON ---- */

static void write_view(struct cp_json_writer *json, const struct cp_lint_view *view) {
    cp_json_open(json, NULL, '{');
    cp_json_text(json, "name", view->name);
    cp_json_text(json, "cannot", view->cannot);
    for (int f = 0; f < CP_FACETS; f++)
        cp_json_text(json, cp_facet_names[f], view->value[f][0] ? view->value[f] : NULL);
    cp_json_close(json, '}');
}

static void write_finding(struct cp_json_writer *json, const struct cp_lint_finding *finding) {
    cp_json_open(json, NULL, '{');
    cp_json_text(json, "of", finding->of);
    cp_json_open(json, "says", '[');
    for (size_t i = 0; i < finding->count; i++) {
        cp_json_open(json, NULL, '{');
        cp_json_text(json, "source", finding->says[i].source);
        cp_json_text(json, "value", finding->says[i].value);
        cp_json_close(json, '}');
    }
    cp_json_close(json, ']');
    cp_json_close(json, '}');
}

void cp_lint_json(const struct cp_lint *lint, FILE *out) {
    struct cp_json_writer json = {.out = out, .first = true};
    cp_json_open(&json, NULL, '{');
    cp_json_text(&json, "path", lint->path);
    cp_json_open(&json, "loaders", '[');
    for (int l = 0; l < CP_LOADERS; l++)
        write_view(&json, &lint->loader[l]);
    cp_json_close(&json, ']');
    cp_json_open(&json, "sources", '[');
    for (size_t s = 0; s < lint->sources; s++)
        write_view(&json, &lint->source[s]);
    cp_json_close(&json, ']');
    cp_json_open(&json, "contradictions", '[');
    for (size_t i = 0; i < lint->count; i++)
        write_finding(&json, &lint->findings[i]);
    cp_json_close(&json, ']');
    cp_json_open(&json, "notes", '[');
    for (size_t i = 0; i < lint->notes.count; i++)
        cp_json_text(&json, NULL, lint->notes.lines[i]);
    cp_json_close(&json, ']');
    cp_json_close(&json, '}');
    (void)fputc('\n', out);
}
