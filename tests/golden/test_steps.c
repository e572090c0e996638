/* SPDX-License-Identifier: GPL-3.0-or-later
 * The taps of the steps before the model hold what Pillow and torchvision have there
 * (reference/golden/steps). */
#include "support/program.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PICTURES = 6, DIGEST = 32 };

static const char *const steps[] = {"decoded", "resized", "cropped"};

struct golden {
    char picture[64], step[16], digest[2 * DIGEST + 1];
    int size[2];
};

static struct golden golden[PICTURES][3];
static char text[1 << 15];

/* The next field of a line. */
static void take(char **rest, char *field, size_t size) {
    const char *found = strsep(rest, ",\n");
    (void)snprintf(field, size, "%s", found ? found : "");
}

static int read_golden(void) {
    char line[256];
    FILE *file = fopen("reference/golden/steps/steps.csv", "r");
    int rows = 0;
    if (!file || !fgets(line, sizeof line, file))
        return -1;
    while (rows < PICTURES * 3 && fgets(line, sizeof line, file)) {
        char *rest = line;
        struct golden *g = &golden[rows / 3][rows % 3];
        take(&rest, g->picture, sizeof g->picture);
        take(&rest, g->step, sizeof g->step);
        for (int d = 0; d < 2; d++) {
            char number[16];
            take(&rest, number, sizeof number);
            g->size[d] = (int)strtol(number, NULL, 10);
        }
        take(&rest, g->digest, sizeof g->digest);
        rows++;
    }
    (void)fclose(file);
    return rows == PICTURES * 3 ? 0 : -1;
}

static int run_it(void **state) {
    (void)state;
    const int code = run_program(
        "run experiments/quickgelu-vs-gelu.yaml 'inputs={images: [reference/golden/pictures/cmyk.jpg, "
        "reference/golden/pictures/grey.jpg, reference/golden/pictures/lossy-alpha.webp, "
        "reference/golden/pictures/orientation-6.jpg, reference/golden/pictures/rgb-420.jpg, "
        "reference/golden/pictures/rgba-16.png]}' candidates={} oracle=off local=off floor=0 "
        "'record={\"*\": off, \"pixels.*\": digest, pixels.resized: full}' output=$OUT",
        text, sizeof text);
    if (code != 0)
        (void)fputs(text, stderr);
    return code != 0 || read_golden() != 0;
}

static int remove_it(void **state) {
    (void)state;
    return unlink(scratch_output());
}

static void the_bits_of_pillow_and_torchvision(void **state) {
    (void)state;
    for (size_t s = 0; s < 3; s++) {
        uint8_t digest[PICTURES][DIGEST] = {{0}};
        char path[128], hex[2 * DIGEST + 1];
        (void)snprintf(path, sizeof path, "/captures/baseline/pixels.%s/digest", steps[s]);
        assert_int_equal(
            read_dataset(scratch_output(), path, H5T_NATIVE_UINT8, digest, sizeof digest / sizeof **digest),
            PICTURES * DIGEST);
        for (size_t i = 0; i < PICTURES; i++) {
            assert_string_equal(golden[i][s].step, steps[s]);
            for (size_t b = 0; b < DIGEST; b++)
                (void)snprintf(hex + 2 * b, 3, "%02x", digest[i][b]);
            if (strcmp(hex, golden[i][s].digest) != 0)
                fail_msg("%s, %s: %s, not %s", golden[i][s].picture, steps[s], hex, golden[i][s].digest);
        }
    }
}

/* Those whose pictures differ in size say so, and have no values. */
static void sizes_are_recorded(void **state) {
    int32_t size[PICTURES][2] = {{0}};
    float value = 0;
    (void)state;
    for (size_t s = 0; s < 2; s++) {
        char path[128];
        (void)snprintf(path, sizeof path, "/captures/baseline/pixels.%s/size", steps[s]);
        assert_int_equal(read_dataset(scratch_output(), path, H5T_NATIVE_INT32, size, PICTURES * 2),
                         PICTURES * 2);
        for (size_t i = 0; i < PICTURES; i++) {
            assert_int_equal(size[i][0], golden[i][s].size[0]);
            assert_int_equal(size[i][1], golden[i][s].size[1]);
        }
    }
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    assert_true(read_dataset(scratch_output(), "/captures/baseline/pixels.resized/value", H5T_NATIVE_FLOAT,
                             &value, 1) <= 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bits_of_pillow_and_torchvision),
        cmocka_unit_test(sizes_are_recorded),
    };
    return cmocka_run_group_tests(tests, run_it, remove_it);
}
