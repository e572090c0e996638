/* SPDX-License-Identifier: GPL-3.0-or-later
 * Hugging Face's CLIPModel and its towers: huggingface/transformers models/clip/modeling_clip.py and
 * convert_clip_original_pytorch_to_hf.py. */
#include "model/layout/layout.h"

#define HUGGING_FACE_BLOCK(model, file)                                                                      \
    {model "transformer.resblocks.#.attn.in_proj_*", file ".encoder.layers.#.self_attn.%_proj.*",            \
     CP_LAYOUT_QKV},                                                                                         \
        {model "transformer.resblocks.#.attn.out_proj.*", file ".encoder.layers.#.self_attn.out_proj.*",     \
         CP_LAYOUT_WHOLE},                                                                                   \
        {model "transformer.resblocks.#.ln_1.*", file ".encoder.layers.#.layer_norm1.*", CP_LAYOUT_WHOLE},   \
        {model "transformer.resblocks.#.ln_2.*", file ".encoder.layers.#.layer_norm2.*", CP_LAYOUT_WHOLE},   \
        {model "transformer.resblocks.#.mlp.c_fc.*", file ".encoder.layers.#.mlp.fc1.*", CP_LAYOUT_WHOLE}, { \
        model "transformer.resblocks.#.mlp.c_proj.*", file ".encoder.layers.#.mlp.fc2.*", CP_LAYOUT_WHOLE    \
    }

/* pre_layrnorm is spelled so there. */
static const struct cp_layout_rule rules[] = {
    {NULL, "vision_model.embeddings.position_ids", CP_LAYOUT_IGNORED},
    {NULL, "text_model.embeddings.position_ids", CP_LAYOUT_IGNORED},
    {"visual.class_embedding", "vision_model.embeddings.class_embedding", CP_LAYOUT_WHOLE},
    {"visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight", CP_LAYOUT_WHOLE},
    {"visual.positional_embedding", "vision_model.embeddings.position_embedding.weight", CP_LAYOUT_WHOLE},
    {"visual.ln_pre.*", "vision_model.pre_layrnorm.*", CP_LAYOUT_WHOLE},
    HUGGING_FACE_BLOCK("visual.", "vision_model"),
    {"visual.ln_post.*", "vision_model.post_layernorm.*", CP_LAYOUT_WHOLE},
    {"visual.proj", "visual_projection.weight", CP_LAYOUT_TRANSPOSED},
    {"token_embedding.weight", "text_model.embeddings.token_embedding.weight", CP_LAYOUT_WHOLE},
    {"positional_embedding", "text_model.embeddings.position_embedding.weight", CP_LAYOUT_WHOLE},
    HUGGING_FACE_BLOCK("", "text_model"),
    {"ln_final.*", "text_model.final_layer_norm.*", CP_LAYOUT_WHOLE},
    {"text_projection", "text_projection.weight", CP_LAYOUT_TRANSPOSED},
    {"logit_*", "logit_*", CP_LAYOUT_WHOLE},
    {NULL, NULL, CP_LAYOUT_IGNORED},
};

const struct cp_layout cp_layout_hugging_face = {
    .name = "Hugging Face CLIPModel",
    .signature = {"vision_model.embeddings.patch_embedding.weight",
                  "text_model.embeddings.token_embedding.weight", "vision_model.embeddings.class_embedding"},
    .rules = rules,
    .tower = {{"embeddings.patch_embedding.weight", "vision_model."},
              {"embeddings.class_embedding", "vision_model."},
              {"embeddings.token_embedding.weight", "text_model."}},
    .transformers = true};
