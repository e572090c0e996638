/* SPDX-License-Identifier: GPL-3.0-or-later
 * WebP as Pillow reads it (src/_webp.c _anim_decoder_new, _anim_decoder_get_next): the first frame on its
 * canvas through WebPAnimDecoder, RGBA if the file says that it has alpha, else RGB. */
#include "picture/decode.h"

#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>

static enum cp_status damaged(const struct cp_picture_source *s) {
    return cp_fail(s->err, CP_BAD_INPUT, s->path, "damaged WebP"), cp_expected(s->err, "a complete WebP");
}

static enum cp_status keep_exif(const struct cp_picture_source *s, const WebPAnimDecoder *decoder) {
    WebPChunkIterator chunk;
    if (!WebPDemuxGetChunk(WebPAnimDecoderGetDemuxer(decoder), "EXIF", 1, &chunk))
        return CP_OK;
    const enum cp_status status = cp_picture_keep_exif(s, chunk.chunk.bytes, chunk.chunk.size);
    WebPDemuxReleaseChunkIterator(&chunk);
    return status;
}

static enum cp_status read_frame(const struct cp_picture_source *s, WebPAnimDecoder *decoder) {
    uint8_t *rgba;
    int when;
    if (!WebPAnimDecoderGetNext(decoder, &rgba, &when))
        return damaged(s);
    const size_t pixels = s->to->width * s->to->height, size = cp_picture_pixel(s->to->mode);
    for (size_t i = 0; i < pixels; i++)
        memcpy(s->to->bytes + i * size, rgba + i * 4, size);
    return keep_exif(s, decoder);
}

static enum cp_status decode(const struct cp_picture_source *s, const WebPBitstreamFeatures *features) {
    const WebPData data = {s->bytes, s->size};
    WebPAnimInfo info;
    CP_TRY(cp_picture_start(s, (size_t)features->width, (size_t)features->height,
                            features->has_alpha ? CP_PICTURE_RGBA : CP_PICTURE_RGB));
    WebPAnimDecoder *decoder = WebPAnimDecoderNew(&data, NULL);
    if (!decoder)
        return damaged(s);
    /* The canvas of the container is the picture; the header of a frame alone may say something else. */
    const bool same = WebPAnimDecoderGetInfo(decoder, &info) && info.canvas_width == s->to->width &&
                      info.canvas_height == s->to->height;
    const enum cp_status status = same ? read_frame(s, decoder) : damaged(s);
    WebPAnimDecoderDelete(decoder);
    return status;
}

enum cp_status cp_picture_webp(const struct cp_picture_source *s) {
    WebPBitstreamFeatures features;
    if (WebPGetFeatures(s->bytes, s->size, &features) != VP8_STATUS_OK)
        return damaged(s);
    return decode(s, &features);
}
