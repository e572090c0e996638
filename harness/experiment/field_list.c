/* SPDX-License-Identifier: GPL-3.0-or-later
 * Lists the rows of field.c, for people. */
#include "experiment/field.h"

#include <string.h>

/* As people write it: 1e-6, where C's exponents have two digits at least. */
static void put_bound(FILE *out, double bound) {
    char text[32];
    (void)snprintf(text, sizeof text, "%.15g", bound);
    char *exponent = strstr(text, "e-0");
    if (exponent)
        memmove(exponent + 2, exponent + 3, strlen(exponent + 3) + 1);
    (void)fputs(text, out);
}

void cp_key_put_range(FILE *out, const struct cp_key *key) {
    (void)fprintf(out, "a number %s", key->above ? "above " : key->high > 0 ? "from " : "of ");
    put_bound(out, key->low);
    if (key->high > 0) {
        (void)fputs(" to ", out);
        put_bound(out, key->high);
    } else if (!key->above) {
        (void)fputs(" or more", out);
    }
    if (key->word)
        (void)fprintf(out, ", or %s", key->word);
}

static void put_integers(FILE *out, const struct cp_key *key) {
    if (key->most == INT_MAX)
        (void)fprintf(out, "an integer of %d or more", key->least);
    else
        (void)fprintf(out, "an integer from %d to %d", key->least, key->most);
    if (key->word)
        (void)fprintf(out, ", or %s", key->word);
}

/* What a file may have for it. */
static void put_allowed(FILE *out, const struct cp_key *key) {
    static const char *const words[] = {[CP_KEY_STRING] = "text",
                                        [CP_KEY_NAME] = "a name",
                                        [CP_KEY_TEXT] = "text",
                                        [CP_KEY_CAPTURE] = "text",
                                        [CP_KEY_SEED] = "an integer of 0 or more",
                                        [CP_KEY_BOOLEAN] = "on | off",
                                        [CP_KEY_SECTION] = "a mapping of the keys below",
                                        [CP_KEY_SPECIAL] = NULL};
    if (key->kind == CP_KEY_INTEGER)
        put_integers(out, key);
    else if (key->kind == CP_KEY_NUMBER)
        cp_key_put_range(out, key);
    else if (key->kind == CP_KEY_COUNT)
        (void)fprintf(out, "%s%son | off | a number of inputs", key->word ? key->word : "",
                      key->word ? " | " : "");
    else if (key->kind == CP_KEY_CHOICE)
        for (size_t c = 0; key->choices[c]; c++)
            (void)fprintf(out, "%s%s", c ? " | " : "", key->choices[c]);
    else
        (void)fputs(key->form ? key->form : words[key->kind], out);
}

void cp_keys_list(FILE *out) {
    for (size_t k = 0; k < cp_key_count; k++) {
        const struct cp_key *key = &cp_keys[k];
        (void)fprintf(out, "%s: ", key->path);
        put_allowed(out, key);
        if (key->initial)
            (void)fprintf(out, " (default %s)", key->initial);
        (void)fprintf(out, "%s\n      %s\n", key->required ? " (required)" : "", key->help);
    }
}

/* A cell of a table, whose separator is escaped. */
static void put_cell(FILE *out, const char *text) {
    for (; *text; text++)
        (void)fprintf(out, *text == '|' ? "\\%c" : "%c", *text);
}

static void put_row(FILE *out, const struct cp_key *key) {
    char allowed[200] = "";
    FILE *memory = fmemopen(allowed, sizeof allowed, "w");
    if (memory) {
        put_allowed(memory, key);
        (void)fclose(memory);
    }
    (void)fprintf(out, "| `%s` | ", key->path);
    put_cell(out, allowed);
    if (key->initial)
        (void)fprintf(out, " | `%s` | ", key->initial);
    else
        (void)fprintf(out, " | %s| ", key->required ? "required " : "");
    put_cell(out, key->help);
    (void)fputs(" |\n", out);
}

void cp_keys_markdown(FILE *out) {
    (void)fputs("| key | value | default | meaning |\n|---|---|---|---|\n", out);
    for (size_t k = 0; k < cp_key_count; k++)
        put_row(out, &cp_keys[k]);
}
