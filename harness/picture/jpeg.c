/* SPDX-License-Identifier: GPL-3.0-or-later
 * JPEG as Pillow reads it (src/PIL/JpegImagePlugin.py SOF, src/libImaging/JpegDecode.c ImagingJpegDecode):
 * libjpeg's defaults, which are JDCT_ISLOW and fancy upsampling; one component is L, three are RGB, four are
 * CMYK with every value inverted (rawmode "CMYK;I"). Bytes that are missing are an error and are not made up,
 * as with Pillow's suspending source; warnings are passed over, as there. */
#include "picture/decode.h"

#include <setjmp.h>
#include <stdio.h> /* before jpeglib.h, which needs it */
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

/* A progressive file can ask for any work with few bytes; libjpeg-turbo's own fuzzers stop here. */
enum { SCANS_MAX = 500 };

struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr error;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    bool too_many_scans;
};

/* ---- what libjpeg calls ---- */

static void on_error(j_common_ptr jpeg) {
    longjmp(((struct decoder *)jpeg->client_data)->failed, 1);
}

static void on_message(j_common_ptr jpeg) {
    (void)jpeg;
}

static void nothing(j_decompress_ptr jpeg) {
    (void)jpeg;
}

static boolean no_more(j_decompress_ptr jpeg) {
    (void)jpeg;
    return FALSE;
}

static void skip(j_decompress_ptr jpeg, long count) {
    struct jpeg_source_mgr *source = jpeg->src;
    const size_t most = count < 0 ? 0 : (size_t)count, there = source->bytes_in_buffer;
    const size_t skipped = most < there ? most : there;
    source->next_input_byte += skipped;
    source->bytes_in_buffer -= skipped;
}

static void watch_scans(j_common_ptr jpeg) {
    struct decoder *d = jpeg->client_data;
    if (d->jpeg.input_scan_number <= SCANS_MAX)
        return;
    d->too_many_scans = true;
    longjmp(d->failed, 1);
}

/* ---- the file ---- */

static enum cp_status truncated(const struct cp_picture_source *s) {
    return cp_fail(s->err, CP_BAD_INPUT, s->path, "truncated JPEG"), cp_expected(s->err, "a complete JPEG");
}

static enum cp_status damaged(const struct cp_picture_source *s, struct decoder *d) {
    char message[JMSG_LENGTH_MAX];
    if (d->too_many_scans)
        return cp_fail(s->err, CP_BAD_INPUT, s->path, "JPEG of more than %d scans", SCANS_MAX),
               cp_expected(s->err, "a progressive JPEG of some ten scans");
    d->error.format_message((j_common_ptr)&d->jpeg, message);
    const bool memory = d->error.msg_code == JERR_OUT_OF_MEMORY;
    return cp_fail(s->err, memory ? CP_INTERNAL : CP_BAD_INPUT, s->path, "damaged JPEG: %s", message),
           cp_expected(s->err, "a baseline or progressive JPEG of 8 bits");
}

static void open(const struct cp_picture_source *s, struct decoder *d) {
    d->jpeg.err = jpeg_std_error(&d->error);
    d->error.error_exit = on_error;
    d->error.output_message = on_message;
    d->jpeg.client_data = d;
    jpeg_create_decompress(&d->jpeg);
    d->source = (struct jpeg_source_mgr){.next_input_byte = s->bytes,
                                         .bytes_in_buffer = s->size,
                                         .init_source = nothing,
                                         .fill_input_buffer = no_more,
                                         .skip_input_data = skip,
                                         .resync_to_restart = jpeg_resync_to_restart,
                                         .term_source = nothing};
    d->jpeg.src = &d->source;
    d->progress.progress_monitor = watch_scans;
    d->jpeg.progress = &d->progress;
    jpeg_save_markers(&d->jpeg, JPEG_APP0 + 1, 0xffff); /* EXIF */
}

/* The first APP1 that begins as EXIF does. */
static enum cp_status keep_exif(const struct cp_picture_source *s, const struct decoder *d) {
    for (jpeg_saved_marker_ptr m = d->jpeg.marker_list; m; m = m->next)
        if (m->data_length >= 6 && memcmp(m->data, "Exif\0", 5) == 0)
            return cp_picture_keep_exif(s, m->data + 6, m->data_length - 6);
    return CP_OK;
}

static enum cp_status choose_mode(const struct cp_picture_source *s, struct decoder *d) {
    static const struct {
        int components;
        J_COLOR_SPACE space;
        enum cp_picture_mode mode;
    } table[] = {
        {1, JCS_GRAYSCALE, CP_PICTURE_L}, {3, JCS_RGB, CP_PICTURE_RGB}, {4, JCS_CMYK, CP_PICTURE_CMYK}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].components == d->jpeg.num_components) {
            d->jpeg.out_color_space = table[i].space;
            return cp_picture_start(s, d->jpeg.image_width, d->jpeg.image_height, table[i].mode);
        }
    return cp_fail(s->err, CP_BAD_INPUT, s->path, "JPEG of %d components", d->jpeg.num_components),
           cp_expected(s->err, "1, 3 or 4");
}

/* Every row, or fewer where the bytes end. */
static bool read_rows(const struct cp_picture_source *s, struct decoder *d) {
    const size_t row = s->to->width * cp_picture_pixel(s->to->mode);
    if (!jpeg_start_decompress(&d->jpeg))
        return false;
    while (d->jpeg.output_scanline < d->jpeg.output_height) {
        JSAMPROW to = s->to->bytes + d->jpeg.output_scanline * row;
        if (jpeg_read_scanlines(&d->jpeg, &to, 1) != 1)
            return false;
    }
    (void)jpeg_finish_decompress(&d->jpeg); /* what is wrong after the last row is an error, a lack is none */
    return true;
}

static enum cp_status decode(const struct cp_picture_source *s, struct decoder *d) {
    if (jpeg_read_header(&d->jpeg, TRUE) == JPEG_SUSPENDED)
        return truncated(s);
    CP_TRY(choose_mode(s, d));
    CP_TRY(keep_exif(s, d));
    d->jpeg.dct_method = s->options->fast_idct ? JDCT_IFAST : JDCT_ISLOW;
    d->jpeg.do_fancy_upsampling = s->options->plain_upsampling ? FALSE : TRUE;
    if (!read_rows(s, d))
        return truncated(s);
    const size_t size = s->to->width * s->to->height * 4;
    for (size_t i = 0; s->to->mode == CP_PICTURE_CMYK && i < size; i++)
        s->to->bytes[i] = (uint8_t)~s->to->bytes[i];
    return CP_OK;
}

/* No variable of this function changes between setjmp and longjmp. */
enum cp_status cp_picture_jpeg(const struct cp_picture_source *s) {
    struct decoder d = {.too_many_scans = false};
    if (setjmp(d.failed)) {
        const enum cp_status status = damaged(s, &d);
        jpeg_destroy_decompress(&d.jpeg);
        return status;
    }
    open(s, &d);
    const enum cp_status status = decode(s, &d);
    jpeg_destroy_decompress(&d.jpeg);
    return status;
}
