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

/* pixels: (side, side, 3). written grows by the characters. */
static enum cp_status put_thumbnail(const struct cp_report *r, FILE *out, const double *pixels, size_t image,
                                    size_t *written, struct cp_error *err) {
    const size_t side = r->thumbnail_side, row = side * side * 3;
    uint8_t *rgb = malloc(row), *png = NULL;
    char *text = NULL;
    size_t size = 0;
    enum cp_status status = CP_CHECK_ALLOC(rgb, err, r->path, "a thumbnail");
    for (size_t i = 0; rgb && i < row; i++)
        rgb[i] = (uint8_t)pixels[i];
    if (status == CP_OK)
        status = cp_png_write(rgb, side, side, &png, &size, err);
    if (status == CP_OK)
        status = CP_CHECK_ALLOC((text = malloc(cp_base64_length(size) + 1)), err, r->path, "a thumbnail");
    if (status == CP_OK) {
        cp_base64(png, size, text);
        cp_print_html(out, "%s\"%zu\":\"data:image/png;base64,%s\"", *written ? ",\n" : "", image, text);
        *written += cp_base64_length(size);
    }
    free(png);
    free(rgb);
    free(text);
    return status;
}

static enum cp_status put_needed(const struct cp_report *r, FILE *out, struct cp_arena *arena,
                                 struct cp_error *err) {
    const double *pixels;
    bool *needed = cp_arena_calloc(arena, r->thumbnails, sizeof *needed);
    size_t written = 0;
    CP_TRY(CP_CHECK_ALLOC(needed, err, r->path, "thumbnails"));
    CP_TRY(cp_report_thumbnails(r, arena, &pixels, err));
    mark_needed(r, needed);
    for (size_t i = 0; i < r->thumbnails && written < THUMBNAILS_MAX; i++)
        if (needed[i])
            CP_TRY(put_thumbnail(r, out, pixels + i * r->thumbnail_side * r->thumbnail_side * 3, i, &written,
                                 err));
    return CP_OK;
}

enum cp_status cp_html_thumbnails(const struct cp_report *r, FILE *out, struct cp_error *err) {
    struct cp_arena arena = {0};
    (void)fputc('{', out);
    const enum cp_status status = r->thumbnails ? put_needed(r, out, &arena, err) : CP_OK;
    (void)fputc('}', out);
    cp_arena_free(&arena);
    return status;
}
