/* SPDX-License-Identifier: GPL-3.0-or-later
 * Enumerates the swaps, groups them into units, and tries sets of units by running a spec for each. */
#include "task/bisect.h"

#include "run/captured/captured.h"

#include "base/escape.h"
#include "num/ddmin.h"

#include <math.h>
#include <string.h>

struct swap {
    size_t slot, unit;
    int component, knob; /* knob -1: the component's variant */
};

struct search {
    const struct cp_study *study;
    const struct cp_spec *baseline, *candidate;
    const struct cp_bisect_options *options;
    struct cp_bisect_result *result;
    struct cp_evaluator evaluator;
    struct swap *swaps; /* [result->swaps] */
    struct cp_spec *trial;
};

/* ---- units ---- */

/* What swaps of one unit have in common. */
static bool one_unit(const struct swap *a, const struct swap *b, enum cp_bisect_unit unit) {
    switch (unit) {
    case CP_UNIT_LAYER:
        return a->slot == b->slot;
    case CP_UNIT_SETTING:
        return a->component == b->component && a->knob == b->knob;
    case CP_UNIT_SWAP:
        break;
    }
    return false;
}

static void add_swap(struct search *s, struct swap swap) {
    struct cp_bisect_result *r = s->result;
    if (cp_spec_same_value(s->baseline, s->candidate, swap.slot, swap.component, swap.knob))
        return;
    swap.unit = r->units;
    for (size_t i = 0; i < r->swaps && swap.unit == r->units; i++)
        if (one_unit(&swap, &s->swaps[i], s->options->unit))
            swap.unit = s->swaps[i].unit;
    r->units += swap.unit == r->units;
    s->swaps[r->swaps++] = swap;
}

/* In the order of the slots, so that ddmin's parts are neighbouring layers. */
static enum cp_status find_swaps(struct search *s, struct cp_error *err) {
    const size_t most = s->baseline->slots * (CP_COMPONENT_COUNT + CP_KNOB_COUNT);
    CP_TRY(CP_ARENA_ALLOC(&s->result->arena, s->swaps, most, err, "", "the bisection"));
    for (size_t slot = 0; slot < s->baseline->slots; slot++) {
        for (int c = 0; c < CP_COMPONENT_COUNT; c++)
            add_swap(s, (struct swap){slot, 0, c, -1});
        for (int k = 0; k < CP_KNOB_COUNT; k++)
            add_swap(s, (struct swap){slot, 0, (int)cp_knob_component(k), k});
    }
    if (s->result->swaps == 0)
        return cp_fail(err, CP_NOTHING_COMPARED, s->candidate->name, "has the baseline's settings"),
               cp_expected(err, "a candidate that differs");
    return CP_OK;
}

/* Makes spec the baseline with the swaps of the units in (or, inverted, of the others). */
static size_t build(const struct search *s, const bool *in, bool inverted, struct cp_spec *spec) {
    size_t swaps = 0;
    memcpy(spec->choice, s->baseline->choice, spec->slots * sizeof *spec->choice);
    for (size_t i = 0; i < s->result->swaps; i++) {
        const struct swap *swap = &s->swaps[i];
        if (in[swap->unit] == inverted)
            continue;
        cp_spec_take(spec, s->candidate, swap->slot, swap->component, swap->knob);
        swaps++;
    }
    return swaps;
}

/* ---- tests ---- */

static bool reaches(const struct search *s, const double *divergence) {
    const enum cp_output at = s->result->at;
    return divergence[at] >= s->options->share * s->result->full[at];
}

static void show(const struct search *s, size_t swaps, double divergence) {
    const double share = divergence / s->result->full[s->result->at];
    if (!s->options->progress)
        return;
    (void)fprintf(s->options->progress, "test %zu: %zu of %zu swaps", s->result->tests, swaps,
                  s->result->swaps);
    if (isfinite(share))
        (void)fprintf(s->options->progress, ", %.3g %% of the divergence\n", 100 * share);
    else
        cp_print(s->options->progress, ", %s\n", isinf(divergence) ? "not finite" : "finite");
    (void)fflush(s->options->progress);
}

static enum cp_status try_units(void *context, const bool *in, bool *has_effect, struct cp_error *err) {
    struct search *s = context;
    double divergence[CP_OUTPUT_COUNT];
    const size_t swaps = build(s, in, s->options->remove, s->trial);
    CP_TRY(cp_evaluate(&s->evaluator, s->trial, divergence, err));
    s->result->tests++;
    show(s, swaps, divergence[s->result->at]);
    *has_effect = reaches(s, divergence) != s->options->remove;
    return CP_OK;
}

/* The output asked for, or the first that diverges. */
static enum cp_status choose_output(struct search *s, struct cp_error *err) {
    static const enum cp_output preferred[] = {CP_OUTPUT_PROBS, CP_OUTPUT_IMAGE, CP_OUTPUT_TEXT};
    struct cp_bisect_result *r = s->result;
    const char *wanted = s->options->at;
    memcpy(r->name, s->evaluator.name, sizeof r->name);
    for (int i = 0; i < CP_OUTPUT_COUNT; i++) {
        r->at = preferred[i];
        if (!r->name[r->at] || (wanted && strcmp(r->name[r->at], wanted) != 0))
            continue;
        if (r->full[r->at] > 0)
            return CP_OK;
        if (wanted)
            return cp_fail(err, CP_NOTHING_COMPARED, s->candidate->name, "%s has the baseline's bits",
                           wanted),
                   cp_expected(err, "an output that diverges");
    }
    if (!wanted)
        return cp_fail(err, CP_NOTHING_COMPARED, s->candidate->name, "the outputs have the baseline's bits"),
               cp_expected(err, "a candidate that diverges");
    return cp_fail(err, CP_USAGE, s->study->path, "no output '%s'", wanted),
           cp_expected(err,
                       "image_features, text_features, and class_probs or probs, where they are computed");
}

static enum cp_status minimise(struct search *s, struct cp_error *err) {
    struct cp_bisect_result *r = s->result;
    size_t tests;
    bool *in = cp_arena_alloc(&r->arena, r->units, sizeof *in);
    CP_TRY(CP_CHECK_ALLOC(in, err, "", "the bisection"));
    for (size_t u = 0; u < r->units; u++)
        in[u] = true;
    CP_TRY(cp_evaluate(&s->evaluator, s->candidate, r->full, err));
    CP_TRY(choose_output(s, err));
    CP_TRY(cp_ddmin(r->units, try_units, s, in, &tests, err));
    CP_TRY(cp_smaller_set(r->units, try_units, s, CP_BISECT_SMALLER, in, &r->tried, &tests, err));
    for (size_t u = 0; u < r->units; u++)
        r->answer += in[u];
    (void)build(s, in, false, r->set);
    (void)build(s, in, s->options->remove, r->run);
    return cp_evaluate(&s->evaluator, r->run, r->reached, err);
}

/* A search runs passes that nobody captured, from the first tap on, and swaps settings. */
static enum cp_status check_computed(const struct cp_study *study, size_t candidate, struct cp_error *err) {
    if (study->spec_weights[candidate] != study->spec_weights[0])
        return cp_fail(err, CP_BAD_INPUT, study->path, "bisect: %s has weights of its own",
                       study->spec[candidate]->name),
               cp_expected(err, "a candidate with the baseline's checkpoint, whose settings alone differ");
    if (!cp_captured_of(study, 0) && !cp_captured_of(study, candidate) && !study->inputs_from &&
        !study->graft.from)
        return CP_OK;
    return cp_fail(err, CP_BAD_INPUT, study->path, "bisect: with a capture"),
           cp_expected(err, "inputs from files, and passes that are computed from the first tap on");
}

enum cp_status cp_bisect(const struct cp_study *study, size_t candidate,
                         const struct cp_bisect_options *options, struct cp_bisect_result *result,
                         struct cp_error *err) {
    struct search s = {study, study->spec[0], study->spec[candidate], options, result, {0}, NULL, NULL};
    enum cp_status status;
    *result = (struct cp_bisect_result){.prompts = study->inputs.prompts};
    CP_TRY(check_computed(study, candidate, err));
    CP_TRY(find_swaps(&s, err));
    CP_TRY(cp_spec_copy(s.baseline, "trial", &result->arena, &s.trial, err));
    CP_TRY(cp_spec_copy(s.baseline, "set", &result->arena, &result->set, err));
    CP_TRY(cp_spec_copy(s.baseline, "run", &result->arena, &result->run, err));
    CP_TRY_DONE(cp_evaluator_create(study, candidate, &s.evaluator, err));
    result->images = s.evaluator.images;
    status = minimise(&s, err);
done:
    cp_evaluator_free(&s.evaluator);
    return status;
}

void cp_bisect_free(struct cp_bisect_result *result) {
    cp_arena_free(&result->arena);
}
