/* SPDX-License-Identifier: GPL-3.0-or-later
 * A reader for each kind of field, and the walk over a JSON object that refuses fields it does not know. */
#include "config/clip_config_field.h"

#include "base/nearest.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { FIELDS_MAX = 48 };

enum cp_status cp_field_bad(const struct cp_field_reader *r, const char *section, const char *name,
                            const char *what, const char *expected) {
    (void)cp_fail(r->err, CP_BAD_INPUT, r->path, "%s%s%s %s", section, section[0] ? "." : "", name, what);
    return cp_expected(r->err, "%s", expected);
}

static enum cp_status read_pool(const struct cp_field_reader *r, const char *section, const json_t *value,
                                enum cp_pool_type *to) {
    static const struct {
        const char *section, *name;
        enum cp_pool_type type;
    } table[] = {{"vision_cfg", "tok", CP_POOL_TOKEN},   {"vision_cfg", "avg", CP_POOL_AVG},
                 {"text_cfg", "argmax", CP_POOL_ARGMAX}, {"text_cfg", "first", CP_POOL_FIRST},
                 {"text_cfg", "last", CP_POOL_LAST},     {"text_cfg", "eos", CP_POOL_EOS}};
    for (size_t i = 0; json_is_string(value) && i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].section, section) == 0 && strcmp(table[i].name, json_string_value(value)) == 0) {
            *to = table[i].type;
            return CP_OK;
        }
    return cp_field_bad(r, section, "pool_type", "is not supported",
                        strcmp(section, "text_cfg") ? "tok or avg" : "argmax, first, last or eos");
}

/* One key at most chooses a family. */
static enum cp_status read_family(const struct cp_field_reader *r, const char *section,
                                  const struct cp_field *f, const json_t *value) {
    enum cp_family_id *family = f->to;
    if (!json_is_boolean(value))
        return cp_field_bad(r, section, f->name, "is neither true nor false", "true or false");
    if (!json_is_true(value))
        return CP_OK;
    if (*family != CP_FAMILY_VIT)
        return cp_field_bad(r, section, f->name, "stands beside another key that says what the blocks are",
                            "one of the two");
    *family = (enum cp_family_id)f->most;
    return CP_OK;
}

/* What open_clip cannot say: QuickGELU in one tower alone (config/clip_config_print.c writes it). */
static enum cp_status read_own_activation(const struct cp_field_reader *r, const char *section,
                                          const struct cp_field *f, const json_t *value) {
    if (json_is_string(value) && cp_config_activation_named(json_string_value(value), f->to))
        return CP_OK;
    return cp_field_bad(r, section, f->name, "is not supported", "quick, erf or tanh");
}

/* transformers' activations.py, ACT2FN. */
static enum cp_status read_activation(const struct cp_field_reader *r, const char *section,
                                      const struct cp_field *f, const json_t *value) {
    static const struct {
        const char *name;
        enum cp_config_activation activation;
    } table[] = {{"quick_gelu", CP_CONFIG_QUICK},
                 {"gelu", CP_CONFIG_ERF},
                 {"gelu_python", CP_CONFIG_ERF},
                 {"gelu_new", CP_CONFIG_TANH},
                 {"gelu_pytorch_tanh", CP_CONFIG_TANH}};
    for (size_t i = 0; json_is_string(value) && i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].name, json_string_value(value)) == 0) {
            *(enum cp_config_activation *)f->to = table[i].activation;
            return CP_OK;
        }
    return cp_field_bad(r, section, f->name, "is not supported",
                        "quick_gelu, gelu, gelu_new or gelu_pytorch_tanh");
}

/* open_clip's `random` is bicubic in evaluation. null is no value there. */
static enum cp_status read_resize(const struct cp_field_reader *r, const char *section,
                                  const struct cp_field *f, const json_t *value) {
    static const struct {
        enum cp_field_kind kind;
        const char *name;
        int value;
    } table[] = {
        {CP_FIELD_FILTER, "bicubic", CP_BICUBIC},      {CP_FIELD_FILTER, "bilinear", CP_BILINEAR},
        {CP_FIELD_FILTER, "random", CP_BICUBIC},       {CP_FIELD_RESIZE_MODE, "shortest", CP_SHORTEST},
        {CP_FIELD_RESIZE_MODE, "longest", CP_LONGEST}, {CP_FIELD_RESIZE_MODE, "squash", CP_SQUASH}};
    if (json_is_null(value))
        return CP_OK;
    for (size_t i = 0; json_is_string(value) && i < sizeof table / sizeof table[0]; i++) {
        if (table[i].kind != f->kind || strcmp(table[i].name, json_string_value(value)) != 0)
            continue;
        if (f->kind == CP_FIELD_FILTER)
            *(enum cp_resize_filter *)f->to = (enum cp_resize_filter)table[i].value;
        else
            *(enum cp_resize_mode *)f->to = (enum cp_resize_mode)table[i].value;
        return CP_OK;
    }
    return cp_field_bad(r, section, f->name, "is not supported",
                        f->kind == CP_FIELD_FILTER ? "bicubic or bilinear" : "shortest, longest or squash");
}

static enum cp_status read_byte(const struct cp_field_reader *r, const char *section,
                                const struct cp_field *f, const json_t *value) {
    if (json_is_null(value))
        return CP_OK;
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > 255)
        return cp_field_bad(r, section, f->name, "is not a byte", "0 to 255");
    *(int *)f->to = (int)json_integer_value(value);
    return CP_OK;
}

static enum cp_status read_triple(const struct cp_field_reader *r, const char *section, const char *name,
                                  const json_t *value, bool positive, double *to) {
    for (size_t i = 0; i < 3; i++) {
        const json_t *item = json_array_get(value, i);
        if (json_array_size(value) != 3 || !json_is_number(item))
            return cp_field_bad(r, section, name, "is not a list of three numbers", "[r, g, b]");
        to[i] = json_number_value(item);
        if (positive && !(to[i] > 0))
            return cp_field_bad(r, section, name, "holds a number that is not above 0", "numbers above 0");
    }
    return CP_OK;
}

/* Anything but OpenAI's tokenizer as it is; its name is kept for errors. */
static enum cp_status read_tokenizer(const struct cp_field_reader *r, const char *section, const char *name,
                                     const json_t *value, struct cp_text_config *text) {
    const char *hub = json_string_value(value);
    if (json_is_null(value) || (hub && !hub[0]) || (json_is_object(value) && json_object_size(value) == 0))
        return CP_OK;
    text->foreign_tokenizer = true;
    if (strcmp(name, "hf_tokenizer_name") != 0)
        return CP_OK;
    if (!hub || strlen(hub) >= sizeof text->hf_tokenizer_name)
        return cp_field_bad(r, section, name, "is not the name of a tokenizer",
                            "a text of at most 127 bytes");
    (void)snprintf(text->hf_tokenizer_name, sizeof text->hf_tokenizer_name, "%s", hub);
    return CP_OK;
}

static enum cp_status read_integer(const struct cp_field_reader *r, const char *section,
                                   const struct cp_field *f, const json_t *value) {
    if (json_is_integer(value) && json_integer_value(value) >= 1 && json_integer_value(value) <= f->most) {
        *(int *)f->to = (int)json_integer_value(value);
        return CP_OK;
    }
    (void)cp_field_bad(r, section, f->name, "is not a whole number in its range", "");
    return cp_expected(r->err, "1 to %d", f->most);
}

static enum cp_status read_side(const struct cp_field_reader *r, const char *section,
                                const struct cp_field *f, const json_t *value) {
    const json_t *height = json_array_get(value, 0);
    if (!json_is_array(value))
        return read_integer(r, section, f, value);
    if (json_array_size(value) != 2 || !json_equal(height, json_array_get(value, 1)))
        return cp_field_bad(r, section, f->name, "is not a square", "one number, or twice the same");
    return read_integer(r, section, f, height);
}

/* act_kwargs {"approximate": "tanh"} and norm_kwargs {"eps": x} are the only arguments the harness computes.
 */
static enum cp_status read_kwargs(const struct cp_field_reader *r, const char *section,
                                  const struct cp_field *f, const json_t *value) {
    if (json_is_null(value))
        return CP_OK;
    if (!json_is_object(value) || json_object_size(value) > 1)
        return cp_field_bad(r, section, f->name, "is not supported",
                            f->kind == CP_FIELD_ACT_KWARGS ? "{\"approximate\": \"tanh\"}" : "{\"eps\": x}");
    if (json_object_size(value) == 0)
        return CP_OK;
    if (f->kind == CP_FIELD_ACT_KWARGS) {
        const char *form = json_string_value(json_object_get(value, "approximate"));
        if (!form || (strcmp(form, "tanh") != 0 && strcmp(form, "none") != 0))
            return cp_field_bad(r, section, f->name, "is not supported", "{\"approximate\": \"tanh\"}");
        *(enum cp_config_activation *)f->to = strcmp(form, "tanh") == 0 ? CP_CONFIG_TANH : CP_CONFIG_ERF;
        return CP_OK;
    }
    const json_t *eps = json_object_get(value, "eps");
    if (!json_is_number(eps) || !(json_number_value(eps) > 0))
        return cp_field_bad(r, section, f->name, "eps is not a positive number", "{\"eps\": x} with x > 0");
    *(double *)f->to = json_number_value(eps);
    return CP_OK;
}

static enum cp_status read_field(const struct cp_field_reader *r, const char *section,
                                 const struct cp_field *f, const json_t *value) {
    switch (f->kind) {
    case CP_FIELD_INTEGER:
        return read_integer(r, section, f, value);
    case CP_FIELD_SIDE:
        return read_side(r, section, f, value);
    case CP_FIELD_OPTIONAL:
        if (json_is_null(value))
            return CP_OK;
        __attribute__((fallthrough));
    case CP_FIELD_NUMBER:
        if (!json_is_number(value) || !isfinite(json_number_value(value)))
            return cp_field_bad(r, section, f->name, "is not a number", "a finite number");
        *(double *)f->to = json_number_value(value);
        return CP_OK;
    case CP_FIELD_BOOLEAN:
        if (!json_is_boolean(value))
            return cp_field_bad(r, section, f->name, "is neither true nor false", "true or false");
        *(bool *)f->to = json_is_true(value);
        return CP_OK;
    case CP_FIELD_FAMILY:
        return read_family(r, section, f, value);
    case CP_FIELD_ACTIVATION:
        return read_activation(r, section, f, value);
    case CP_FIELD_OWN_ACTIVATION:
        return read_own_activation(r, section, f, value);
    case CP_FIELD_POOL:
        return read_pool(r, section, value, f->to);
    case CP_FIELD_ACT_KWARGS:
    case CP_FIELD_NORM_KWARGS:
        return read_kwargs(r, section, f, value);
    case CP_FIELD_MEAN:
    case CP_FIELD_STD:
        return read_triple(r, section, f->name, value, f->kind == CP_FIELD_STD, f->to);
    case CP_FIELD_FILTER:
    case CP_FIELD_RESIZE_MODE:
        return read_resize(r, section, f, value);
    case CP_FIELD_BYTE:
        return read_byte(r, section, f, value);
    case CP_FIELD_TOKENIZER:
        return read_tokenizer(r, section, f->name, value, f->to);
    case CP_FIELD_DEFAULT_ONLY:
        if (json_is_false(value) || json_is_null(value) ||
            (f->to && json_is_string(value) && strcmp(f->to, json_string_value(value)) == 0))
            return CP_OK;
        return cp_field_bad(r, section, f->name, "is not supported yet",
                            "a plain ViT with open_clip's own text tower");
    case CP_FIELD_ELSEWHERE:
    case CP_FIELD_IGNORED:
        break;
    }
    return CP_OK;
}

static enum cp_status unknown_field(const struct cp_field_reader *r, const char *section, const char *key,
                                    const char *nearest) {
    (void)cp_fail(r->err, CP_BAD_INPUT, r->path, "unknown or unsupported field '%.100s'%s%s", key,
                  section[0] ? " in " : "", section);
    if (nearest)
        cp_did_you_mean(r->err, nearest, "");
    return cp_expected(r->err, "a field of a plain ViT with open_clip's own text tower");
}

/* all: every field must be in the table. */
static enum cp_status read_object(const struct cp_field_reader *r, const char *section, json_t *object,
                                  const struct cp_field *fields, bool all) {
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return cp_field_bad(r, "", section[0] ? section : "the config", "is missing or no object",
                            "a JSON object");
    json_object_foreach(object, key, value) {
        const char *names[FIELDS_MAX] = {NULL};
        size_t i = 0;
        for (; fields[i].name && strcmp(fields[i].name, key) != 0; i++)
            names[i] = fields[i].name;
        if (fields[i].name) {
            CP_TRY(read_field(r, section, &fields[i], value));
            continue;
        }
        const char *nearest = cp_nearest(key, names, i);
        if (all || (nearest && cp_edit_distance(key, nearest) <= 2))
            return unknown_field(r, section, key, nearest);
    }
    return CP_OK;
}

enum cp_status cp_field_section(const struct cp_field_reader *r, const char *section, json_t *object,
                                const struct cp_field *fields) {
    return read_object(r, section, object, fields, true);
}

enum cp_status cp_field_some(const struct cp_field_reader *r, const char *section, json_t *object,
                             const struct cp_field *fields) {
    return read_object(r, section, object, fields, false);
}
