/* SPDX-License-Identifier: GPL-3.0-or-later
 * Finds the worst of the failing inputs, and stores and prints them for each candidate. */
#include "analysis/failing.h"

#include "base/escape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double times_of(const double *rows, size_t input) {
    return rows[input * CP_FAILING_FIELDS + CP_FAILING_TIMES];
}

struct cp_failing cp_failing_find(const double *rows, size_t count) {
    struct cp_failing f = {0, 0, {0}};
    for (size_t i = 0; i < count; i++) {
        size_t at = f.named;
        if (!(rows[i * CP_FAILING_FIELDS + CP_FAILING_TAPS] > 0))
            continue;
        f.inputs++;
        while (at > 0 && times_of(rows, f.worst[at - 1]) < times_of(rows, i))
            at--;
        if (at == CP_FAILING_NAMED)
            continue;
        f.named += f.named < CP_FAILING_NAMED;
        for (size_t k = f.named - 1; k > at; k--)
            f.worst[k] = f.worst[k - 1];
        f.worst[at] = i;
    }
    return f;
}

void cp_append_failing_count(struct cp_sentence *s, const struct cp_failing *f, size_t count,
                             const char *what) {
    const bool one = f->inputs == 1;
    const int length = (int)strlen(what) - (count == 0 && one); /* "1 of 20 images", but "1 image" */
    cp_append(s, "%zu ", f->inputs);
    if (count)
        cp_append(s, "of %zu ", count);
    cp_append(s, "%.*s fail%s by %s", length, what, one ? "s" : "", one ? "itself" : "themselves");
}

/* The k-th worst. */
static void append_input(struct cp_sentence *s, const struct cp_failing *f, const double *rows,
                         const char *const *names, size_t k) {
    const double *row = rows + f->worst[k] * CP_FAILING_FIELDS;
    if (names)
        cp_append(s, "%.40s (", names[f->worst[k]]);
    else
        cp_append(s, "input %zu (", f->worst[k]);
    cp_append_multiple(s, row[CP_FAILING_TIMES]);
    cp_append(s, " times the limit, at %.0f tap%s)", row[CP_FAILING_TAPS],
              row[CP_FAILING_TAPS] == 1 ? "" : "s");
}

void cp_append_failing_inputs(struct cp_sentence *s, const struct cp_failing *f, const double *rows,
                              const char *const *names, const char *between) {
    for (size_t k = 0; k < f->named; k++) {
        cp_append(s, "%s", k ? between : "");
        append_input(s, f, rows, names, k);
    }
    if (f->inputs > f->named)
        cp_append(s, " and %zu more", f->inputs - f->named);
}

/* judged: inputs that could fail; 0: that is not known. */
static void print(const double *rows, size_t count, size_t judged, const char *const *names, const char *what,
                  FILE *out) {
    const struct cp_failing f = cp_failing_find(rows, count);
    char text[240] = "";
    struct cp_sentence s = {text, sizeof text, 0};
    if (f.inputs == 0)
        return;
    cp_append_failing_count(&s, &f, judged, what);
    cp_print(out, "  %s, worst first:", text);
    for (size_t k = 0; k < f.named; k++) {
        s.used = 0;
        append_input(&s, &f, rows, names, k);
        cp_print(out, k ? ",\n    %s" : "\n    %s", text);
    }
    (void)fprintf(out, f.inputs > f.named ? " and %zu more\n" : "\n", f.inputs - f.named);
}

/* ---- in the result ---- */

static size_t inputs_of(const struct cp_study *study, enum cp_dim_kind kind) {
    return kind == CP_DIM_IMAGE ? study->inputs.images : study->inputs.prompts;
}

struct failing_handles {
    int *of[2]; /* [spec_count] of (image, field) and of (prompt, field); -1: there are none */
};

static int handle_of(const struct cp_lockstep *ls, int of, size_t s) {
    return ((const struct failing_handles *)cp_lockstep_state(ls, &cp_failing_analysis))->of[of][s];
}

static enum cp_status define_candidate(struct cp_lockstep *ls, const struct failing_handles *handles,
                                       size_t s, struct cp_error *err) {
    for (int of = CP_DIM_IMAGE; of <= CP_DIM_PROMPT; of++) {
        const struct cp_run_inputs *in = &ls->study->inputs;
        const size_t count = inputs_of(ls->study, (enum cp_dim_kind)of);
        const struct cp_dim dims[] = {
            {.length = count, .labels = of == CP_DIM_IMAGE ? in->image_names : in->prompt_texts},
            {.length = CP_FAILING_FIELDS, .labels = cp_failing_field_names}};
        handles->of[of][s] = -1;
        if (count)
            CP_TRY(cp_schema_define(ls->result,
                                    of == CP_DIM_IMAGE ? CP_SCHEMA_FAILING_IMAGES : CP_SCHEMA_FAILING_PROMPTS,
                                    CP_NAMES(ls->study->spec[s]->name), dims, &handles->of[of][s], err));
    }
    return CP_OK;
}

static enum cp_status define(struct cp_lockstep *ls, void **state, struct cp_error *err) {
    struct failing_handles *handles;
    CP_LOCKSTEP_TAKE(ls, handles, 1);
    *state = handles;
    for (int of = CP_DIM_IMAGE; of <= CP_DIM_PROMPT; of++)
        CP_LOCKSTEP_TAKE(ls, handles->of[of], ls->study->spec_count);
    for (size_t s = 1; s < ls->study->spec_count; s++)
        CP_TRY(define_candidate(ls, handles, s, err));
    return CP_OK;
}

static bool wanted(const struct cp_study *study) {
    return study->spec_count > 1;
}

const struct cp_analysis cp_failing_analysis = {
    .wanted = wanted,
    .define = define,
};

enum cp_status cp_failing_alloc(const struct cp_lockstep *ls, struct cp_arena *arena, double *fails[2],
                                struct cp_error *err) {
    for (int of = CP_DIM_IMAGE; of <= CP_DIM_PROMPT; of++) {
        const size_t count = inputs_of(ls->study, (enum cp_dim_kind)of);
        CP_TRY(
            CP_CHECK_ALLOC(fails[of] = cp_arena_calloc(arena, count * CP_FAILING_FIELDS + 1, sizeof(double)),
                           err, "", "verdicts"));
    }
    return CP_OK;
}

enum cp_status cp_failing_write(struct cp_lockstep *ls, size_t s, double *const fails[2],
                                struct cp_error *err) {
    for (int of = CP_DIM_IMAGE; of <= CP_DIM_PROMPT; of++)
        if (handle_of(ls, of, s) >= 0)
            CP_TRY(cp_result_write(ls->result, handle_of(ls, of, s), 0,
                                   inputs_of(ls->study, (enum cp_dim_kind)of), fails[of], err));
    return CP_OK;
}

enum cp_status cp_failing_print(const struct cp_lockstep *ls, size_t s, FILE *out, struct cp_error *err) {
    const struct cp_run_inputs *in = &ls->study->inputs;
    for (int of = CP_DIM_IMAGE; of <= CP_DIM_PROMPT; of++) {
        const size_t count = inputs_of(ls->study, (enum cp_dim_kind)of);
        const size_t examined = cp_study_oracle_inputs(ls->study, of == CP_DIM_IMAGE ? CP_VISUAL : CP_TEXT);
        const size_t judged =
            examined < count && ls->study->experiment->oracle == CP_ORACLE_AUTO ? 0 : examined;
        if (handle_of(ls, of, s) < 0)
            continue;
        double *rows = malloc(count * CP_FAILING_FIELDS * sizeof *rows);
        enum cp_status status = CP_CHECK_ALLOC(rows, err, "", "the table");
        if (status == CP_OK)
            status = cp_result_read(ls->result, handle_of(ls, of, s), 0, count, rows, err);
        if (status == CP_OK)
            print(rows, count, judged, of == CP_DIM_IMAGE ? in->image_names : in->prompt_texts,
                  of == CP_DIM_IMAGE ? "images" : "prompts", out);
        free(rows);
        CP_TRY(status);
    }
    return CP_OK;
}
