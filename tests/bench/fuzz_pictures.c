/* SPDX-License-Identifier: GPL-3.0-or-later
 * Damage to pictures without end: `fuzz_pictures .jpg 1000000 [SEED]` takes the good files of
 * reference/golden/pictures with that ending in turn, damages each in one to four places, and decodes and
 * preprocesses what is left. It is for a build with sanitizers, which stop it where something is wrong. */
#include "preprocess/preprocess.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { FILE_MAX = 1 << 14, FILES = 64, SIDE = 8, MEMORY_PIXELS = 1 << 16 };

static struct file {
    unsigned char bytes[FILE_MAX];
    size_t size;
} files[FILES];
static size_t file_count;
static uint64_t seed;

static size_t draw(size_t below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(seed >> 33) % below;
}

static void load(const char *ending) {
    char pattern[64];
    glob_t found;
    (void)snprintf(pattern, sizeof pattern, "reference/golden/pictures/*%.8s", ending);
    if (glob(pattern, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc && file_count < FILES; i++) {
        FILE *f = fopen(found.gl_pathv[i], "rb");
        if (!f || strstr(found.gl_pathv[i], "refused"))
            continue;
        files[file_count].size = fread(files[file_count].bytes, 1, FILE_MAX, f);
        file_count++;
        (void)fclose(f);
    }
    globfree(&found);
}

static size_t damage(unsigned char *bytes, size_t size) {
    static const unsigned char odd[] = {0, 1, 2, 4, 0x7f, 0x80, 0xfe, 0xff};
    const size_t at = draw(size), length = 1 + draw(size - at < 60 ? size - at : 60);
    switch (draw(6)) {
    case 0:
        bytes[at] = odd[draw(sizeof odd)];
        break;
    case 1:
        memmove(bytes + at, bytes + at + length, size - at - length);
        return size - length;
    case 2:
        if (size + length > 2 * FILE_MAX)
            return size;
        memmove(bytes + at + length, bytes + at, size - at);
        return size + length;
    case 3:
        return draw(8) ? size : at + 1;
    default:
        bytes[at] ^= (unsigned char)(1u << draw(8));
    }
    return size;
}

/* A PNG's checksums made right again, so that the damage reaches what lies behind them. */
static void repair(unsigned char *bytes, size_t size) {
    for (size_t at = 8; at + 12 <= size;) {
        const size_t length = (size_t)bytes[at] << 24 | (size_t)bytes[at + 1] << 16 |
                              (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        if (length > size - at - 12)
            return;
        const uint32_t sum = (uint32_t)crc32(0, bytes + at + 4, (uInt)length + 4);
        for (size_t i = 0; i < 4; i++)
            bytes[at + 8 + length + i] = (unsigned char)(sum >> (24 - 8 * i));
        at += 12 + length;
    }
}

/* Whether it is read. Large pictures are but decoded: the time is for many. */
static bool try(const unsigned char *bytes, size_t size, const struct cp_preprocess *how) {
    static float pixels[3 * SIDE * SIDE];
    struct cp_picture picture;
    struct cp_error err;
    if (cp_picture_decode(bytes, size, "fuzz", &how->decode, &picture, &err) != CP_OK)
        return false;
    if (picture.width * picture.height <= MEMORY_PIXELS)
        (void)cp_preprocess_apply(how, &picture, "fuzz", NULL, pixels, &err);
    cp_picture_free(&picture);
    return true;
}

int main(int argc, char **argv) {
    static unsigned char damaged[2 * FILE_MAX + 64];
    const size_t trials = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    size_t read = 0, variants = 0;
    seed = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
    load(argc > 1 ? argv[1] : "");
    while (cp_resizes[variants])
        variants++;
    for (size_t trial = 0; trial < trials && file_count; trial++) {
        const struct file *file = &files[trial % file_count];
        const struct cp_preprocess how = {.resize = cp_resizes[draw(variants)],
                                          .mode = (enum cp_resize_mode)draw(3),
                                          .filter = (enum cp_resize_filter)draw(2),
                                          .exif = (enum cp_exif)draw(2),
                                          .decode = {draw(2), draw(2)},
                                          .size = SIDE,
                                          .std = {1, 1, 1}};
        size_t size = file->size;
        memcpy(damaged, file->bytes, size);
        for (size_t times = 1 + draw(4); times > 0 && size > 1; times--)
            size = damage(damaged, size);
        if (size > 8 && damaged[0] == 0x89 && draw(4))
            repair(damaged, size);
        read += try(damaged, size, &how);
    }
    printf("%zu files, %zu trials, %zu read\n", file_count, trials, read);
    return file_count == 0;
}
