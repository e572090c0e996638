/* SPDX-License-Identifier: GPL-3.0-or-later
 * A spec of a small model, three image layers and two prompt layers, new for each test. Include after
 * cmocka.h. */
#ifndef CP_TESTS_SPEC_FIXTURE_H
#define CP_TESTS_SPEC_FIXTURE_H

#include "spec/spec.h"

#include <string.h>

enum { IMAGE_LAYERS = 3, PROMPT_LAYERS = 2, SLOTS = 1 + 1 + IMAGE_LAYERS + 1 + PROMPT_LAYERS };

static struct cp_clip_config config;
static struct cp_arena arena;
static struct cp_spec *spec;

static inline int fresh(void **state) {
    struct cp_error err;
    (void)state;
    config = (struct cp_clip_config){
        .embed_dim = 8,
        .quick_gelu = true,
        .vision = {.image_size = 8,
                   .patch_size = 4,
                   .layers = IMAGE_LAYERS,
                   .width = 8,
                   .heads = 1,
                   .mlp_width = 32,
                   .eps = 1e-5},
        .text = {.context_length = 8,
                 .vocab_size = 16,
                 .layers = PROMPT_LAYERS,
                 .width = 8,
                 .heads = 1,
                 .mlp_width = 32,
                 .eps = 1e-6},
    };
    return cp_spec_create("baseline", &config, cp_ops_find(NULL), &arena, &spec, &err) != CP_OK;
}

static inline int release(void **state) {
    (void)state;
    cp_arena_free(&arena);
    return 0;
}

static inline void set(struct cp_spec *of, const char *address, const char *value) {
    struct cp_error err;
    if (cp_spec_set(of, address, value, &err) != CP_OK)
        fail_msg("%s: %s: %s (expected %s)", address, value, err.what, err.expected);
}

#endif
