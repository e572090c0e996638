/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/spec.h"
#include "support/test.h"

struct cp_clip_config spec_config;
struct cp_arena spec_arena;
struct cp_spec *spec;

int make_spec(void **state) {
    struct cp_error err;
    (void)state;
    spec_config = (struct cp_clip_config){
        .embed_dim = 8,
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
    return cp_spec_create("baseline", &spec_config, cp_ops_find(NULL), &spec_arena, &spec, &err) != CP_OK;
}

int free_spec(void **state) {
    (void)state;
    cp_arena_free(&spec_arena);
    return 0;
}

void set_spec(struct cp_spec *of, const char *address, const char *value) {
    struct cp_error err;
    if (cp_spec_set(of, address, value, &err) != CP_OK)
        fail_msg("%s: %s: %s (expected %s)", address, value, err.what, err.expected);
}
