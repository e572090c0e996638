/* SPDX-License-Identifier: GPL-3.0-or-later
 * Zero-shot classification under several specs: the probabilities of prompts for images, as open_clip's
 * README computes them, softmax over the prompts of exp(logit_scale) * cosine. */
#ifndef CP_TASK_CLASSIFY_H
#define CP_TASK_CLASSIFY_H

#include "run/study.h"

struct cp_classify_inputs {
    const char *model, *config, *name; /* config, name: NULL: not given; one of them at most */
    const char *image_size;            /* pixels a side, for another than the config's; NULL: the config's */
    const char *baseline;              /* settings, ADDRESS=VALUE,...; NULL: what the model's config says */
    const char **images, **prompts;    /* [image_count] files, [prompt_count] */
    const char **compare;              /* [compare_count] [NAME:]ADDRESS=VALUE,... */
    size_t image_count, prompt_count, compare_count;
    bool truncate; /* cut prompts that are longer than the context; else they are an error */
};

struct cp_classification {
    const struct cp_study *study; /* its inputs and specs, the baseline first */
    const char **settings;        /* [spec_count] as given, "" for none */
    const float *probs;           /* (spec, image, prompt) */
    struct cp_experiment experiment;
    struct cp_study owned;
    struct cp_arena arena;
};

/* What a spec does to the answers of the baseline. A probability that is not finite is no answer. */
struct cp_classify_change {
    size_t changed;       /* images with another first maximum */
    double most;          /* the largest |dp|; NaN where any is not finite */
    size_t image, prompt; /* where it is */
};

/* On failure nothing is kept; on success release with cp_classification_free. inputs are borrowed. */
enum cp_status cp_classify(const struct cp_classify_inputs *inputs, struct cp_classification *result,
                           struct cp_error *err);
void cp_classification_free(struct cp_classification *result);

/* Row of an image under a spec: [prompts]. */
const float *cp_classification_row(const struct cp_classification *result, size_t spec, size_t image);
/* The first prompt of the largest probability; the count of prompts where one is not finite. */
size_t cp_classification_top(const struct cp_classification *result, size_t spec, size_t image);
struct cp_classify_change cp_classification_change(const struct cp_classification *result, size_t spec);

#endif
