/* SPDX-License-Identifier: GPL-3.0-or-later
 * An attribution in the table at the end of a run. */
#include "analysis/attribution/attribution.h"

#include "base/escape.h"
#include "run/layerwise.h"

#include <math.h>
#include <stdlib.h>

/* ---- the factorial ---- */

/* Of one input there is no interval. */
static void print_interval(double low, double high, FILE *out) {
    char text[40] = "-";
    if (isfinite(low) && isfinite(high))
        (void)snprintf(text, sizeof text, "[%10.3g, %10.3g]", low, high);
    cp_print(out, "  %24s", text);
}

static void print_effect(const char *name, const double *field, FILE *out) {
    cp_print(out, "  %-38.38s%12.3g", name, field[CP_EFFECT_MEAN]);
    print_interval(field[CP_EFFECT_LOW], field[CP_EFFECT_HIGH], out);
    (void)fputc('\n', out);
}

/* Main effects and interactions of two; of the others the largest. */
static enum cp_status print_effects(const struct cp_lockstep *ls, const struct cp_attribution *a,
                                    size_t response, FILE *out, struct cp_error *err) {
    double fields[CP_RESPONSES * CP_EFFECT_FIELDS];
    const double *field = fields + response * CP_EFFECT_FIELDS;
    size_t most = 0, higher = 0;
    double largest = -1;
    cp_print(out, "\n  %-38s%12s  %24s\n", "effect", cp_response_names[response], "95 % interval");
    for (size_t e = 0; e < a->effects; e++) {
        CP_TRY(cp_result_read(ls->result, a->effect_handle, e, 1, fields, err));
        if (cp_set_size(a->sets[e]) <= 2) {
            print_effect(a->name[e], field, out);
            continue;
        }
        higher++;
        if (fabs(field[CP_EFFECT_MEAN]) > largest) {
            most = e;
            largest = fabs(field[CP_EFFECT_MEAN]);
        }
    }
    if (!(largest >= 0))
        return CP_OK;
    CP_TRY(cp_result_read(ls->result, a->effect_handle, most, 1, fields, err));
    print_effect(a->name[most], field, out);
    if (higher > 1)
        (void)fprintf(out, "  (the largest of %zu interactions of more than two)\n", higher);
    return CP_OK;
}

/* In percent; "-" where the swaps together change nothing. */
static void print_share(const char *name, const double *field, FILE *out) {
    char share[20] = "-";
    if (isfinite(field[CP_SHAPLEY_SHARE]))
        (void)snprintf(share, sizeof share, "%.1f %%", 100 * field[CP_SHAPLEY_SHARE]);
    cp_print(out, "  %-38.38s%12s", name, share);
    print_interval(100 * field[CP_SHAPLEY_SHARE_LOW], 100 * field[CP_SHAPLEY_SHARE_HIGH], out);
    (void)fputc('\n', out);
}

static enum cp_status print_shapley(const struct cp_lockstep *ls, const struct cp_attribution *a,
                                    size_t response, FILE *out, struct cp_error *err) {
    const struct cp_experiment *e = ls->study->experiment;
    cp_print(out, "\n  %-38s%12s  %24s\n", "Shapley share", cp_response_names[response], "95 % interval");
    for (size_t f = 0; f < e->factor_count; f++) {
        double fields[CP_RESPONSES * CP_SHAPLEY_FIELDS];
        CP_TRY(cp_result_read(ls->result, a->shapley_handle, f, 1, fields, err));
        print_share(e->factors[f].name, fields + response * CP_SHAPLEY_FIELDS, out);
    }
    return CP_OK;
}

static enum cp_status print_factorial(const struct cp_lockstep *ls, const struct cp_attribution *a, FILE *out,
                                      struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const enum cp_tower tower = study->inputs.images ? CP_VISUAL : CP_TEXT;
    cp_print(out,
             "\nfactorial of %zu swaps; squared_error: squared relative L2 at %s\n"
             "(adds up where errors are orthogonal); dp_top1: change of the top-1 probability\n",
             study->experiment->factor_count, study->sites.list[cp_attribution_site(study, tower)].name);
    for (size_t response = 0; response < a->responses; response++)
        CP_TRY(print_effects(ls, a, response, out, err));
    for (size_t response = 0; response < a->responses; response++)
        CP_TRY(print_shapley(ls, a, response, out, err));
    return CP_OK;
}

/* ---- layers ---- */

enum { COLUMNS = 4 };

static void print_value(double value, FILE *out) {
    if (isnan(value))
        cp_print(out, "%18s", "-");
    else if (value == 0)
        cp_print(out, "%18s", "0");
    else
        (void)fprintf(out, "%18.2e", value);
}

/* values: (component, layer); a row for each layer, COLUMNS components beside one another. */
static void print_heat(const struct cp_study *study, enum cp_tower tower, const double *values, FILE *out) {
    const struct cp_candidate *layerwise = &study->experiment->layerwise;
    const size_t layers = cp_layerwise_layers(study, tower);
    for (size_t first = 0; first < layerwise->count; first += COLUMNS) {
        const size_t end = first + COLUMNS < layerwise->count ? first + COLUMNS : layerwise->count;
        cp_print(out, first ? "\n%-8s" : "%-8s", cp_tower_words[tower].name);
        for (size_t i = first; i < end; i++) {
            char name[2 * CP_NAME_MAX];
            (void)snprintf(name, sizeof name, "%s=%s", layerwise->settings[i].address,
                           layerwise->settings[i].value);
            cp_print(out, " %17.17s", name);
        }
        for (size_t layer = 0; layer < layers; layer++) {
            (void)fprintf(out, "\n%8zu", layer);
            for (size_t i = first; i < end; i++)
                print_value(values[i * layers + layer], out);
        }
    }
    (void)fputc('\n', out);
}

static enum cp_status print_layers(const struct cp_lockstep *ls, enum cp_tower tower, int handle, FILE *out,
                                   struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const size_t rows = study->experiment->layerwise.count;
    double *values = malloc(rows * cp_layerwise_layers(study, tower) * sizeof *values);
    CP_TRY(CP_CHECK_ALLOC(values, err, "", "the table"));
    const enum cp_status status = cp_result_read(ls->result, handle, 0, rows, values, err);
    if (status == CP_OK) {
        cp_print(out, "\nrelative L2 at %s by a swap in one layer\n",
                 study->sites.list[cp_attribution_site(study, tower)].name);
        print_heat(study, tower, values, out);
    }
    free(values);
    return status;
}

enum cp_status cp_attribution_print(const struct cp_lockstep *ls, FILE *out, struct cp_error *err) {
    const struct cp_attribution *a = cp_lockstep_state(ls, &cp_attribution_analysis);
    if (a->effects)
        CP_TRY(print_factorial(ls, a, out, err));
    for (enum cp_tower tower = CP_VISUAL; tower <= CP_TEXT; tower++)
        if (a->layer_handle[tower] >= 0)
            CP_TRY(print_layers(ls, tower, a->layer_handle[tower], out, err));
    return CP_OK;
}
