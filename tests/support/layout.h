/* SPDX-License-Identifier: GPL-3.0-or-later
 * A small seeded model, and files of it in every layout. */
#ifndef CP_TESTS_SUPPORT_LAYOUT_H
#define CP_TESTS_SUPPORT_LAYOUT_H

#include "support/safetensors.h"

#include "model/model.h"

#include <stdbool.h>
#include <stddef.h>

extern const struct cp_clip_config tiny;

enum { STORED_MAX = 320 };

struct listing {
    struct stored tensors[STORED_MAX];
    size_t count;
};

/* Every tensor under OpenAI's name: first the vision tower's, then the text tower's, then logit_scale. */
void list_model(struct listing *list, const struct cp_model *m);

/* open_clip's CustomTextCLIP; linear: with the text projection as an nn.Linear. */
void as_custom_text(struct listing *list, bool linear);

/* The names by transformers' own conversion script, written down again: this table shares nothing with the
 * program's. */
void as_hugging_face(struct listing *list);

#endif
