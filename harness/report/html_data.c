/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the page's scripts work on, as JSON: by candidate a column of numbers for each quantity, tap by tap in
 * the order of the first candidate's taps. */
#include "base/base64.h"
#include "io/image_write.h"
#include "report/html.h"
#include "report/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { THUMBNAIL_BYTES = 900000 }; /* of all images together, in base64 */

static void put_key(FILE *out, const char *name) {
    (void)fprintf(out, ",\"%s\":", name);
}

static void put_texts(FILE *out, const char *name, const char *const *items, size_t count) {
    put_key(out, name);
    for (size_t i = 0; i < count; i++) {
        (void)fputc(i ? ',' : '[', out);
        cp_html_json_text(out, items[i]);
    }
    (void)fputs(count ? "]" : "[]", out);
}

/* ---- columns, tap by tap ---- */

typedef double (*column_of)(const struct cp_report *r, size_t c, const struct cp_report_tap *tap, int which);

static double part_of(const struct cp_report *r, size_t c, const struct cp_report_tap *tap, int part) {
    return (void)r, (void)c, tap->over_inputs.mean_rel[part];
}

static double verdict_of(const struct cp_report *r, size_t c, const struct cp_report_tap *tap, int field) {
    return (void)r, (void)c, tap->verdict[field];
}

static const struct cp_page_tap *page_tap(const struct cp_report *r, size_t c,
                                          const struct cp_report_tap *tap) {
    return &r->page->candidate[c].tap[tap - r->candidate[c].tap];
}

static double metric_of(const struct cp_report *r, size_t c, const struct cp_report_tap *tap, int metric) {
    return page_tap(r, c, tap)->metric[metric];
}

static double worst_input_of(const struct cp_report *r, size_t c, const struct cp_report_tap *tap,
                             int which) {
    return which ? page_tap(r, c, tap)->worst_relative : page_tap(r, c, tap)->worst_input;
}

static double local_part_of(const struct cp_report *r, size_t c, const struct cp_report_tap *tap, int part) {
    const struct cp_page_tap *page = page_tap(r, c, tap);
    return page->local ? page->local_relative[part] : NAN;
}

static double local_verdict_of(const struct cp_report *r, size_t c, const struct cp_report_tap *tap,
                               int field) {
    const struct cp_page_table *local = &r->page->candidate[c].local;
    return local->values[(size_t)(tap - r->candidate[c].tap) * local->columns + (size_t)field];
}

/* [[a, a, ...], [b, b, ...], ...]: count columns. */
static void put_columns(FILE *out, const struct cp_report *r, size_t c, const char *name, column_of column,
                        int count) {
    put_key(out, name);
    for (int i = 0; i < count; i++) {
        (void)fputs(i ? ",[" : "[[", out);
        for (size_t t = 0; t < r->candidate[0].taps; t++) {
            const struct cp_report_tap *tap = cp_html_tap(r, c, t);
            (void)fputs(t ? "," : "", out);
            cp_html_json_number(out, tap ? column(r, c, tap, i) : NAN);
        }
        (void)fputc(']', out);
    }
    (void)fputc(']', out);
}

/* ---- lists of some taps, by the tap's number ---- */

/* Writes what a tap has as numbers in brackets; without any, nothing. */
typedef bool (*list_of)(FILE *out, const struct cp_page_tap *tap);

static bool put_histogram(FILE *out, const struct cp_page_tap *tap) {
    bool any = false;
    for (size_t b = 0; b < tap->bins; b++)
        if (tap->histogram[b] > 0) {
            (void)fprintf(out, "%c%zu,%.0f", any ? ',' : '[', b, tap->histogram[b]);
            any = true;
        }
    return any;
}

static bool put_worst(FILE *out, const struct cp_page_tap *tap) {
    for (size_t i = 0; i < tap->worst; i++) {
        (void)fprintf(out, "%c%zu,%zu,", i ? ',' : '[', tap->worst_of[i].image, tap->worst_of[i].token);
        cp_html_json_number(out, tap->worst_of[i].relative);
    }
    return tap->worst > 0;
}

static bool put_patches(FILE *out, const struct cp_page_tap *tap) {
    for (size_t i = 0; i < tap->patches; i++)
        (void)fprintf(out, "%c%zu,%zu", i ? ',' : '[', tap->patch[i].token, tap->patch[i].images);
    return tap->patches > 0;
}

static void put_lists(FILE *out, const struct cp_report *r, size_t c, const char *name, list_of list) {
    const char *comma = "";
    put_key(out, name);
    (void)fputc('{', out);
    for (size_t t = 0; t < r->candidate[0].taps; t++) {
        const struct cp_report_tap *tap = cp_html_tap(r, c, t);
        char *text = NULL;
        size_t size;
        FILE *memory = tap ? open_memstream(&text, &size) : NULL;
        const bool any = memory && list(memory, page_tap(r, c, tap));
        if (memory && fclose(memory) == 0 && any) {
            (void)fprintf(out, "%s\"%zu\":%s]", comma, t, text);
            comma = ",";
        }
        free(text);
    }
    (void)fputc('}', out);
}

static void put_candidate(FILE *out, const struct cp_report *r, size_t c) {
    (void)fputs(c ? ",\n{\"name\":" : "{\"name\":", out);
    cp_html_json_text(out, r->candidate[c].name);
    put_columns(out, r, c, "part", part_of, CP_PART_COUNT);
    put_columns(out, r, c, "verdict", verdict_of, CP_VERDICT_FIELDS);
    put_columns(out, r, c, "metric", metric_of, CP_METRIC_COUNT);
    put_columns(out, r, c, "worstInput", worst_input_of, 2);
    if (r->page->candidate[c].local.values) {
        put_columns(out, r, c, "localPart", local_part_of, CP_PART_COUNT);
        put_columns(out, r, c, "localVerdict", local_verdict_of, CP_VERDICT_FIELDS);
    }
    put_lists(out, r, c, "histogram", put_histogram);
    put_lists(out, r, c, "worst", put_worst);
    put_lists(out, r, c, "patches", put_patches);
    (void)fputc('}', out);
}

/* ---- images ---- */

static void mark_places(const struct cp_report *r, bool *needed) {
    for (size_t c = 0; c < r->candidates; c++) {
        const struct cp_report_candidate *candidate = &r->candidate[c];
        for (size_t t = 0; t < candidate->taps; t++) {
            const struct cp_page_tap *tap = &r->page->candidate[c].tap[t];
            for (size_t i = 0; i < tap->worst; i++)
                if (tap->worst_of[i].image < r->page->thumbnails)
                    needed[tap->worst_of[i].image] = true;
        }
        for (size_t i = 0; i < candidate->counts.images && i < r->page->thumbnails; i++)
            needed[i] = needed[i] || candidate->decisions[i * CP_DECISION_COUNT + CP_FLIP] != 0;
    }
}

/* One image as a data: URI; the characters it took. */
static size_t put_thumbnail(FILE *out, const struct cp_page *page, size_t image, const char *comma) {
    const size_t row = page->side * page->side * 3;
    uint8_t *rgb = malloc(row), *png = NULL;
    char *text = NULL;
    struct cp_error err = {0};
    size_t size = 0, written = 0;
    for (size_t i = 0; rgb && i < row; i++)
        rgb[i] = (uint8_t)page->thumbnail[image * row + i];
    if (rgb && cp_png_write(rgb, page->side, page->side, &png, &size, &err) == CP_OK)
        text = malloc(cp_base64_length(size) + 1);
    if (text) {
        cp_base64(png, size, text);
        (void)fprintf(out, "%s\"%zu\":\"data:image/png;base64,%s\"", comma, image, text);
        written = cp_base64_length(size);
    }
    free(text);
    free(png);
    free(rgb);
    return written;
}

static void put_thumbnails(FILE *out, const struct cp_report *r) {
    bool needed[CP_PAGE_THUMBNAILS] = {false};
    size_t written = 0;
    mark_places(r, needed);
    put_key(out, "thumbs");
    (void)fputc('{', out);
    for (size_t i = 0; i < r->page->thumbnails && written < THUMBNAIL_BYTES; i++)
        if (needed[i])
            written += put_thumbnail(out, r->page, i, written ? ",\n" : "");
    (void)fputc('}', out);
}

/* ---- the whole ---- */

static void put_numbers(FILE *out, const double *values, size_t count, size_t stride) {
    for (size_t i = 0; i < count; i++) {
        (void)fputc(i ? ',' : '[', out);
        cp_html_json_number(out, values[i * stride]);
    }
    (void)fputc(']', out);
}

static void put_noise(FILE *out, const struct cp_report *r) {
    const struct cp_page_table *bounds = &r->page->bounds;
    if (r->page->floor) {
        put_key(out, "floor");
        put_numbers(out, r->page->floor, r->candidate[0].taps, 1);
    }
    const int worst = cp_page_column(&bounds->column, "worst"),
              probable = cp_page_column(&bounds->column, "probable");
    if (!bounds->values || bounds->rows != r->candidate[0].taps || worst < 0 || probable < 0)
        return;
    put_key(out, "bounds");
    (void)fputs("{\"worst\":", out);
    put_numbers(out, bounds->values + worst, bounds->rows, bounds->columns);
    (void)fputs(",\"probable\":", out);
    put_numbers(out, bounds->values + probable, bounds->rows, bounds->columns);
    (void)fputc('}', out);
}

static void put_taps(FILE *out, const struct cp_report *r) {
    const struct cp_report_candidate *first = &r->candidate[0];
    put_key(out, "taps");
    for (size_t t = 0; t < first->taps; t++) {
        (void)fputc(t ? ',' : '[', out);
        cp_html_json_text(out, first->tap[t].name);
    }
    (void)fputs("],\"addresses\":", out);
    for (size_t t = 0; t < first->taps; t++) {
        (void)fputc(t ? ',' : '[', out);
        cp_html_json_text(out, first->tap[t].address);
    }
    (void)fputs("],\"towers\":", out);
    for (size_t t = 0; t < first->taps; t++)
        (void)fprintf(out, "%c%d", t ? ',' : '[', first->tap[t].tower);
    (void)fputc(']', out);
}

void cp_html_data(const struct cp_report *r, FILE *out) {
    (void)fputs("<script type=\"application/json\" id=data>{\"experiment\":", out);
    cp_html_json_text(out, r->name);
    put_key(out, "file");
    cp_html_json_text(out, r->page->file);
    put_texts(out, "verdicts", cp_verdict_names, CP_VERDICT_COUNT);
    put_texts(out, "fields", cp_verdict_field_names, CP_VERDICT_FIELDS);
    put_texts(out, "metrics", cp_metric_names, CP_METRIC_COUNT);
    put_texts(out, "images", r->images.items,
              r->images.count < CP_PAGE_THUMBNAILS ? r->images.count : CP_PAGE_THUMBNAILS);
    put_taps(out, r);
    put_noise(out, r);
    (void)fprintf(out, ",\"grid\":%zu", r->page->grid);
    put_thumbnails(out, r);
    (void)fputs(",\"candidates\":[", out);
    for (size_t c = 0; c < r->candidates; c++)
        put_candidate(out, r, c);
    (void)fputs("]}</script>\n", out);
}
