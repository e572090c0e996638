/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which swap does the harm: effects, Shapley shares, layers. */
#include "report/data/words.h"
#include "report/md/md.h"

#include <math.h>

/* Rows of a table of three axes at one response; without NaN there is a row for each place. */
static void put_rows(FILE *out, const struct cp_report_table *table, const char *response,
                     const char *const *fields, size_t count) {
    for (size_t i = 0; i < table->shape[0]; i++) {
        (void)fputs("| ", out);
        cp_put_markdown(out, table->label[0].items[i]);
        for (size_t f = 0; f < count; f++)
            cp_md_number(out, cp_report_cell(table, i, response, fields[f]));
        (void)fputs(" |\n", out);
    }
}

static void put_effects(FILE *out, const struct cp_report_table *effects) {
    static const char *const fields[] = {"mean", "low", "high"};
    for (size_t k = 0; k < effects->shape[1]; k++) {
        (void)fputs("\n## Effects on ", out);
        cp_put_markdown(out, effects->label[1].items[k]);
        (void)fputs("\n\n| effect | mean | from | to (95 %) |\n| --- | ---: | ---: | ---: |\n", out);
        put_rows(out, effects, effects->label[1].items[k], fields, 3);
    }
}

static void put_shapley(FILE *out, const struct cp_report_table *shapley) {
    static const char *const fields[] = {"value", "share", "share_low", "share_high"};
    for (size_t k = 0; k < shapley->shape[1]; k++) {
        (void)fputs("\n## Shapley shares of ", out);
        cp_put_markdown(out, shapley->label[1].items[k]);
        (void)fputs("\n\n| swap | value | share | from | to (95 %) |\n| --- | ---: | ---: | ---: | ---: |\n",
                    out);
        put_rows(out, shapley, shapley->label[1].items[k], fields, 4);
    }
}

static void put_layers(FILE *out, const struct cp_report_table *layers, enum cp_tower tower) {
    char text[400] = "";
    struct cp_sentence worst = {text, sizeof text, 0};
    if (!layers->values)
        return;
    cp_append_worst_layer(&worst, layers, tower);
    (void)fprintf(out, "\n## One layer at a time: %s tower\n\nRelative L2 error of the features; ",
                  tower == CP_VISUAL ? "image" : "text");
    cp_put_markdown(out, text);
    (void)fputs(".\n\n| swap", out);
    for (size_t layer = 0; layer < layers->shape[1]; layer++)
        (void)fprintf(out, " | %zu", layer);
    (void)fputs(" |\n| ---", out);
    for (size_t layer = 0; layer < layers->shape[1]; layer++)
        (void)fputs(" | ---:", out);
    (void)fputs(" |\n", out);
    for (size_t i = 0; i < layers->shape[0]; i++) {
        (void)fputs("| ", out);
        cp_put_markdown(out, layers->label[0].items[i]);
        for (size_t layer = 0; layer < layers->shape[1]; layer++)
            cp_md_number(out, layers->values[i * layers->shape[1] + layer]);
        (void)fputs(" |\n", out);
    }
}

void cp_md_attribution(FILE *out, const struct cp_report *r) {
    if (r->effects.values)
        put_effects(out, &r->effects);
    if (r->shapley.values)
        put_shapley(out, &r->shapley);
    for (int tower = CP_VISUAL; tower <= CP_TEXT; tower++)
        put_layers(out, &r->layers[tower], (enum cp_tower)tower);
}
