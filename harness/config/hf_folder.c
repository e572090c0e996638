/* SPDX-License-Identifier: GPL-3.0-or-later
 * What transformers reads beside config.json: preprocessor_config.json, or the image_processor of
 * processor_config.json, which wins (image_processing_base.py), and tokenizer_config.json. Defaults are those of the
 * processor's class: models/clip/image_processing_clip.py, models/siglip, models/vit. */
#include "config/hf_folder.h"

#include "config/clip_config_field.h"
#include "format/json_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FILE_MAX = 1 << 20 };

/* ---- what an image processor does ---- */

/* A size is one number for the shorter side, or both sides. */
struct size {
    int shortest, height, width; /* 0: not given */
};

struct processor {
    struct size size, crop;
    bool resizes, crops, rescales, normalizes, pads;
    int resample; /* Pillow's number of the filter */
    double factor, mean[3], std[3];
};

static const struct class {
    const char *names[5];
    bool square;    /* a size that is one number is both sides */
    bool crops;     /* do_center_crop's default */
    int resample;   /* resample's */
    bool inception; /* mean and std are 0.5; else OpenAI's */
} classes[] = {
    {{"CLIPImageProcessor", "CLIPImageProcessorFast", "CLIPImageProcessorPil", "CLIPFeatureExtractor"},
     false,
     true,
     3,
     false},
    {{"SiglipImageProcessor", "SiglipImageProcessorFast", "SiglipImageProcessorPil"}, true, false, 3, true},
    {{"ViTImageProcessor", "ViTImageProcessorFast", "ViTImageProcessorPil", "ViTFeatureExtractor"},
     true,
     false,
     2,
     true},
};

static const struct class *class_of(const json_t *object) {
    const char *name = json_string_value(json_object_get(object, "image_processor_type"));
    if (!name)
        name = json_string_value(json_object_get(object, "feature_extractor_type"));
    if (!name)
        return &classes[0];
    for (size_t c = 0; c < sizeof classes / sizeof classes[0]; c++)
        for (size_t n = 0; classes[c].names[n]; n++)
            if (strcmp(classes[c].names[n], name) == 0)
                return &classes[c];
    return NULL;
}

static struct processor defaults(const struct class *class) {
    const struct cp_clip_config openai = cp_clip_config_default();
    struct processor p = {.size = {.shortest = class->square ? 0 : 224,
                                   .height = class->square ? 224 : 0,
                                   .width = class->square ? 224 : 0},
                          .crop = {.height = 224, .width = 224},
                          .resizes = true,
                          .crops = class->crops,
                          .rescales = true,
                          .normalizes = true,
                          .resample = class->resample,
                          .factor = 1.0 / 255};
    for (size_t i = 0; i < 3; i++) {
        p.mean[i] = class->inception ? 0.5 : openai.mean[i];
        p.std[i] = class->inception ? 0.5 : openai.std[i];
    }
    return p;
}

static enum cp_status read_size(const struct cp_field_reader *r, const char *name, json_t *value, bool square,
                                struct size *size) {
    if (!value || json_is_null(value))
        return CP_OK;
    *size = (struct size){0};
    const struct cp_field sides[] = {{"shortest_edge", CP_FIELD_INTEGER, &size->shortest, CP_CONFIG_SIZE},
                                     {"height", CP_FIELD_INTEGER, &size->height, CP_CONFIG_SIZE},
                                     {"width", CP_FIELD_INTEGER, &size->width, CP_CONFIG_SIZE},
                                     {NULL, CP_FIELD_IGNORED, NULL, 0}};
    if (json_is_object(value)) {
        CP_TRY(cp_field_section(r, name, value, sides));
        return !square || (size->height && size->width)
                   ? CP_OK
                   : cp_field_bad(r, "", name, "has no height and width",
                                  "both, which a processor of this class takes");
    }
    const json_int_t side = json_is_integer(value) ? json_integer_value(value) : 0;
    if (side < 1 || side > CP_CONFIG_SIZE)
        return cp_field_bad(r, "", name, "is not a size", "a whole number, or height and width");
    if (square)
        size->height = size->width = (int)side;
    else
        size->shortest = (int)side;
    return CP_OK;
}

static enum cp_status read_processor(const struct cp_field_reader *r, json_t *object, struct processor *p) {
    const struct class *class = class_of(object);
    if (!class)
        return cp_field_bad(r, "", "image_processor_type", "is not supported",
                            "that of CLIP, SigLIP or ViT, such as CLIPImageProcessor");
    *p = defaults(class);
    const struct cp_field fields[] = {{"do_resize", CP_FIELD_BOOLEAN, &p->resizes, 0},
                                      {"do_center_crop", CP_FIELD_BOOLEAN, &p->crops, 0},
                                      {"do_rescale", CP_FIELD_BOOLEAN, &p->rescales, 0},
                                      {"do_normalize", CP_FIELD_BOOLEAN, &p->normalizes, 0},
                                      {"do_pad", CP_FIELD_BOOLEAN, &p->pads, 0},
                                      {"rescale_factor", CP_FIELD_NUMBER, &p->factor, 0},
                                      {"image_mean", CP_FIELD_MEAN, p->mean, 0},
                                      {"image_std", CP_FIELD_STD, p->std, 0},
                                      {"resample", CP_FIELD_BYTE, &p->resample, 0},
                                      {"size", CP_FIELD_ELSEWHERE, NULL, 0},
                                      {"crop_size", CP_FIELD_ELSEWHERE, NULL, 0},
                                      {NULL, CP_FIELD_IGNORED, NULL, 0}};
    CP_TRY(cp_field_some(r, "", object, fields));
    CP_TRY(read_size(r, "size", json_object_get(object, "size"), class->square, &p->size));
    return read_size(r, "crop_size", json_object_get(object, "crop_size"), true, &p->crop);
}

/* ---- as a config has it ---- */

static enum cp_status refuse(const struct cp_field_reader *r, const char *name, const char *what) {
    return cp_field_bad(
        r, "", name, what,
        "pictures of the model's image_size: shortest_edge and a crop of it, or height and width");
}

/* What the pictures' sides become: all of the model's size. */
static enum cp_status set_sides(const struct cp_field_reader *r, const struct processor *p,
                                struct cp_clip_config *c) {
    const int side = c->vision.image_size;
    const bool crop_is_side = p->crop.height == side && p->crop.width == side;
    if (!p->resizes)
        return refuse(r, "do_resize", "is false");
    if (p->pads)
        return refuse(r, "do_pad", "is true");
    if (p->size.height || p->size.width) {
        if (p->size.height != side || p->size.width != side)
            return refuse(r, "size", "is not the model's image_size");
        c->resize_mode = CP_SQUASH;
        return p->crops && !crop_is_side ? refuse(r, "crop_size", "is not the model's image_size") : CP_OK;
    }
    if (p->size.shortest != side)
        return refuse(r, "size", "is not the model's image_size");
    if (!p->crops)
        return refuse(r, "do_center_crop", "is false, which leaves pictures of several shapes");
    c->resize_mode = CP_SHORTEST;
    return crop_is_side ? CP_OK : refuse(r, "crop_size", "is not the model's image_size");
}

static enum cp_status set_values(const struct cp_field_reader *r, const struct processor *p,
                                 struct cp_clip_config *c) {
    if (p->resample != 2 && p->resample != 3)
        return cp_field_bad(r, "", "resample", "is not supported", "2 (bilinear) or 3 (bicubic)");
    if (!p->rescales || fabs(p->factor * 255 - 1) > 1e-6)
        return cp_field_bad(r, "", p->rescales ? "rescale_factor" : "do_rescale",
                            "does not bring pixels to 0 to 1", "do_rescale with rescale_factor 1 / 255");
    c->filter = p->resample == 2 ? CP_BILINEAR : CP_BICUBIC;
    for (size_t i = 0; i < 3; i++) {
        c->mean[i] = p->normalizes ? p->mean[i] : 0;
        c->std[i] = p->normalizes ? p->std[i] : 1;
    }
    return CP_OK;
}

static enum cp_status take_processor(const struct cp_field_reader *r, json_t *object,
                                     struct cp_clip_config *c) {
    struct processor processor = defaults(&classes[0]);
    CP_TRY(read_processor(r, object, &processor));
    CP_TRY(set_sides(r, &processor, c));
    return set_values(r, &processor, c);
}

/* ---- in words ---- */

/* As open_clip's words where they are the same. */
static void describe_resize(const struct processor *p, char text[CP_HF_WORDS]) {
    const struct size *s = &p->size, *c = &p->crop;
    const char *cropped = p->crops ? ", cropped" : "", *padded = p->pads ? ", padded" : "";
    const bool square_crop = p->crops && c->height == c->width;
    if (!p->resizes)
        (void)snprintf(text, CP_HF_WORDS, "none%s%s", cropped, padded);
    else if (s->height && p->crops && (s->height != c->height || s->width != c->width))
        (void)snprintf(text, CP_HF_WORDS, "%s to %d x %d, cropped%s", cp_resize_mode_names[CP_SQUASH],
                       s->height, s->width, padded);
    else if (s->height || (square_crop && s->shortest == c->height))
        (void)snprintf(text, CP_HF_WORDS, "%s%s", cp_resize_mode_names[s->height ? CP_SQUASH : CP_SHORTEST],
                       padded);
    else
        (void)snprintf(text, CP_HF_WORDS, "%s to %d%s%s", cp_resize_mode_names[CP_SHORTEST], s->shortest,
                       cropped, padded);
}

/* "": pictures of several shapes. */
static void describe_size(const struct processor *p, char text[CP_HF_WORDS]) {
    const struct size *s = p->crops ? &p->crop : &p->size;
    text[0] = '\0';
    if (s->height && s->height == s->width)
        (void)snprintf(text, CP_HF_WORDS, "%d", s->height);
    else if (s->height)
        (void)snprintf(text, CP_HF_WORDS, "%d x %d", s->height, s->width);
}

static void describe(const struct processor *p, struct cp_hf_pictures *pictures) {
    static const char *const filters[] = {"nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"};
    const bool named = p->resample >= 0 && (size_t)p->resample < sizeof filters / sizeof filters[0];
    describe_size(p, pictures->size);
    describe_resize(p, pictures->resize);
    (void)snprintf(pictures->filter, CP_HF_WORDS, "%s", named ? filters[p->resample] : "unknown");
    const double unit = p->rescales ? p->factor * 255 : 255; /* what white becomes */
    const bool usual = fabs(unit - 1) <= 1e-6;
    for (size_t i = 0; i < 3; i++) {
        pictures->mean[i] = p->normalizes ? p->mean[i] / (usual ? 1 : unit) : 0;
        pictures->std[i] = (p->normalizes ? p->std[i] : 1) / (usual ? 1 : unit);
    }
}

/* ---- as a config has it ---- */

static enum cp_status take_tokenizer(const struct cp_field_reader *r, json_t *object,
                                     struct cp_clip_config *c) {
    const char *class = json_string_value(json_object_get(object, "tokenizer_class"));
    (void)r;
    if (!class || cp_hf_tokenizer_is_clip(class))
        return CP_OK;
    c->text.foreign_tokenizer = true;
    (void)snprintf(c->text.hf_tokenizer_name, sizeof c->text.hf_tokenizer_name, "%.120s", class);
    return CP_OK;
}

/* ---- the files ---- */

/* The object of a file beside config.json, or a member of it; *object is NULL where there is none. Its reference is the
 * caller's. */
static enum cp_status read_beside(const char *path, const char *name, const char *member, size_t flags,
                                  struct cp_arena *arena, const char **where, json_t **object,
                                  struct cp_error *err) {
    json_t *root;
    *object = NULL;
    CP_TRY(cp_json_beside(path, name, FILE_MAX, JSON_REJECT_DUPLICATES | flags, arena, where, &root, err));
    *object = json_incref(member ? json_object_get(root, member) : root);
    json_decref(root);
    return CP_OK;
}

const char *const cp_hf_file_names[CP_HF_FILES] = {[CP_HF_PROCESSOR] = "processor_config.json",
                                                   [CP_HF_PREPROCESSOR] = "preprocessor_config.json",
                                                   [CP_HF_TOKENIZER] = "tokenizer_config.json"};

/* transformers writes 1e30 as a whole number where nothing limits the length of texts. */
static const struct beside {
    const char *member; /* of the file's object; NULL: the object itself */
    size_t flags;       /* Jansson's, besides */
    enum cp_status (*take)(const struct cp_field_reader *r, json_t *object, struct cp_clip_config *c);
} files[CP_HF_FILES] = {
    [CP_HF_PROCESSOR] = {"image_processor", 0, take_processor},
    [CP_HF_PREPROCESSOR] = {NULL, 0, take_processor},
    [CP_HF_TOKENIZER] = {NULL, JSON_DECODE_INT_AS_REAL, take_tokenizer},
};

static enum cp_status read_file(const char *path, enum cp_hf_file which, struct cp_clip_config *config,
                                bool *there, struct cp_error *err) {
    const struct beside *file = &files[which];
    const bool pictures = which != CP_HF_TOKENIZER;
    struct cp_field_reader reader = {.err = err};
    struct cp_arena arena = {0};
    json_t *object = NULL;
    *there = false;
    if (pictures ? !cp_has_vision(config) : !cp_has_text(config))
        return CP_OK;
    enum cp_status status = read_beside(path, cp_hf_file_names[which], file->member, file->flags, &arena,
                                        &reader.path, &object, err);
    *there = object != NULL;
    if (object)
        status = file->take(&reader, object, config);
    if (object && status == CP_OK && pictures)
        (void)snprintf(config->pictures_from, sizeof config->pictures_from, "%s", cp_hf_file_names[which]);
    json_decref(object);
    cp_arena_free(&arena);
    return status;
}

enum cp_status cp_hf_pictures_read(const char *path, enum cp_hf_file which, struct cp_hf_pictures *pictures,
                                   bool *there, struct cp_error *err) {
    struct cp_field_reader reader = {.err = err};
    struct processor processor;
    struct cp_arena arena = {0};
    json_t *object = NULL;
    *pictures = (struct cp_hf_pictures){.known = true};
    enum cp_status status = read_beside(path, cp_hf_file_names[which], files[which].member,
                                        files[which].flags, &arena, &reader.path, &object, err);
    *there = object != NULL;
    if (object && !class_of(object))
        pictures->known = false;
    else if (object && (status = read_processor(&reader, object, &processor)) == CP_OK)
        describe(&processor, pictures);
    json_decref(object);
    cp_arena_free(&arena);
    return status;
}

enum cp_status cp_hf_folder_read(const char *path, struct cp_clip_config *config, struct cp_error *err) {
    bool there;
    CP_TRY(read_file(path, CP_HF_PROCESSOR, config, &there, err));
    if (!there)
        CP_TRY(read_file(path, CP_HF_PREPROCESSOR, config, &there, err));
    return read_file(path, CP_HF_TOKENIZER, config, &there, err);
}
