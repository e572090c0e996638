/* SPDX-License-Identifier: GPL-3.0-or-later
 * The images that the page shows, as PNGs inside it. */
#include "base/base64.h"
#include "picture/image_write.h"
#include "report/html/html.h"

#include <stdlib.h>

enum { THUMBNAILS_MAX = 400000 }; /* characters of all images together */

/* The images that are the worst somewhere, or whose decision is shown. */
static void mark_needed(const struct cp_report *r, bool *needed) {
    for (size_t c = 0; c < r->candidates; c++) {
        const struct cp_report_candidate *candidate = &r->candidate[c];
        for (size_t t = 0; t < candidate->taps; t++) {
            const struct cp_report_places *places = candidate->tap[t].places;
            for (size_t i = 0; places && i < places->worst; i++)
                if (places->worst_of[i].image < r->thumbnails)
                    needed[places->worst_of[i].image] = true;
        }
        for (size_t i = 0; i < candidate->counts.images && i < r->thumbnails; i++)
            needed[i] = needed[i] || candidate->decisions[i * CP_DECISION_COUNT + CP_FLIP] != 0 ||
                        i == cp_html_most_changed(candidate);
    }
}

/* pixels: (side, side, 3). The characters written; 0 where there is no memory for it. */
static size_t put_thumbnail(FILE *out, const double *pixels, size_t side, size_t image, const char *comma) {
    const size_t row = side * side * 3;
    uint8_t *rgb = malloc(row), *png = NULL;
    char *text = NULL;
    struct cp_error err = {0};
    size_t size = 0;
    for (size_t i = 0; rgb && i < row; i++)
        rgb[i] = (uint8_t)pixels[i];
    if (rgb && cp_png_write(rgb, side, side, &png, &size, &err) == CP_OK)
        text = malloc(cp_base64_length(size) + 1);
    if (text) {
        cp_base64(png, size, text);
        cp_print_html(out, "%s\"%zu\":\"data:image/png;base64,%s\"", comma, image, text);
    }
    free(png);
    free(rgb);
    const size_t written = text ? cp_base64_length(size) : 0;
    free(text);
    return written;
}

void cp_html_thumbnails(const struct cp_report *r, FILE *out) {
    const size_t row = r->thumbnail_side * r->thumbnail_side * 3;
    struct cp_arena arena = {0};
    struct cp_error err = {0};
    const double *pixels = NULL;
    bool *needed = cp_arena_calloc(&arena, r->thumbnails + 1, sizeof *needed);
    size_t written = 0;
    (void)fputc('{', out);
    if (needed && r->thumbnails && cp_report_thumbnails(r, &arena, &pixels, &err) == CP_OK) {
        mark_needed(r, needed);
        for (size_t i = 0; i < r->thumbnails && written < THUMBNAILS_MAX; i++)
            if (needed[i])
                written += put_thumbnail(out, pixels + i * row, r->thumbnail_side, i, written ? ",\n" : "");
    }
    (void)fputc('}', out);
    cp_arena_free(&arena);
}
