/* SPDX-License-Identifier: GPL-3.0-or-later
 * 2,000 captures damaged at random: read, or refused in one line, within the time limit, and this process
 * goes on. */
#include "support/capture.h"
#include "support/sanitized.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <time.h>

enum { FILES = SANITIZED ? 400 : 2000, BYTES = 1 << 20 };

static uint64_t seed = 111;

static size_t draw(size_t below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(seed >> 33) % below;
}

/* A capture with a chunked, compressed and checksummed tensor beside a plain one. */
static size_t make_file(char *bytes) {
    static const hsize_t chunk[] = {1, CAPTURE_CHANNELS};
    hid_t capture;
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE), file = capture_start(&capture);
    (void)H5Pset_chunk(list, 2, chunk);
    (void)H5Pset_deflate(list, 6);
    (void)H5Pset_fletcher32(list);
    capture_features(capture, list);
    const hsize_t shape[] = {CAPTURE_IMAGES, 2, CAPTURE_CHANNELS};
    (void)H5Dclose(capture_tap(capture, "visual.ln_pre", H5T_IEEE_F32BE, 3, shape, H5P_DEFAULT, "fp16"));
    (void)H5Pclose(list);
    capture_end(file, capture);
    FILE *in = fopen(capture_path(), "rb");
    assert_non_null(in);
    const size_t size = fread(bytes, 1, BYTES, in);
    (void)fclose(in);
    return size;
}

static void damage(const char *whole, size_t size, char *bytes) {
    memcpy(bytes, whole, size);
    for (size_t i = 0, count = 1 + draw(8); i < count; i++) {
        const size_t at = draw(size);
        switch (draw(4)) {
        case 0:
            bytes[at] = (char)draw(256);
            break;
        case 1: /* a length or an address gone wild */
            memset(bytes + at, draw(2) ? 0xff : 0, size - at < 8 ? size - at : 8);
            break;
        case 2: /* one address in the place of another */
            memcpy(bytes + at, whole + draw(size - 8), size - at < 8 ? size - at : 8);
            break;
        default:
            bytes[at] = (char)(bytes[at] ^ (1 << draw(8)));
            break;
        }
    }
    FILE *out = fopen(capture_path(), "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, draw(20) ? size : draw(size), out) > size, 0);
    assert_int_equal(fclose(out), 0);
}

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void damaged_files(void **state) {
    static char whole[BYTES], bytes[BYTES], line[1600];
    const struct cp_capture_limits limits = {1, 1, (size_t)1 << 30};
    const size_t size = make_file(whole);
    size_t read = 0, crashed = 0, slow = 0;
    double longest = 0;
    (void)state;
    for (int f = 0; f < FILES; f++) {
        damage(whole, size, bytes);
        const double start = now();
        const enum cp_status status = capture_read_all(NULL, NULL, &limits, line);
        longest = now() - start > longest ? now() - start : longest;
        read += status == CP_OK;
        if (status == CP_OK)
            continue;
        /* Damage may leave a sound file without a tap. */
        const bool empty = status == CP_NOTHING_COMPARED && strstr(line, ": has no tensor of any tap");
        if ((status != CP_BAD_INPUT && !empty) || strncmp(line, capture_path(), strlen(capture_path())) != 0)
            fail_msg("file %d: status %d, %s", f, (int)status, line);
        for (const char *c = line; *c; c++)
            assert_true((unsigned char)*c >= ' ' && *c != 0x7f);
        crashed += strstr(line, "crashes") != NULL;
        slow += strstr(line, "takes more than") != NULL;
    }
    /* Three requests: opening, and the two tensors. */
    print_message("%d files: %zu read, %zu refused, of which %zu crashed the child and %zu were stopped; the "
                  "longest took %.2f s\n",
                  FILES, read, (size_t)FILES - read, crashed, slow, longest);
    assert_true(longest < 3 * 1 + 2);
    assert_true(read > 0 && read < FILES);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(damaged_files)};
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(capture_path());
    return failed;
}
