/* SPDX-License-Identifier: GPL-3.0-or-later
 * A spec's outputs, and their divergence from a baseline's, over some inputs, computed straight through: no
 * taps but the deciding probabilities, no oracle, no result file. For searches that try many specs, and for
 * who wants the probabilities alone. */
#ifndef CP_TASK_EVALUATE_H
#define CP_TASK_EVALUATE_H

#include "run/study.h"
#include "tap/buffer.h"

enum cp_output { CP_OUTPUT_IMAGE, CP_OUTPUT_TEXT, CP_OUTPUT_PROBS, CP_OUTPUT_COUNT };

/* Images that are evaluated together: what is found is of them, so it is no matter of memory or speed. */
enum { CP_EVALUATED_IMAGES = 32 };

struct cp_evaluator {
    const struct cp_study *study;
    size_t batch;                      /* inputs at once: CP_EVALUATED_IMAGES, or as many as there are */
    size_t candidate;                  /* the study's spec between which and the baseline all specs lie */
    size_t first, images;              /* those of value: [first, first + images); of prompts all */
    const char *name[CP_OUTPUT_COUNT]; /* of the tap; NULL: there is no such output */
    size_t rows[CP_OUTPUT_COUNT];      /* images or prompts */
    size_t width[CP_OUTPUT_COUNT];
    float *baseline[CP_OUTPUT_COUNT], *value[CP_OUTPUT_COUNT]; /* (rows, width) */
    struct cp_pool *pool;
    struct cp_workspace ws;
    struct cp_packed_store store;
    struct cp_pass pass;
    struct cp_tap_buffer probs;
    bool *watched;                  /* per site: the deciding probabilities */
    size_t probs_site;              /* sites.count: none */
    float *pixels;                  /* (images, 3, size, size) */
    struct cp_preprocess pixels_of; /* how they were made, */
    struct cp_choice changed_as;    /* what components made of them, */
    size_t pixels_from;             /* and of which image on */
    const struct cp_spec *text_of;  /* whose text features are in value; NULL: nobody's */
    struct cp_arena arena, scratch;
};

/* Runs the baseline over the first images (at most CP_EVALUATED_IMAGES of them) and all prompts. Release with
 * cp_evaluator_free, also after a failure. */
enum cp_status cp_evaluator_create(const struct cp_study *study, size_t candidate,
                                   struct cp_evaluator *evaluator, struct cp_error *err);
void cp_evaluator_free(struct cp_evaluator *evaluator);

/* divergence[o]: mean over inputs of the relative L2 distance of output o from the baseline's; 0 where
 * nothing differs, infinite where a value is not finite, NaN where there is no such output. spec has in each
 * slot the baseline's or the candidate's values. A tower whose choices are all the baseline's is not run. */
enum cp_status cp_evaluate(struct cp_evaluator *evaluator, const struct cp_spec *spec,
                           double divergence[CP_OUTPUT_COUNT], struct cp_error *err);

/* Fills value with the outputs of the study's spec s over the images [first, first + images), where images
 * is at most CP_EVALUATED_IMAGES, and all prompts. Cheapest with s outside and first inside of a loop. */
enum cp_status cp_evaluator_run(struct cp_evaluator *evaluator, size_t s, size_t first, struct cp_error *err);

#endif
