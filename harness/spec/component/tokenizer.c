/* SPDX-License-Identifier: GPL-3.0-or-later
 * From a prompt to tokens. Variants: text/tokenizer_table.c. */
#include "spec/component.h"

#include "text/tokenizer.h"

static const struct cp_variant *variant(const struct cp_ops *ops, int index) {
    const struct cp_tokenizer_variant *v = cp_tokenizer_variant(index);
    (void)ops;
    return v ? &v->info : NULL;
}

const struct cp_component cp_component_tokenizer = {
    .name = "tokenizer",
    .what = "prompt to tokens",
    .variant = variant,
    .initial = "open_clip",
    .reach = CP_BEFORE_TEXTS,
};
