/* SPDX-License-Identifier: GPL-3.0-or-later
 * Rows of a study's sizes, from its estimate. */
#include "cmd/dry_run.h"

#include "base/escape.h"
#include "base/progress.h"
#include "base/sentence.h"
#include "run/analysis.h"

#include <stdlib.h>
#include <string.h>

enum { NAMED = 8 }; /* passes; the others are counted */

static void put_passes(const struct cp_study *study, FILE *out) {
    char text[1200] = "";
    struct cp_sentence s = {text, sizeof text, 0};
    cp_append(&s, "passes      %zu:", study->spec_count);
    for (size_t i = 0; i < study->spec_count && i < NAMED; i++)
        cp_append(&s, "%s %s", i ? "," : "", study->spec[i]->name);
    if (study->spec_count > NAMED)
        cp_append(&s, " and %zu more", study->spec_count - NAMED);
    cp_print_wrapped(text, 0, 12, out);
    if (study->oracle_count)
        cp_print(out, "oracles     %zu, in float64, for %zu image%s and %zu prompt%s\n", study->oracle_count,
                 study->oracle_images, cp_plural(study->oracle_images), study->oracle_prompts,
                 cp_plural(study->oracle_prompts));
}

static void put_taps(const struct cp_study *study, FILE *out) {
    size_t count[CP_MODE_FULL + 1] = {0};
    for (size_t i = 0; i < study->sites.count; i++)
        count[study->modes[i]]++;
    cp_print(out, "taps        %zu: %zu in full, %zu stats, %zu digest, %zu off\n", study->sites.count,
             count[CP_MODE_FULL], count[CP_MODE_STATS], count[CP_MODE_DIGEST], count[CP_MODE_OFF]);
}

static void put_sizes(const struct cp_study *study, FILE *out) {
    const struct cp_estimate e = cp_study_estimate(study);
    const double seconds = cp_study_seconds(study);
    char about[32];
    cp_print(out, "result      about %.0f MB, %.0f MB of it tensors in full: %s\n", (double)e.file / 1e6,
             (double)e.full / 1e6, study->experiment->output.text);
    cp_print(out, "memory      about %.0f MB for weights and %.0f MB for buffers\n", (double)e.weights / 1e6,
             (double)e.buffers / 1e6);
    cp_print(out, "arithmetic  %.1f GFLOP in float32, %.1f GFLOP in float64\n", e.flops / 1e9,
             e.oracle_flops / 1e9);
    if (study->modelled && seconds > 0)
        cp_print(out, "time        about %s on %d thread%s (%s), batch %zu\n",
                 cp_progress_seconds(seconds, about), study->threads, cp_plural((size_t)study->threads),
                 study->ops->isa, study->batch);
}

/* Which files lie elsewhere than they say. */
static void put_found(const struct cp_experiment *e, FILE *out) {
    for (size_t i = 0; i < e->found_count; i++)
        cp_print(out, "%s%s: %s\n", i ? "            " : "found       ", e->found[i]->written,
                 e->found[i]->text);
}

static void put_screen(const struct cp_study *study, FILE *out) {
    char few[256] = "note        ";
    const size_t bare = strlen(few);
    struct cp_sentence note = {few, sizeof few, bare};
    cp_print(out, "experiment  %s\ninputs      %zu image%s, %zu prompt%s\n", study->experiment->name,
             study->inputs.images, cp_plural(study->inputs.images), study->inputs.prompts,
             cp_plural(study->inputs.prompts));
    put_found(study->experiment, out);
    put_passes(study, out);
    put_taps(study, out);
    put_sizes(study, out);
    cp_analyses_note(study, &note);
    if (note.used > bare)
        cp_print_wrapped(few, 0, 12, out);
}

static void put_comments(const char *text, FILE *out) {
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        cp_print(out, "# %.*s\n", (int)strcspn(line, "\n"), line);
}

enum cp_status cp_cmd_dry_run(const struct cp_study *study, bool plan, FILE *out, struct cp_error *err) {
    char *text = NULL;
    size_t size = 0;
    if (!plan)
        return put_screen(study, out), CP_OK;
    FILE *memory = open_memstream(&text, &size);
    CP_TRY(CP_CHECK_ALLOC(memory, err, "", "the plan"));
    put_screen(study, memory);
    const bool whole = fclose(memory) == 0 && text;
    if (whole) {
        (void)fputs(study->plan, out);
        (void)fputc('\n', out);
        put_comments(text, out);
    }
    free(text);
    return CP_CHECK_ALLOC(whole, err, "", "the plan");
}
