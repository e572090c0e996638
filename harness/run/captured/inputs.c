/* SPDX-License-Identifier: GPL-3.0-or-later
 * Inputs that come from a capture. */
#include "run/captured/captured.h"

#include "inputs/load.h"
#include "model/pass.h"
#include "result/schema.h"

#include <string.h>

/* The first tap of a tower; capture->taps where there is none. */
static size_t first_of(const struct cp_capture *capture, enum cp_tower tower) {
    size_t t = 0;
    while (t < capture->taps && cp_tap_tower(capture->tap[t].name) != tower)
        t++;
    return t;
}

/* What is counted: along an axis of a tower's taps, or of those that join the towers. */
enum counted { IMAGES, PROMPTS, CLASSES };

static const struct {
    enum counted what;
    enum cp_tower tower; /* CP_JOINT: the tap of that name */
    const char *name;
    int axis;
} counts[] = {{IMAGES, CP_VISUAL, NULL, 0},
              {IMAGES, CP_JOINT, "logits_per_image", 0},
              {IMAGES, CP_JOINT, "probs", 0},
              {IMAGES, CP_JOINT, "class_logits", 0},
              {IMAGES, CP_JOINT, "class_probs", 0},
              {PROMPTS, CP_TEXT, NULL, 0},
              {PROMPTS, CP_JOINT, "logits_per_image", 1},
              {PROMPTS, CP_JOINT, "probs", 1},
              {CLASSES, CP_JOINT, "class_features", 0},
              {CLASSES, CP_JOINT, "class_logits", 1},
              {CLASSES, CP_JOINT, "class_probs", 1}};

/* How many a capture has of them, and the tap that told; 0: none did. */
static size_t count_in(const struct cp_capture *capture, enum counted what, size_t *tap) {
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        if (counts[c].what != what)
            continue;
        *tap = counts[c].name ? cp_capture_find(capture, counts[c].name) : first_of(capture, counts[c].tower);
        if (*tap < capture->taps && capture->tap[*tap].rank > counts[c].axis)
            return capture->tap[*tap].shape[counts[c].axis];
    }
    *tap = capture->taps;
    return 0;
}

/* In the inputs' capture, else in the first pass that is one and has any. */
static size_t count_of(const struct cp_study *study, enum counted what, struct cp_capture **capture,
                       size_t *tap) {
    *capture = study->inputs_from;
    size_t count = count_in(*capture, what, tap);
    for (size_t s = 0; s < study->captured_count && count == 0; s++)
        if (study->captured[s].capture) {
            *capture = study->captured[s].capture;
            count = count_in(*capture, what, tap);
        }
    return count;
}

/* The labels of the tap that told how many there are, where it has one of each; else numbers. */
static enum cp_status name_inputs(struct cp_study *study, enum counted what, size_t count,
                                  const char ***names, struct cp_error *err) {
    static const char *const words[] = {"image", "prompt", "class"};
    const char *const *labels = NULL;
    struct cp_capture *capture;
    size_t tap;
    if (count == 0)
        return CP_OK;
    (void)count_of(study, what, &capture, &tap);
    if (tap < capture->taps && capture->tap[tap].shape[0] >= count &&
        (what == IMAGES || cp_tap_tower(capture->tap[tap].name) == CP_TEXT ||
         strcmp(capture->tap[tap].name, "class_features") == 0))
        CP_TRY(cp_capture_labels(capture, tap, &study->arena, &labels, err));
    *names = cp_arena_calloc(&study->arena, count, sizeof **names);
    for (size_t i = 0; *names && i < count; i++) {
        CP_TRY(CP_CHECK_ALLOC((*names)[i] = labels ? labels[i]
                                                   : cp_arena_printf(&study->arena, "%s %zu", words[what], i),
                              err, "", "a capture"));
    }
    return CP_CHECK_ALLOC(*names, err, "", "a capture");
}

/* Positions after the one that pooling takes are not judged; without a model that is the largest id's. ids
 * NULL: all are. */
static enum cp_status count_valid_tokens(struct cp_study *study, const int32_t *ids, size_t tokens,
                                         int **valid_tokens, struct cp_error *err) {
    const size_t prompts = study->inputs.prompts;
    struct cp_clip_config argmax = {.text = {.context_length = (int)tokens, .pool_type = CP_POOL_ARGMAX}};
    const struct cp_clip_config *config = study->modelled ? &study->model.config : &argmax;
    CP_TRY(CP_ARENA_ALLOC(&study->arena, *valid_tokens, prompts + 1, err, "", "a capture"));
    for (size_t p = 0; p < prompts; p++)
        (*valid_tokens)[p] = ids ? 1 + cp_text_pool_position(config, ids + p * tokens) : (int)tokens;
    return CP_OK;
}

static enum cp_status check_ids(const struct cp_study *study, const struct cp_capture *capture,
                                const int32_t *ids, struct cp_error *err) {
    const int vocabulary = study->model.config.text.vocab_size;
    const size_t length = (size_t)study->model.config.text.context_length;
    if (!study->modelled)
        return CP_OK;
    if (capture->tokens != length)
        return cp_fail(err, CP_BAD_INPUT, capture->path, "%s: %zu tokens a prompt",
                       cp_schema[CP_SCHEMA_TOKENS].path, capture->tokens),
               cp_expected(err, "%zu, as the model's config says", length);
    for (size_t i = 0; i < capture->prompts * capture->tokens; i++)
        if (ids[i] < 0 || ids[i] >= vocabulary)
            return cp_fail(err, CP_BAD_INPUT, capture->path, "%s: id %d", cp_schema[CP_SCHEMA_TOKENS].path,
                           ids[i]),
                   cp_expected(err, "0 to %d", vocabulary - 1);
    return CP_OK;
}

/* The capture's tap `tokens`, which has the ids of its own tokenizer where /inputs/tokens has the baseline's;
 * capture->taps: not recorded in full, or of other prompts. */
static size_t own_tokens(const struct cp_capture *capture) {
    const size_t tap = cp_capture_find(capture, cp_points[CP_TOKENS].text);
    const bool fits = tap < capture->taps && capture->tap[tap].rank == 2 &&
                      capture->tap[tap].shape[0] == capture->prompts &&
                      capture->tap[tap].shape[1] == capture->tokens;
    return fits ? tap : capture->taps;
}

/* (prompts, tokens) ids of a capture, in the arena. */
static enum cp_status read_ids(struct cp_study *study, struct cp_capture *capture, int32_t **ids,
                               struct cp_error *err) {
    const size_t count = capture->prompts * capture->tokens, tap = own_tokens(capture);
    float *values = cp_arena_alloc(&study->arena, count, sizeof *values);
    *ids = cp_arena_alloc(&study->arena, count, sizeof **ids);
    CP_TRY(CP_CHECK_ALLOC(*ids && values, err, "", "a capture"));
    if (tap == capture->taps) {
        CP_TRY(cp_capture_tokens(capture, *ids, err));
        return check_ids(study, capture, *ids, err);
    }
    CP_TRY(cp_capture_read(capture, tap, 0, capture->prompts, values, err));
    for (size_t i = 0; i < count; i++)
        (*ids)[i] = values[i] >= 0 && values[i] < 0x1p24f ? (int32_t)values[i] : -1;
    return check_ids(study, capture, *ids, err);
}

/* Tokens of a prompt where there are no ids: as the text tower's taps have them. */
static size_t prompt_length(const struct cp_study *study) {
    struct cp_capture *capture;
    size_t tap;
    (void)count_of(study, PROMPTS, &capture, &tap);
    const bool streams = tap < capture->taps && cp_tap_tower(capture->tap[tap].name) == CP_TEXT;
    const struct cp_capture_tap *first = streams ? &capture->tap[tap] : NULL;
    return first && first->rank > 2 ? first->shape[first->rank - 2] : 0;
}

/* The capture that says the ids: the inputs' own, or another one of theirs. */
static struct cp_capture *ids_from(const struct cp_study *study) {
    for (size_t s = 0; s < study->captured_count && !study->inputs_from->prompts; s++)
        if (cp_captured_of(study, s) && cp_captured_of(study, s)->prompts >= study->inputs.prompts)
            return cp_captured_of(study, s);
    return study->inputs_from;
}

static enum cp_status read_tokens(struct cp_study *study, struct cp_error *err) {
    struct cp_capture *capture = ids_from(study);
    struct cp_run_inputs *in = &study->inputs;
    size_t tokens = capture->tokens;
    const bool limited = study->experiment->inputs.limit < CP_ALL;
    if (capture->prompts && (limited ? capture->prompts < in->prompts : capture->prompts != in->prompts))
        return cp_fail(err, CP_BAD_INPUT, capture->path, "has tokens of %zu prompts, and taps of %zu",
                       capture->prompts, in->prompts),
               cp_expected(err, "the same prompts");
    if (capture->prompts) {
        CP_TRY(read_ids(study, capture, &in->tokens, err));
    } else if (study->modelled) {
        return cp_fail(err, CP_BAD_INPUT, capture->path, "has no %s", cp_schema[CP_SCHEMA_TOKENS].path),
               cp_expected(err, "token ids (prompt, token), which the text tower starts from");
    } else {
        tokens = prompt_length(study);
    }
    in->token_count = tokens;
    return count_valid_tokens(study, in->tokens, tokens, &in->valid_tokens, err);
}

enum cp_status cp_captured_tokenize(struct cp_study *study, const struct cp_tokenizer_variant **by,
                                    struct cp_error *err) {
    struct cp_run_inputs *in = &study->inputs;
    CP_TRY(CP_ARENA_CALLOC(&study->arena, in->token_sets, study->spec_count, err, "", "a capture"));
    for (size_t s = 1; s < study->spec_count && in->prompts; s++) {
        struct cp_capture *capture = cp_captured_of(study, s);
        struct cp_token_set *set = &in->token_sets[in->token_set_count];
        if (by[s] == by[0] || !capture || own_tokens(capture) == capture->taps ||
            capture->tokens != study->inputs_from->tokens || capture->prompts < in->prompts)
            continue;
        set->by = by[s];
        CP_TRY(read_ids(study, capture, &set->tokens, err));
        CP_TRY(count_valid_tokens(study, set->tokens, capture->tokens, &set->valid_tokens, err));
        in->token_set_count++;
        by[s] = by[0];
    }
    return CP_OK;
}

enum cp_status cp_captured_ids(struct cp_study *study, struct cp_error *err) {
    const struct cp_run_inputs *in = &study->inputs;
    for (size_t s = 0; s < study->captured_count && study->inputs_from && in->prompts; s++) {
        struct cp_captured *captured = &study->captured[s];
        struct cp_capture *capture = captured->capture;
        if (!capture || capture->prompts < in->prompts || capture->tokens == 0 ||
            capture->tokens != study->inputs_from->tokens)
            continue;
        CP_TRY(read_ids(study, capture, &captured->ids, err));
        CP_TRY(count_valid_tokens(study, captured->ids, capture->tokens, &captured->valid_tokens, err));
    }
    return CP_OK;
}

/* inputs.limit: the first images and prompts, so that captures of other lengths can be compared. */
static void limit_inputs(struct cp_study *study) {
    const size_t limit = (size_t)study->experiment->inputs.limit;
    struct cp_run_inputs *in = &study->inputs;
    if (limit >= in->images && limit >= in->prompts)
        return;
    in->images = in->images < limit ? in->images : limit;
    in->prompts = in->prompts < limit ? in->prompts : limit;
    in->classes = 0; /* which all prompts together make */
}

/* Classes are made of prompts, the same number of each. */
static bool makes_classes(const struct cp_study *study) {
    const struct cp_run_inputs *in = &study->inputs;
    return !study->modelled || (in->classes && in->prompts && in->prompts % in->classes == 0);
}

static enum cp_status name_all(struct cp_study *study, struct cp_error *err) {
    struct cp_run_inputs *in = &study->inputs;
    CP_TRY(name_inputs(study, IMAGES, in->images, &in->image_names, err));
    CP_TRY(name_inputs(study, PROMPTS, in->prompts, &in->prompt_texts, err));
    return name_inputs(study, CLASSES, in->classes, &in->class_names, err);
}

enum cp_status cp_captured_inputs(struct cp_study *study, struct cp_error *err) {
    struct cp_capture *capture = study->inputs_from, *told_by;
    struct cp_run_inputs *in = &study->inputs;
    struct cp_inputs_loader l = {study->experiment, &study->model.config, &study->arena, in, err};
    size_t tap;
    *in = (struct cp_run_inputs){.images = count_of(study, IMAGES, &told_by, &tap),
                                 .prompts = count_of(study, PROMPTS, &told_by, &tap),
                                 .classes = count_of(study, CLASSES, &told_by, &tap)};
    CP_TRY(cp_inputs_model_files(&l));
    if (in->prompts == 0 && capture->prompts && study->modelled)
        in->prompts = capture->prompts;
    limit_inputs(study);
    if (!makes_classes(study))
        in->classes = 0;
    CP_TRY(name_all(study, err));
    if (in->prompts)
        CP_TRY(read_tokens(study, err));
    if (in->images + in->prompts + in->classes == 0)
        return cp_fail(err, CP_BAD_INPUT, capture->path, "has taps of no image and no prompt"),
               cp_expected(err, "names as `clip-parity list taps` shows them");
    return CP_OK;
}

static size_t pixels_in(const struct cp_capture *capture) {
    return cp_capture_find(capture, cp_points[CP_PIXELS_NORMALIZED].visual);
}

bool cp_captured_own_pixels(const struct cp_study *study, size_t s) {
    const struct cp_capture *capture = cp_captured_of(study, s);
    return study->inputs_from && capture && pixels_in(capture) < capture->taps;
}

bool cp_captured_has_pixels(const struct cp_study *study) {
    const struct cp_capture *capture = study->inputs_from;
    const bool grafted = study->graft.count && study->sites.list[study->graft.site[0]].tower == CP_VISUAL;
    return !capture || study->inputs.images == 0 || grafted || pixels_in(capture) < capture->taps;
}

enum cp_status cp_captured_pixels(const struct cp_study *study, size_t s, size_t first, size_t count,
                                  float *pixels, struct cp_error *err) {
    struct cp_capture *capture =
        cp_captured_own_pixels(study, s) ? cp_captured_of(study, s) : study->inputs_from;
    const size_t tap = pixels_in(capture), side = (size_t)study->model.config.vision.image_size;
    if (tap < capture->taps)
        return cp_capture_read(capture, tap, first, count, pixels, err);
    memset(pixels, 0, count * 3 * side * side * sizeof *pixels);
    return CP_OK;
}
