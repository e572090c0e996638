/* SPDX-License-Identifier: GPL-3.0-or-later
 * Prints an experiment by the rows of field.c, and the rows themselves. */
#include "experiment/field.h"

#include <inttypes.h>
#include <string.h>

/* ---- an experiment ---- */

static bool is_shown(const struct cp_key *key, const struct cp_experiment *experiment) {
    const void *at = (const char *)experiment + key->at;
    if (key->shown)
        return key->shown(experiment);
    switch (key->kind) {
    case CP_KEY_STRING:
    case CP_KEY_NAME:
    case CP_KEY_CHOICE:
        return *(const char *const *)at != NULL;
    case CP_KEY_TEXT:
    case CP_KEY_CAPTURE:
        return ((const struct cp_marked_text *)at)->text != NULL;
    case CP_KEY_INTEGER:
        return key->initial || *(const int *)at != key->other;
    case CP_KEY_BOOLEAN:
        return *(const bool *)at;
    case CP_KEY_SPECIAL:
        return key->print != NULL;
    default:
        return true;
    }
}

static void put_integer(FILE *out, const struct cp_key *key, int value) {
    if (key->word && value == key->other && (value < key->least || value > key->most))
        (void)fputs(key->word, out);
    else
        (void)fprintf(out, "%d", value);
}

static void put_count(FILE *out, const struct cp_key *key, int value) {
    if (key->word && value == key->other)
        (void)fputs(key->word, out);
    else if (value == 0 || value == CP_ALL)
        (void)fputs(value ? "on" : "off", out);
    else
        (void)fprintf(out, "%d", value);
}

static void put_number(FILE *out, const struct cp_key *key, double value) {
    if (key->word && value <= key->low)
        (void)fputs(key->word, out);
    else
        cp_yaml_put_number(out, value);
}

static void put_value(FILE *out, const struct cp_key *key, const struct cp_experiment *experiment) {
    const void *at = (const char *)experiment + key->at;
    switch (key->kind) {
    case CP_KEY_STRING:
    case CP_KEY_NAME:
    case CP_KEY_CHOICE:
        cp_yaml_put_text(out, *(const char *const *)at);
        break;
    case CP_KEY_TEXT:
    case CP_KEY_CAPTURE:
        cp_yaml_put_text(out, cp_written(at));
        break;
    case CP_KEY_INTEGER:
        put_integer(out, key, *(const int *)at);
        break;
    case CP_KEY_SEED:
        (void)fprintf(out, "%" PRId64, *(const int64_t *)at);
        break;
    case CP_KEY_NUMBER:
        put_number(out, key, *(const double *)at);
        break;
    case CP_KEY_BOOLEAN:
        (void)fputs(*(const bool *)at ? "on" : "off", out);
        break;
    case CP_KEY_COUNT:
        put_count(out, key, *(const int *)at);
        break;
    case CP_KEY_SECTION:
    case CP_KEY_SPECIAL:
        break;
    }
}

/* "{key: value, ...}" */
static void print_flow(FILE *out, const struct cp_key *section, const struct cp_experiment *experiment) {
    const char *between = "{";
    for (size_t k = 0; k < cp_key_count; k++) {
        if (!cp_key_in(&cp_keys[k], section->path))
            continue;
        (void)fprintf(out, "%s%s: ", between, cp_key_leaf(&cp_keys[k]));
        put_value(out, &cp_keys[k], experiment);
        between = ", ";
    }
    (void)fputs("}\n", out);
}

static void print_key(FILE *out, const struct cp_key *key, const struct cp_experiment *experiment,
                      enum cp_keys_of which) {
    if (!is_shown(key, experiment) || (which == CP_KEYS_WHAT && key->how))
        return;
    if (key->kind == CP_KEY_SPECIAL) {
        key->print(out, experiment);
        cp_keys_print(out, experiment, key->path, which);
        return;
    }
    (void)fprintf(out, "%*s%s:", strchr(key->path, '.') ? 2 : 0, "", cp_key_leaf(key));
    if (key->kind == CP_KEY_SECTION && !key->flow) {
        (void)fputc('\n', out);
        cp_keys_print(out, experiment, key->path, which);
        return;
    }
    (void)fputc(' ', out);
    if (key->flow) {
        print_flow(out, key, experiment);
        return;
    }
    put_value(out, key, experiment);
    (void)fputc('\n', out);
}

void cp_keys_print(FILE *out, const struct cp_experiment *experiment, const char *section,
                   enum cp_keys_of which) {
    for (int late = 0; late < 2; late++)
        for (size_t k = 0; k < cp_key_count; k++)
            if (cp_keys[k].late == (late == 1) && cp_key_in(&cp_keys[k], section))
                print_key(out, &cp_keys[k], experiment, which);
}

void cp_key_print(FILE *out, const struct cp_experiment *experiment, const char *path) {
    for (size_t k = 0; k < cp_key_count; k++)
        if (strcmp(cp_keys[k].path, path) == 0)
            print_key(out, &cp_keys[k], experiment, CP_KEYS_ALL);
}

bool cp_key_is_how(const char *path) {
    for (size_t k = 0; k < cp_key_count; k++)
        if (strcmp(cp_keys[k].path, path) == 0)
            return cp_keys[k].how;
    return false;
}
