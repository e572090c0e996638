/* SPDX-License-Identifier: GPL-3.0-or-later
 * Everything a report knows, for programs: data/schema/report-1.json, explained in docs/report-json.md. */
#include "report/json/json.h"
#include "report/data/form.h"
#include "report/data/words.h"

#include <math.h>

static void put_texts(struct cp_json_writer *j, const char *name, const struct cp_reader_texts *texts) {
    cp_json_open(j, name, '[');
    for (size_t i = 0; i < texts->count; i++)
        cp_json_text(j, NULL, texts->items[i]);
    cp_json_close(j, ']');
}

static void put_inputs(struct cp_json_writer *j, const struct cp_report *r) {
    cp_json_open(j, "inputs", '{');
    put_texts(j, "images", &r->images);
    put_texts(j, "prompts", &r->prompts);
    put_texts(j, "classes", &r->classes);
    if (r->labels) {
        cp_json_open(j, "labels", '[');
        for (size_t i = 0; i < r->images.count; i++)
            cp_json_number(j, NULL, r->labels[i]);
        cp_json_close(j, ']');
    } else {
        cp_json_null(j, "labels");
    }
    cp_json_count(j, "thumbnails", r->thumbnails);
    cp_json_count(j, "thumbnail_side", r->thumbnail_side);
    cp_json_close(j, '}');
}

static void put_first(struct cp_json_writer *j, const struct cp_report_candidate *c) {
    cp_json_open(j, "first_divergence", '{');
    for (int tower = CP_VISUAL; tower <= CP_JOINT; tower++) {
        const struct cp_report_tap *tap = cp_report_first(c, (enum cp_tower)tower);
        cp_json_text(j, cp_tower_names[tower], tap ? tap->name : NULL);
    }
    cp_json_close(j, '}');
}

static void put_propagation(struct cp_json_writer *j, const struct cp_report_candidate *c) {
    if (c->stages == 0) {
        cp_json_null(j, "propagation");
        return;
    }
    cp_json_open(j, "propagation", '[');
    for (size_t s = 0; s < c->stages; s++) {
        cp_json_open(j, NULL, '{');
        cp_json_text(j, "segment", c->stage[s].name);
        for (int f = 0; f < CP_PROPAGATION_FIELDS; f++)
            cp_json_number(j, cp_propagation_names[f], c->stage[s].field[f]);
        cp_json_close(j, '}');
    }
    cp_json_close(j, ']');
}

static void put_pixel_growth(struct cp_json_writer *j, const struct cp_report_candidate *c) {
    const struct cp_report_growth g = cp_report_growth(c);
    if (!g.features) {
        cp_json_null(j, "pixel_growth");
        return;
    }
    cp_json_open(j, "pixel_growth", '{');
    cp_json_number(j, "image_features", g.features->over_inputs.mean_rel[CP_TOTAL]);
    cp_json_number(j, "chance", g.chance);
    cp_json_open(j, "steps", '[');
    for (size_t i = 0; i < g.steps; i++) {
        cp_json_open(j, NULL, '{');
        cp_json_text(j, "tap", g.step[i]->name);
        cp_json_number(j, "relative_l2", g.step[i]->over_inputs.mean_rel[CP_TOTAL]);
        cp_json_number(j, "times", g.times[i]);
        cp_json_close(j, '}');
    }
    cp_json_close(j, ']');
    cp_json_close(j, '}');
}

static void put_images(struct cp_json_writer *j, const struct cp_report_candidate *c) {
    cp_json_open(j, "images", '[');
    for (size_t i = 0; i < c->counts.images; i++) {
        cp_json_open(j, NULL, '{');
        for (int d = 0; d < CP_DECISION_COUNT; d++)
            cp_json_number(j, cp_decision_names[d], c->decisions[i * CP_DECISION_COUNT + (size_t)d]);
        cp_json_close(j, '}');
    }
    cp_json_close(j, ']');
}

static void put_decisions(struct cp_json_writer *j, const struct cp_report_candidate *c) {
    const struct cp_decisions *d = &c->counts;
    if (d->images == 0) {
        cp_json_null(j, "decisions");
        return;
    }
    cp_json_open(j, "decisions", '{');
    cp_json_count(j, "count", d->images);
    cp_json_count(j, "decided", d->decided);
    cp_json_count(j, "flips", d->flips);
    cp_json_number(j, "flip_low", d->flip_low);
    cp_json_number(j, "flip_high", d->flip_high);
    cp_json_number(j, "certified", c->certificates ? (double)d->certified : NAN);
    cp_json_number(j, "max_dp", d->max_dp);
    cp_json_number(j, "kl_mean", d->kl_mean);
    cp_json_number(j, "kl_worst", d->kl_worst);
    cp_json_number(j, "accuracy", d->accuracy);
    cp_json_number(j, "accuracy_baseline", d->accuracy_baseline);
    put_images(j, c);
    cp_json_close(j, '}');
}

static void put_candidate(struct cp_json_writer *j, const struct cp_report *r,
                          const struct cp_report_candidate *c) {
    char summary[CP_REPORT_SUMMARY];
    cp_report_summary(c, summary, sizeof summary);
    cp_json_open(j, NULL, '{');
    cp_json_text(j, "name", c->name);
    cp_json_text(j, "answer", summary);
    cp_json_bool(j, "judged", c->judged);
    cp_json_bool(j, "layerwise", c->layerwise);
    put_first(j, c);
    cp_json_causes(j, c);
    cp_json_open(j, "taps", '[');
    for (size_t t = 0; t < c->taps; t++)
        cp_json_tap(j, r, &c->tap[t]);
    cp_json_close(j, ']');
    put_propagation(j, c);
    put_pixel_growth(j, c);
    put_decisions(j, c);
    cp_json_close(j, '}');
}

static void put_provenance(struct cp_json_writer *j, const struct cp_report *r) {
    cp_json_open(j, "provenance", '{');
    for (size_t f = 0; f < r->facts; f++)
        cp_json_text(j, r->fact[f].name, r->fact[f].value);
    cp_json_text(j, "resolved", r->experiment);
    cp_json_close(j, '}');
}

static enum cp_status put_report(const struct cp_report *r, FILE *out, struct cp_error *err) {
    (void)err;
    struct cp_json_writer j = {out, true};
    cp_json_open(&j, NULL, '{');
    cp_json_text(&j, "schema", "clip-parity/report/1");
    cp_json_text(&j, "experiment", r->name);
    cp_json_text(&j, "hypothesis", r->hypothesis);
    put_inputs(&j, r);
    cp_json_open(&j, "candidates", '[');
    for (size_t c = 0; c < r->candidates; c++)
        put_candidate(&j, r, &r->candidate[c]);
    cp_json_close(&j, ']');
    cp_json_attribution(&j, r);
    put_provenance(&j, r);
    cp_json_close(&j, '}');
    (void)fputc('\n', out);
    return CP_OK;
}

const struct cp_report_form cp_report_form_json = {
    .option = "--json",
    .help = "everything, as JSON (docs/report-json.md)",
    .ending = ".json",
    .file = {"this program's JSON", "{\"schema\":\"clip-parity/report", NULL},
    .write = put_report};
