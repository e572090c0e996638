/* SPDX-License-Identifier: GPL-3.0-or-later
 * Where the towers meet: the zero-shot classifier, logits and probabilities. */
#include "oracle/steps.h"

#include <math.h>

enum cp_status cp_oracle_classes(struct cp_oracle *oracle, const double *text_features, size_t prompts,
                                 size_t classes, double *class_features, struct cp_error *err) {
    const size_t embed = (size_t)oracle->model->config.embed_dim, templates = prompts / classes;
    for (size_t k = 0; k < classes; k++) {
        for (size_t c = 0; c < embed; c++) {
            double sum = 0;
            for (size_t i = 0; i < templates; i++)
                sum += text_features[(k * templates + i) * embed + c];
            class_features[k * embed + c] = sum / (double)templates;
        }
        cp_oracle_normalize(class_features + k * embed, embed);
    }
    return cp_oracle_visit(oracle, CP_CLASS_FEATURES, -1, class_features, err);
}

enum cp_status cp_oracle_logits(struct cp_oracle *oracle, const double *image_features, const double *columns,
                                size_t count, bool classes, struct cp_error *err) {
    const size_t embed = (size_t)oracle->model->config.embed_dim;
    const double scale = exp((double)*oracle->model->logit_scale);
    const double bias = oracle->model->logit_bias ? (double)*oracle->model->logit_bias : 0;
    double *logits;
    cp_arena_reset(oracle->scratch);
    CP_TRY(cp_oracle_alloc(oracle, oracle->inputs * count, &logits, err));
    for (size_t n = 0; n < oracle->inputs; n++)
        for (size_t k = 0; k < count; k++) {
            double sum = 0;
            for (size_t c = 0; c < embed; c++)
                sum += image_features[n * embed + c] * columns[k * embed + c];
            logits[n * count + k] = scale * sum + bias;
        }
    CP_TRY(cp_oracle_visit(oracle, classes ? CP_CLASS_LOGITS : CP_LOGITS_PER_IMAGE, -1, logits, err));
    for (size_t n = 0; n < oracle->inputs; n++)
        cp_oracle_softmax(logits + n * count, count);
    return cp_oracle_visit(oracle, classes ? CP_CLASS_PROBS : CP_PROBS, -1, logits, err);
}
