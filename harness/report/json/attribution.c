/* SPDX-License-Identifier: GPL-3.0-or-later
 * Effects, Shapley values and errors per layer as arrays of objects. */
#include "report/data/words.h"
#include "report/json/json.h"

#include <math.h>

/* A table of three axes as a list of objects: its first two labels by name, then the fields. */
static void put_rows(struct cp_json_writer *j, const char *name, const struct cp_report_table *table,
                     const char *first) {
    if (!table->values) {
        cp_json_null(j, name);
        return;
    }
    cp_json_open(j, name, '[');
    for (size_t i = 0; i < table->shape[0]; i++)
        for (size_t k = 0; k < table->shape[1]; k++) {
            const double *fields = table->values + (i * table->shape[1] + k) * table->shape[2];
            cp_json_open(j, NULL, '{');
            cp_json_text(j, first, table->label[0].items[i]);
            cp_json_text(j, "response", table->label[1].items[k]);
            for (size_t f = 0; f < table->shape[2]; f++)
                cp_json_number(j, table->label[2].items[f], fields[f]);
            cp_json_close(j, '}');
        }
    cp_json_close(j, ']');
}

/* Which factors each cell swaps. */
static void put_cells(struct cp_json_writer *j, const struct cp_report_table *cells) {
    if (!cells->values) {
        cp_json_null(j, "cells");
        return;
    }
    cp_json_open(j, "cells", '[');
    for (size_t c = 0; c < cells->shape[0]; c++) {
        cp_json_open(j, NULL, '{');
        cp_json_text(j, "candidate", cells->label[0].items[c]);
        cp_json_open(j, "factors", '[');
        for (size_t f = 0; f < cells->shape[1]; f++)
            if (cells->values[c * cells->shape[1] + f] != 0)
                cp_json_text(j, NULL, cells->label[1].items[f]);
        cp_json_close(j, ']');
        cp_json_close(j, '}');
    }
    cp_json_close(j, ']');
}

static void put_layers(struct cp_json_writer *j, const struct cp_report_table *table, const char *tower) {
    if (!table->values) {
        cp_json_null(j, tower);
        return;
    }
    cp_json_open(j, tower, '[');
    for (size_t i = 0; i < table->shape[0]; i++) {
        cp_json_open(j, NULL, '{');
        cp_json_text(j, "component", table->label[0].items[i]);
        cp_json_open(j, "relative_l2", '[');
        for (size_t layer = 0; layer < table->shape[1]; layer++)
            cp_json_number(j, NULL, table->values[i * table->shape[1] + layer]);
        cp_json_close(j, ']');
        cp_json_close(j, '}');
    }
    cp_json_close(j, ']');
}

void cp_json_attribution(struct cp_json_writer *j, const struct cp_report *r) {
    cp_json_open(j, "attribution", '{');
    put_rows(j, "effects", &r->effects, "effect");
    put_rows(j, "shapley", &r->shapley, "factor");
    put_cells(j, &r->cells);
    cp_json_open(j, "layers", '{');
    for (int tower = CP_VISUAL; tower <= CP_TEXT; tower++)
        put_layers(j, &r->layers[tower], cp_tower_names[tower]);
    cp_json_close(j, '}');
    cp_json_close(j, '}');
}
