/* SPDX-License-Identifier: GPL-3.0-or-later
 * Where the towers meet: logits = exp(logit_scale) * image . text (scaled first, then multiplied, as OpenAI
 * and open_clip do), probabilities over the prompts, and the zero-shot classifier of open_clip's
 * zero_shot_classifier.py. */
#include "model/linear.h"
#include "model/pass.h"

static enum cp_status visit(const struct cp_joint *joint, enum cp_point point, float *data, size_t first,
                            size_t inputs, struct cp_error *err) {
    const struct cp_tap_event event = {.index = cp_sites_find(joint->taps.sites, CP_JOINT, point, -1),
                                       .first = first,
                                       .inputs = inputs,
                                       .dtype = CP_FP32,
                                       .data = data};
    return cp_taps_visit(&joint->taps, event, err);
}

/* A sum held in fp16 is of fp16 operands. */
static void pack(const struct cp_joint *joint, const float *features, size_t rows, float *packed) {
    const struct cp_spec *spec = joint->plan->spec;
    const struct cp_choice *choice = cp_spec_at(spec, CP_JOINT, -1);
    const struct cp_linear *linear = spec->ops->linears[choice->variant[CP_LINEAR]];
    const size_t width = (size_t)joint->plan->model->config.embed_dim;
    linear->pack_nt(features, width, rows, width, packed);
    if (choice->option[CP_LINEAR_ACCUMULATE] == CP_FP16)
        spec->ops->round(packed, packed, linear->packed_size(width, rows), CP_FP16);
}

enum cp_status cp_joint_classes(struct cp_joint *joint, struct cp_error *err) {
    const struct cp_spec *spec = joint->plan->spec;
    const struct cp_choice *choice = cp_spec_at(spec, CP_JOINT, -1);
    const enum cp_dtype type = cp_choice_type(choice, CP_LINEAR_COMPUTE);
    const size_t width = (size_t)joint->plan->model->config.embed_dim;
    pack(joint, joint->text_features, joint->prompts, joint->packed_text);
    if (joint->classes == 0)
        return CP_OK;
    const size_t templates = joint->prompts / joint->classes;
    for (size_t k = 0; k < joint->classes; k++)
        for (size_t c = 0; c < width; c++) {
            float sum = 0;
            for (size_t t = 0; t < templates; t++)
                sum += joint->text_features[(k * templates + t) * width + c];
            joint->class_features[k * width + c] = cp_round_to(type, sum / (float)templates);
        }
    spec->ops->normalize(joint->class_features, joint->class_features, joint->classes, width, type);
    CP_TRY(visit(joint, CP_CLASS_FEATURES, joint->class_features, 0, joint->classes, err));
    pack(joint, joint->class_features, joint->classes, joint->packed_class);
    return CP_OK;
}

/* logits = scaled . packed^T, rounded, plus logit_bias, rounded again, as open_clip has two operations there; then
 * softmax over the columns. */
static enum cp_status logits_and_probs(const struct cp_joint *joint, const float *scaled, size_t first,
                                       size_t inputs, bool classes, struct cp_arena *arena,
                                       struct cp_error *err) {
    const struct cp_spec *spec = joint->plan->spec;
    const struct cp_choice *choice = cp_spec_at(spec, CP_JOINT, -1);
    const enum cp_dtype type = cp_choice_type(choice, CP_LINEAR_COMPUTE);
    const size_t width = (size_t)joint->plan->model->config.embed_dim;
    const size_t columns = classes ? joint->classes : joint->prompts;
    float *logits = cp_arena_alloc(arena, inputs * columns, sizeof *logits);
    CP_TRY(CP_CHECK_ALLOC(logits, err, "", "%zu x %zu logits", inputs, columns));
    const bool fp16_sum = choice->option[CP_LINEAR_ACCUMULATE] == CP_FP16;
    const struct cp_gemm gemm = {.a = scaled,
                                 .lda = width,
                                 .b = classes ? joint->packed_class : joint->packed_text,
                                 .c = logits,
                                 .ldc = columns,
                                 .m = inputs,
                                 .n = columns,
                                 .k = width,
                                 .input = fp16_sum ? CP_FP16 : type,
                                 .accumulate = cp_choice_type(choice, CP_LINEAR_ACCUMULATE),
                                 .output = type};
    cp_linear_run(spec->ops->linears[choice->variant[CP_LINEAR]], &gemm, joint->pool, joint->scratch);
    for (size_t i = 0; i < inputs * columns && joint->plan->model->logit_bias; i++)
        logits[i] = cp_round_to(type, logits[i] + joint->plan->logit_bias);
    CP_TRY(visit(joint, classes ? CP_CLASS_LOGITS : CP_LOGITS_PER_IMAGE, logits, first, inputs, err));
    spec->ops->softmax(&(struct cp_softmax_args){
        .x = logits, .rows = inputs, .n = columns, .ld = columns, .compute = CP_FP32, .output = type});
    return visit(joint, classes ? CP_CLASS_PROBS : CP_PROBS, logits, first, inputs, err);
}

enum cp_status cp_joint_images(struct cp_joint *joint, const float *image_features, size_t first,
                               size_t inputs, struct cp_arena *arena, struct cp_error *err) {
    const struct cp_spec *spec = joint->plan->spec;
    const enum cp_dtype type = cp_choice_type(cp_spec_at(spec, CP_JOINT, -1), CP_LINEAR_COMPUTE);
    const size_t width = (size_t)joint->plan->model->config.embed_dim;
    float *scaled = cp_arena_alloc(arena, inputs * width, sizeof *scaled);
    CP_TRY(CP_CHECK_ALLOC(scaled, err, "", "%zu features", inputs));
    spec->ops->scale(image_features, joint->plan->logit_scale, scaled, inputs * width, type);
    CP_TRY(logits_and_probs(joint, scaled, first, inputs, false, arena, err));
    if (joint->classes)
        CP_TRY(logits_and_probs(joint, scaled, first, inputs, true, arena, err));
    return CP_OK;
}
