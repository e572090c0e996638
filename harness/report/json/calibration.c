/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of activations, the one-line answer or why there is none, and the same as a JSON object. */
#include "report/json/calibration.h"

#include "base/escape.h"

#include <math.h>

/* ---- text ---- */

static const char *scale_words(const struct cp_fitted_scale *scale, char words[32]) {
    if (!scale->found)
        return "none";
    if (isnan(scale->error))
        (void)snprintf(words, 32, "%.4f", scale->log_scale);
    else
        (void)snprintf(words, 32, "%.4f +- %.4f", scale->log_scale, scale->error);
    return words;
}

static void print_activation(const struct cp_calibration *k, int a, FILE *out) {
    char interval[64] = "";
    if (a != (int)k->best)
        (void)snprintf(interval, sizeof interval, "%.2g [%.2g, %.2g]", k->above[a], k->low[a], k->high[a]);
    cp_print(out, "  %-5s %7.2f %%  %-18s %10.6f  ", cp_config_activation_names[a], 100 * k->accuracy[a],
             scale_words(&k->scale[a], (char[32]){0}), k->loss[a]);
    if (!k->has_gradient)
        cp_print(out, "%s\n", interval);
    else if (a == (int)k->best)
        cp_print(out, "%-29s%9.2e  least\n", interval, k->gradient[a]);
    else
        cp_print(out, "%-29s%9.2e %6.1f\n", interval, k->gradient[a], k->gradient_z[a]);
}

void cp_calibration_text(const struct cp_calibration *k, FILE *out) {
    cp_print(out, "\ncalibration    %zu images, %s\n", k->images,
             k->labelled ? "labelled" : "each with its prompt");
    cp_print(out, "  %-5s %9s  %-18s %10s  %-*s%s\n", "", "accuracy", "logit_scale", "loss",
             k->has_gradient ? 29 : 0, "above the best, 95 %", k->has_gradient ? "gradient^2      z" : "");
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++)
        print_activation(k, a, out);
    (void)fprintf(out, "  logit_scale: where the loss is least; stored: %.4f\n", k->stored_scale);
}

static const char *named(const struct cp_calibration *k) {
    if (k->best == CP_CONFIG_QUICK)
        return "quick";
    const enum cp_config_activation other = k->best == CP_CONFIG_ERF ? CP_CONFIG_TANH : CP_CONFIG_ERF;
    return k->excluded[other] ? cp_config_activation_names[k->best] : "erf or tanh";
}

enum { WORDS = 192 };

/* Why no activation is named. */
static const char *why_not(const struct cp_calibration *k, char why[WORDS]) {
    const char *best = cp_config_activation_names[k->best];
    switch (k->doubt) {
    case CP_DOUBT_CHANCE:
        (void)snprintf(why, WORDS, "accuracy %.1f %% (at least %.1f %%) is not clearly above chance, %.1f %%",
                       100 * k->accuracy[k->best], 100 * k->accuracy_low, 100 * k->chance);
        break;
    case CP_DOUBT_FEW:
        (void)snprintf(why, WORDS, "too few images, %d are needed", CP_GRADIENT_TEST_LEAST);
        break;
    case CP_DOUBT_SCALE:
        (void)snprintf(
            why, WORDS,
            "the loss is least at logit_scale %.3f, not at the stored %.3f: these weights were not "
            "trained on data and labels like these, or the scale was changed",
            k->scale[k->best].log_scale, k->stored_scale);
        break;
    case CP_DOUBT_GRADIENT:
        (void)snprintf(why, WORDS,
                       "gradient^2 is %.0f times what another activation changes: these weights are at no "
                       "minimum of their loss on data like these",
                       k->worst_rest);
        break;
    case CP_DOUBT_LOSS:
        (void)snprintf(why, WORDS, "%s has the least gradient, and the loss does not confirm it", best);
        break;
    default:
        (void)snprintf(why, WORDS, "%s is likelier, with confidence %.1f %% only", best,
                       100 * k->named_confidence);
    }
    return why;
}

void cp_calibration_answer(const struct cp_calibration *k, FILE *out) {
    char why[WORDS];
    if (k->doubt == CP_DOUBT_NONE)
        cp_print(out,
                 "               calibration says  %s, with confidence %.1f %% against chance, if these\n"
                 "                                 weights were trained to a minimum of their loss on data\n"
                 "                                 and labels like these\n",
                 named(k), 100 * k->named_confidence);
    else
        cp_print(out, "               calibration       cannot tell: %s\n", why_not(k, why));
}

/* ---- JSON ---- */

static void json_scale(struct cp_json_writer *json, const struct cp_fitted_scale *scale) {
    cp_json_number(json, "logit_scale", scale->found ? scale->log_scale : NAN);
    cp_json_number(json, "logit_scale_error", scale->found ? scale->error : NAN);
}

static void json_rival(struct cp_json_writer *json, const struct cp_calibration *k, int a) {
    cp_json_number(json, "above", k->above[a]);
    cp_json_number(json, "low", k->low[a]);
    cp_json_number(json, "high", k->high[a]);
    cp_json_number(json, "gradient_z", k->has_gradient ? k->gradient_z[a] : NAN);
    cp_json_number(json, "gradient_rest", k->has_gradient ? k->rest[a] : NAN);
    cp_json_number(json, "confidence", k->has_gradient ? k->confidence[a] : NAN);
}

void cp_calibration_json(const struct cp_calibration *k, struct cp_json_writer *json) {
    char why[WORDS];
    const bool says = k->doubt == CP_DOUBT_NONE;
    cp_json_open(json, "calibration", '{');
    cp_json_count(json, "images", k->images);
    cp_json_bool(json, "labelled", k->labelled);
    cp_json_number(json, "accuracy_low", k->accuracy_low);
    cp_json_number(json, "chance", k->chance);
    cp_json_number(json, "stored_logit_scale", k->stored_scale);
    cp_json_open(json, "activations", '{');
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++) {
        cp_json_open(json, cp_config_activation_names[a], '{');
        cp_json_number(json, "loss", k->loss[a]);
        cp_json_number(json, "accuracy", k->accuracy[a]);
        json_scale(json, &k->scale[a]);
        cp_json_number(json, "gradient_squared", k->has_gradient ? k->gradient[a] : NAN);
        if (a != (int)k->best)
            json_rival(json, k, a);
        cp_json_close(json, '}');
    }
    cp_json_close(json, '}');
    cp_json_text(json, "best", cp_config_activation_names[k->best]);
    cp_json_text(json, "says", says ? named(k) : NULL);
    cp_json_text(json, "cannot_tell", says ? NULL : why_not(k, why));
    cp_json_text(json, "premise",
                 says ? "trained to a minimum of their loss on data and labels like these" : NULL);
    cp_json_number(json, "confidence", k->has_gradient ? k->named_confidence : NAN);
    cp_json_close(json, '}');
}
