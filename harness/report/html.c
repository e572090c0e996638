/* SPDX-License-Identifier: GPL-3.0-or-later
 * The report as one self-contained page: no script, no request, so that it can be mailed, archived and
 * printed. Charts are SVG, written here. */
#include "report/report.h"

#include <math.h>
#include <string.h>

/* Chart geometry, in SVG units. */
enum { WIDTH = 1040, LEFT = 56, PLOT = WIDTH - LEFT - 8, TOP = 18, HEIGHT = 240, BOTTOM = 22, CELL = 22 };

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1d2733;--soft:#5b6875;--line:#d7dde3;--paper:#fff;--card:#f5f7f9;"
    "--semantic:#c8374a;--candidate:#0b7a75;--baseline:#8a6d3b;--identical:#b6c1cb;--degraded:#e08e1b;"
    "--equivalent:#2f9e78;--inconclusive:#8796a5;--nonfinite:#111}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6ebf0;--soft:#9aa8b5;--line:#33404d;--paper:#12181f;"
    "--card:#1a222b;--semantic:#ff6b7d;--candidate:#4fd1c5;--baseline:#d9b26f;--identical:#445160;"
    "--nonfinite:#fff}}"
    "body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1080px;"
    "margin:2rem auto;padding:0 1rem}h1{font-size:1.7rem;margin:0}h2{margin:2.2rem 0 .4rem;font-size:1.2rem}"
    "h3{margin:1.4rem 0 .2rem;font-size:1rem}.soft,figcaption{color:var(--soft);font-size:.85rem}"
    ".answer{background:var(--card);border-left:4px solid var(--semantic);padding:.7rem 1rem;margin:.6rem 0}"
    ".answer.same{border-color:var(--equivalent)}figure{margin:0;overflow-x:auto}"
    "svg{width:100%;min-width:640px;height:auto;display:block}svg text{font-size:11px;fill:var(--soft)}"
    ".grid{stroke:var(--line)}.plot{fill:none;stroke-width:1.6}.total{stroke:var(--ink);stroke-width:1}"
    ".semantic{stroke:var(--semantic);stroke-width:5;opacity:.75}.rounding{stroke:var(--candidate)}"
    ".rounding_baseline{stroke:var(--baseline);stroke-dasharray:4 3}.dot{fill:var(--ink)}"
    ".v-unmatched,.v-nonfinite{fill:var(--nonfinite)}.v-identical{fill:var(--identical)}"
    ".v-semantic{fill:var(--semantic)}.v-degraded{fill:var(--degraded)}.v-equivalent{fill:var(--equivalent)}"
    ".v-inconclusive{fill:var(--inconclusive)}table{border-collapse:collapse;font-size:.85rem;width:100%}"
    "td,th{padding:.15rem .5rem;text-align:right;border-bottom:1px solid var(--line)}"
    "td:first-child,th:first-child,td.word,th.word{text-align:left}thead th{position:sticky;top:0;"
    "background:var(--paper)}summary{cursor:pointer;padding:.3rem 0}details{overflow-x:auto}"
    "pre{overflow-x:auto;background:var(--card);padding:.8rem;font-size:.8rem}"
    ".key span{margin-right:1rem}.key i{display:inline-block;width:1.4em;height:.7em;margin-right:.35em}"
    "@media print{body{max-width:none;margin:0}details>*{display:block}.answer{break-inside:avoid}}";

static void put_text(FILE *out, const char *text) {
    for (; *text; text++)
        switch (*text) {
        case '&':
            (void)fputs("&amp;", out);
            break;
        case '<':
            (void)fputs("&lt;", out);
            break;
        case '>':
            (void)fputs("&gt;", out);
            break;
        case '"':
            (void)fputs("&quot;", out);
            break;
        default:
            (void)fputc(*text, out);
        }
}

static void put_number(FILE *out, double value) {
    if (isnan(value))
        (void)fputs("&ndash;", out);
    else if (value == 0)
        (void)fputc('0', out);
    else
        (void)fprintf(out, "%.2e", value);
}

static const char *verdict_name(const struct cp_report_tap *tap, enum cp_verdict_field field) {
    return cp_verdict_names[(int)tap->verdict[field]];
}

/* ---- error over depth ---- */

struct axis {
    int low, high; /* powers of ten */
};

static struct axis axis_of(const struct cp_report_candidate *c) {
    double low = INFINITY, high = 0;
    for (size_t t = 0; t < c->taps; t++)
        for (int part = 0; part < CP_PART_COUNT; part++) {
            const double value = c->tap[t].over_inputs.mean_rel[part];
            if (value > 0 && isfinite(value)) {
                low = value < low ? value : low;
                high = value > high ? value : high;
            }
        }
    if (high == 0)
        return (struct axis){-8, 0};
    low = low < 1e-18 ? 1e-18 : low;
    const int bottom = (int)floor(log10(low)), top = (int)ceil(log10(high));
    return (struct axis){bottom, top > bottom ? top : bottom + 1};
}

static double x_of(const struct cp_report_candidate *c, size_t tap) {
    return LEFT + PLOT * ((double)tap + 0.5) / (double)c->taps;
}

static double y_of(struct axis axis, double value) {
    const double at = (log10(value) - axis.low) / (axis.high - axis.low);
    return TOP + HEIGHT * (1 - (at < 0 ? 0 : at));
}

static void put_axes(FILE *out, const struct cp_report_candidate *c, struct axis axis) {
    static const char *const towers[] = {"image tower", "text tower", "joint"};
    const int step = (axis.high - axis.low + 7) / 8;
    for (int power = axis.low; power <= axis.high; power += step) {
        const double y = y_of(axis, pow(10, power));
        (void)fprintf(out,
                      "<line class=grid x1=%d x2=%d y1=%.1f y2=%.1f /><text x=%d y=%.1f "
                      "text-anchor=end>1e%d</text>",
                      LEFT, LEFT + PLOT, y, y, LEFT - 6, y + 4, power);
    }
    for (size_t t = 0; t < c->taps; t++)
        if (t == 0 || c->tap[t].tower != c->tap[t - 1].tower) {
            const double x = x_of(c, t) - 0.5 * PLOT / (double)c->taps;
            (void)fprintf(out, "<line class=grid x1=%.1f x2=%.1f y1=4 y2=%d /><text x=%.1f y=13>%s</text>", x,
                          x, TOP + HEIGHT, x + 4, towers[c->tap[t].tower]);
        }
}

/* A line is broken where a tower ends and where there is nothing: identical bits have no place on a log axis.
 */
static void put_series(FILE *out, const struct cp_report_candidate *c, struct axis axis, int part) {
    bool open = false;
    (void)fprintf(out, "<path class=\"plot %s\" d=\"", cp_part_names[part]);
    for (size_t t = 0; t < c->taps; t++) {
        const double value = c->tap[t].over_inputs.mean_rel[part];
        const bool there = value > 0 && isfinite(value);
        open = open && there && c->tap[t].tower == c->tap[t - 1].tower;
        if (there)
            (void)fprintf(out, "%c%.1f %.1f", open ? 'L' : 'M', x_of(c, t), y_of(axis, value));
        open = there;
    }
    (void)fputs("\"/>", out);
}

static void put_dots(FILE *out, const struct cp_report_candidate *c, struct axis axis) {
    for (size_t t = 0; t < c->taps; t++) {
        const struct cp_report_tap *tap = &c->tap[t];
        if (!(tap->over_inputs.mean_rel[CP_TOTAL] > 0) || !isfinite(tap->over_inputs.mean_rel[CP_TOTAL]))
            continue;
        (void)fprintf(out, "<circle class=dot r=2.2 cx=%.1f cy=%.1f><title>", x_of(c, t),
                      y_of(axis, tap->over_inputs.mean_rel[CP_TOTAL]));
        put_text(out, tap->address);
        for (int part = 0; part < CP_PART_COUNT; part++)
            (void)fprintf(out, "&#10;%s %.2e", cp_part_names[part], tap->over_inputs.mean_rel[part]);
        (void)fputs("</title></circle>", out);
    }
}

static void put_growth(FILE *out, const struct cp_report_candidate *c) {
    const struct axis axis = axis_of(c);
    (void)fputs("<h3>", out);
    put_text(out, c->name);
    (void)fprintf(out, "</h3><figure><svg viewBox=\"0 0 %d %d\" role=img aria-label=\"Error over depth of ",
                  WIDTH, TOP + HEIGHT + BOTTOM);
    put_text(out, c->name);
    (void)fputs("\">", out);
    put_axes(out, c, axis);
    for (int part = CP_PART_COUNT - 1; part >= 0; part--)
        put_series(out, c, axis, part);
    put_dots(out, c, axis);
    (void)fputs("</svg></figure>\n", out);
}

/* ---- verdicts ---- */

static void put_matrix(FILE *out, const struct cp_report *r) {
    (void)fprintf(
        out,
        "<figure><svg viewBox=\"0 0 %d %zu\" role=img aria-label=\"Verdict of each candidate at each tap\">",
        WIDTH, 4 + (CELL + 18) * r->candidates);
    for (size_t i = 0; i < r->candidates; i++) {
        const struct cp_report_candidate *c = &r->candidate[i];
        const size_t y = 14 + (CELL + 18) * i;
        (void)fprintf(out, "<text x=%d y=%zu>", LEFT, y - 3);
        put_text(out, c->name);
        (void)fputs("</text>", out);
        for (size_t t = 0; t < c->taps; t++) {
            const double width = (double)PLOT / (double)c->taps;
            (void)fprintf(out, "<rect class=v-%s x=%.2f y=%zu width=%.2f height=%d><title>",
                          verdict_name(&c->tap[t], CP_FIELD_VERDICT), LEFT + width * (double)t, y,
                          width * 0.92, CELL);
            put_text(out, c->tap[t].address);
            (void)fprintf(out, ": %s; rounding %s</title></rect>", verdict_name(&c->tap[t], CP_FIELD_VERDICT),
                          verdict_name(&c->tap[t], CP_FIELD_ROUNDING));
        }
    }
    (void)fputs("</svg></figure><p class=\"key soft\">", out);
    for (int v = CP_NONFINITE_VERDICT; v < CP_VERDICT_COUNT; v++)
        (void)fprintf(out, "<span><i style=\"background:var(--%s)\"></i>%s</span>", cp_verdict_names[v],
                      cp_verdict_names[v]);
    (void)fputs("</p>\n", out);
}

static void put_ratio(FILE *out, const double *v) {
    if (isnan(v[CP_FIELD_LOW]))
        (void)fprintf(out, "<td>%.3g", v[CP_FIELD_RATIO]);
    else
        (void)fprintf(out, "<td>%.3g (%.3g to %.3g)", v[CP_FIELD_RATIO], v[CP_FIELD_LOW], v[CP_FIELD_HIGH]);
}

static void put_taps(FILE *out, const struct cp_report_candidate *c) {
    (void)fputs("<details><summary>", out);
    put_text(out, c->name);
    (void)fprintf(
        out,
        ": all %zu taps</summary><table><thead><tr><th>tap<th class=word>verdict<th class=word>rounding"
        "<th>total<th>worst token<th>semantic<th>rounding C<th>rounding B<th>ratio C / B<th>max ULP"
        "</thead>\n",
        c->taps);
    for (size_t t = 0; t < c->taps; t++) {
        const struct cp_report_tap *tap = &c->tap[t];
        (void)fputs("<tr><td>", out);
        put_text(out, tap->address);
        (void)fprintf(out, "<td class=word>%s<td class=word>%s<td>", verdict_name(tap, CP_FIELD_VERDICT),
                      verdict_name(tap, CP_FIELD_ROUNDING));
        put_number(out, tap->over_inputs.mean_rel[CP_TOTAL]);
        (void)fputs("<td>", out);
        put_number(out, tap->over_inputs.worst_token);
        for (int part = CP_SEMANTIC; part < CP_PART_COUNT; part++) {
            (void)fputs("<td>", out);
            put_number(out, tap->over_inputs.mean_rel[part]);
        }
        put_ratio(out, tap->verdict);
        (void)fprintf(out, "<td>%.0f\n", tap->over_inputs.ulp_max);
    }
    (void)fputs("</table></details>\n", out);
}

/* ---- decisions ---- */

static void put_column(FILE *out, const struct cp_report *r, double column) {
    (void)fputs("<td class=word>", out);
    if (column >= 0 && column < (double)r->columns.count)
        put_text(out, r->columns.items[(size_t)column]);
    else
        (void)fprintf(out, "%.0f", column);
}

static void put_changed(FILE *out, const struct cp_report *r, const struct cp_report_candidate *c) {
    const struct cp_decisions *d = &c->counts;
    (void)fputs("<details><summary>", out);
    put_text(out, c->name);
    (void)fprintf(out, ": %zu of %zu decisions change; KL mean %.2e, worst %.2e</summary>", d->flips,
                  d->images, d->kl_mean, d->kl_worst);
    (void)fputs(
        "<table><thead><tr><th>image<th class=word>baseline<th class=word>candidate<th class=word>label"
        "<th>margin before<th>max |dp|<th>KL</thead>\n",
        out);
    for (size_t i = 0; i < d->images; i++) {
        const double *row = c->decisions + i * CP_DECISION_COUNT;
        if (row[CP_FLIP] == 0)
            continue;
        (void)fputs("<tr><td>", out);
        put_text(out, r->images.items[i]);
        put_column(out, r, row[CP_TOP1_REFERENCE]);
        put_column(out, r, row[CP_TOP1]);
        put_column(out, r, r->labels ? (double)r->labels[i] : NAN);
        (void)fprintf(out, "<td>%.2e<td>%.2e<td>%.2e\n", row[CP_MARGIN], row[CP_MAX_DP], row[CP_KL]);
    }
    (void)fputs("</table></details>\n", out);
}

/* ---- the page ---- */

static void put_head(FILE *out, const struct cp_report *r) {
    (void)fputs(
        "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content=\"width=device-width\">"
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        "<title>",
        out);
    put_text(out, r->name);
    (void)fprintf(out, "</title><style>%s</style></head>\n<body><h1>", style);
    put_text(out, r->name);
    (void)fputs("</h1>", out);
    if (r->hypothesis) {
        (void)fputs("<p class=soft>Hypothesis: ", out);
        put_text(out, r->hypothesis);
        (void)fputs("</p>\n", out);
    }
}

static void put_answers(FILE *out, const struct cp_report *r) {
    for (size_t i = 0; i < r->candidates; i++) {
        const struct cp_report_candidate *c = &r->candidate[i];
        char text[CP_REPORT_ANSWER];
        bool same = true;
        for (int tower = CP_VISUAL; tower <= CP_JOINT; tower++)
            same = same && !cp_report_first(c, (enum cp_tower)tower);
        cp_report_answer(c, text, sizeof text);
        (void)fprintf(out, "<p class=\"answer%s\">",
                      same && !cp_report_rounding(c, CP_DEGRADED) ? " same" : "");
        put_text(out, text);
        (void)fputs("</p>\n", out);
    }
}

static void put_provenance(FILE *out, const struct cp_report *r) {
    (void)fputs("<h2>Provenance</h2><table>", out);
    for (size_t f = 0; f < r->facts; f++) {
        (void)fprintf(out, "<tr><td>%s<td class=word>", r->fact[f].name);
        put_text(out, r->fact[f].value);
    }
    (void)fputs("</table><details><summary>the resolved experiment and its specs</summary><pre>", out);
    put_text(out, r->experiment);
    (void)fputs("</pre></details></body></html>\n", out);
}

void cp_report_html(const struct cp_report *r, FILE *out) {
    put_head(out, r);
    put_answers(out, r);
    (void)fputs("<h2>Error over depth</h2><p class=\"key soft\"><span><i "
                "style=\"background:var(--ink)\"></i>total</span>"
                "<span><i style=\"background:var(--semantic)\"></i>semantic: other maths</span>"
                "<span><i style=\"background:var(--candidate)\"></i>rounding of the candidate</span>"
                "<span><i style=\"background:var(--baseline)\"></i>rounding of the baseline</span></p>\n",
                out);
    for (size_t i = 0; i < r->candidates; i++)
        put_growth(out, &r->candidate[i]);
    (void)fputs("<p class=soft>Relative L2 error, mean over inputs, tap by tap in order of execution; no "
                "line: identical "
                "bits.</p><h2>Verdicts</h2>\n",
                out);
    put_matrix(out, r);
    for (size_t i = 0; i < r->candidates; i++)
        put_taps(out, &r->candidate[i]);
    if (r->candidate[0].counts.images)
        (void)fputs("<h2>Decisions</h2>\n", out);
    for (size_t i = 0; i < r->candidates; i++)
        if (r->candidate[i].counts.images)
            put_changed(out, r, &r->candidate[i]);
    put_provenance(out, r);
}
