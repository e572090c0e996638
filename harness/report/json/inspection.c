/* SPDX-License-Identifier: GPL-3.0-or-later
 * Architecture, groups of tensors, and what each source says of the activation, as text and as JSON. */
#include "report/json/inspection.h"

#include "base/escape.h"
#include "base/sentence.h"
#include "report/json/calibration.h"

#include <math.h>

static const char *activation_name(int activation) {
    return activation < 0 ? NULL : cp_config_activation_names[activation];
}

/* ---- text ---- */

static double share(size_t part, size_t whole) {
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_architecture(const struct cp_inspection *in, FILE *out) {
    const struct cp_clip_config *c = &in->config;
    cp_print(out, "config         %s%s%s\n", in->config_from,
             in->same_shapes ? "; the shapes are those of " : "", in->same_shapes ? in->same_shapes : "");
    if (cp_has_vision(c))
        cp_print(out, "vision         %d x %d, patch %d, %d layer%s, width %d, %d head%s, MLP %d%s\n",
                 c->vision.image_size, c->vision.image_size, c->vision.patch_size, c->vision.layers,
                 cp_plural((size_t)c->vision.layers), c->vision.width, c->vision.heads,
                 cp_plural((size_t)c->vision.heads), c->vision.mlp_width,
                 c->vision.no_ln_pre ? ", no ln_pre" : "");
    if (cp_has_text(c))
        cp_print(out, "text           %d tokens of %d, %d layer%s, width %d, %d head%s, MLP %d\n",
                 c->text.context_length, c->text.vocab_size, c->text.layers,
                 cp_plural((size_t)c->text.layers), c->text.width, c->text.heads,
                 cp_plural((size_t)c->text.heads), c->text.mlp_width);
    (void)fprintf(out, "embedding      %d\n", c->embed_dim);
    if (c->activation_unknown)
        cp_print(out,
                 "               in no shape, so assumed: heads %s, eps 1e-5,\n"
                 "               pooling as OpenAI's; the activation cannot be known\n",
                 in->same_shapes ? "as in that config" : "of 64");
}

static void print_misfit(const char *misfit, FILE *out) {
    char text[1400];
    (void)snprintf(text, sizeof text, "no model       %s", misfit);
    cp_print_wrapped(text, 0, 15, out);
}

static void print_groups(const struct cp_inspection *in, FILE *out) {
    cp_print(out, "\n%-13s %8s %12s  %-18s %8s %8s\n", "tensors", "count", "parameters", "stored as", "fp16",
             "bf16");
    for (int g = 0; g < CP_GROUP_COUNT; g++) {
        const struct cp_group *group = &in->group[g];
        char types[64] = "";
        size_t used = 0;
        for (int t = 0; t < CP_DTYPE_COUNT && used < sizeof types; t++)
            if (group->of_dtype[t])
                used += (size_t)snprintf(types + used, sizeof types - used, "%s%s", used ? ", " : "",
                                         cp_dtype_name((enum cp_dtype)t));
        if (group->tensors)
            cp_print(out, "%-13s %8zu %12zu  %-18s %6.2f %% %6.2f %%\n", cp_group_names[g], group->tensors,
                     group->elements, types, share(group->fp16, group->elements),
                     share(group->bf16, group->elements));
    }
    (void)fputs("fp16, bf16: the share of values that are exactly of that format\n", out);
}

/* OpenAI's models keep these groups in fp16, and what they are widened to shows it. Values that are bf16's,
 * too, were stored as that. */
static bool has_fingerprint(const struct cp_inspection *in) {
    const int groups[] = {CP_GROUP_ATTENTION, CP_GROUP_MLP, CP_GROUP_PROJECTIONS};
    for (size_t i = 0; i < 3; i++)
        if (in->group[groups[i]].elements == 0 ||
            in->group[groups[i]].fp16 != in->group[groups[i]].elements ||
            in->group[groups[i]].bf16 == in->group[groups[i]].elements)
            return false;
    return true;
}

static void print_provenance(const struct cp_inspection *in, FILE *out) {
    cp_print(out, "\nactivation     config says       %s\n",
             in->config_says < 0 ? "nothing: none is given" : activation_name(in->config_says));
    cp_print(out, "               file says         %s\n",
             in->file_says < 0 ? "nothing" : activation_name(in->file_says));
    cp_print(out, "               identity says     %s\n",
             in->identity_says < 0 ? "nothing: no published file has its digest"
                                   : activation_name(in->identity_says));
    if (!in->calibrated)
        (void)fputs("               calibration       not made: it needs --images, --classes,\n"
                    "                                 --templates and --labels\n",
                    out);
    else
        cp_calibration_answer(&in->calibration, out);
}

void cp_inspection_text(const struct cp_inspection *in, FILE *out) {
    cp_print(out, "%s\nformat         %s", in->path, cp_checkpoint_format_names[in->format]);
    if (in->files > 1)
        (void)fprintf(out, ", %zu files", in->files);
    (void)fprintf(out, ", %zu bytes\n", in->bytes);
    for (size_t i = 0; i < in->notes.count; i++)
        cp_print(out, "               %s\n", in->notes.lines[i]);
    if (in->sha256[0])
        cp_print(out, "sha256         %s\n               %s\n", in->sha256,
                 in->published ? in->published : "not a known published file");
    if (in->layout)
        cp_print(out, "layout         %s\n", in->layout);
    else
        cp_print(out, "layout         unknown: %s\n", in->no_layout);
    if (in->has_config)
        print_architecture(in, out);
    else if (in->layout)
        cp_print(out, "architecture   not told by shapes: %s; --config or --name tells it\n", in->no_config);
    if (in->misfit[0])
        print_misfit(in->misfit, out);
    (void)fprintf(out, "parameters     %zu", in->parameters);
    if (in->layout)
        (void)fprintf(out, ": vision %zu, text %zu", in->vision_parameters, in->text_parameters);
    (void)fputc('\n', out);
    if (in->has_scale)
        (void)fprintf(out, "logit_scale    %.6f, a factor of %.4f\n", in->logit_scale, exp(in->logit_scale));
    if (in->has_scale && cp_logit_scale_doubt(in->logit_scale))
        cp_print(out, "               warning: %s\n", cp_logit_scale_doubt(in->logit_scale));
    if (in->nonfinite)
        cp_print(out, "not finite     %zu value%s, the first in %s\n", in->nonfinite,
                 cp_plural(in->nonfinite), in->first_nonfinite);
    else
        (void)fputs("not finite     none\n", out);
    print_groups(in, out);
    if (has_fingerprint(in))
        (void)fputs("all matrices are fp16 values, as OpenAI's are: such weights were trained with\n"
                    "QuickGELU if they are OpenAI's, but others are stored so too\n",
                    out);
    if (in->calibrated)
        cp_calibration_text(&in->calibration, out);
    if (in->layout)
        print_provenance(in, out);
}

/* ---- JSON ---- */

static void json_tower(struct cp_json_writer *json, const char *name, int layers, int width, int heads,
                       int mlp) {
    cp_json_open(json, name, '{');
    cp_json_number(json, "layers", layers);
    cp_json_number(json, "width", width);
    cp_json_number(json, "heads", heads);
    cp_json_number(json, "mlp_width", mlp);
}

static void json_architecture(struct cp_json_writer *json, const struct cp_inspection *in) {
    const struct cp_clip_config *c = &in->config;
    cp_json_open(json, "architecture", '{');
    cp_json_text(json, "from", in->config_from);
    cp_json_text(json, "same_shapes", in->same_shapes);
    cp_json_number(json, "embed_dim", c->embed_dim);
    if (cp_has_vision(c)) {
        json_tower(json, "vision", c->vision.layers, c->vision.width, c->vision.heads, c->vision.mlp_width);
        cp_json_number(json, "image_size", c->vision.image_size);
        cp_json_number(json, "patch_size", c->vision.patch_size);
        cp_json_close(json, '}');
    }
    if (cp_has_text(c)) {
        json_tower(json, "text", c->text.layers, c->text.width, c->text.heads, c->text.mlp_width);
        cp_json_number(json, "context_length", c->text.context_length);
        cp_json_number(json, "vocab_size", c->text.vocab_size);
        cp_json_close(json, '}');
    }
    cp_json_open(json, "assumed", '[');
    if (c->activation_unknown) {
        cp_json_text(json, NULL, "heads");
        cp_json_text(json, NULL, "eps");
        cp_json_text(json, NULL, "pooling");
    }
    cp_json_close(json, ']');
    cp_json_close(json, '}');
}

static void json_groups(struct cp_json_writer *json, const struct cp_inspection *in) {
    cp_json_open(json, "groups", '{');
    for (int g = 0; g < CP_GROUP_COUNT; g++) {
        const struct cp_group *group = &in->group[g];
        if (!group->tensors)
            continue;
        cp_json_open(json, cp_group_names[g], '{');
        cp_json_count(json, "tensors", group->tensors);
        cp_json_count(json, "parameters", group->elements);
        cp_json_open(json, "stored", '{');
        for (int t = 0; t < CP_DTYPE_COUNT; t++)
            if (group->of_dtype[t])
                cp_json_count(json, cp_dtype_name((enum cp_dtype)t), group->of_dtype[t]);
        cp_json_close(json, '}');
        cp_json_count(json, "fp16_values", group->fp16);
        cp_json_count(json, "bf16_values", group->bf16);
        cp_json_close(json, '}');
    }
    cp_json_close(json, '}');
}

void cp_inspection_json(const struct cp_inspection *in, FILE *out) {
    struct cp_json_writer json = {out, true};
    cp_json_open(&json, NULL, '{');
    cp_json_text(&json, "file", in->path);
    cp_json_text(&json, "format", cp_checkpoint_format_names[in->format]);
    cp_json_count(&json, "bytes", in->bytes);
    cp_json_text(&json, "sha256", in->sha256[0] ? in->sha256 : NULL);
    cp_json_text(&json, "published", in->published);
    cp_json_open(&json, "notes", '[');
    for (size_t i = 0; i < in->notes.count; i++)
        cp_json_text(&json, NULL, in->notes.lines[i]);
    cp_json_close(&json, ']');
    cp_json_text(&json, "layout", in->layout);
    if (!in->layout)
        cp_json_text(&json, "no_layout", in->no_layout);
    if (in->has_config)
        json_architecture(&json, in);
    else if (in->layout)
        cp_json_text(&json, "no_architecture", in->no_config);
    cp_json_text(&json, "no_model", in->misfit[0] ? in->misfit : NULL);
    cp_json_count(&json, "parameters", in->parameters);
    cp_json_count(&json, "vision_parameters", in->vision_parameters);
    cp_json_count(&json, "text_parameters", in->text_parameters);
    cp_json_count(&json, "nonfinite", in->nonfinite);
    cp_json_text(&json, "first_nonfinite", in->first_nonfinite);
    cp_json_number(&json, "logit_scale", in->has_scale ? in->logit_scale : NAN);
    json_groups(&json, in);
    cp_json_open(&json, "activation", '{');
    cp_json_text(&json, "config_says", activation_name(in->config_says));
    cp_json_text(&json, "file_says", activation_name(in->file_says));
    cp_json_text(&json, "identity_says", activation_name(in->identity_says));
    if (in->calibrated)
        cp_calibration_json(&in->calibration, &json);
    cp_json_close(&json, '}');
    cp_json_close(&json, '}');
    (void)fputc('\n', out);
}
