/* SPDX-License-Identifier: GPL-3.0-or-later
 * Position embeddings resized to another grid: the tables' bits, and features of pictures of another size,
 * against PyTorch (reference/golden/positions). */
#include "support/program.h"
#include "support/test.h"

#include "base/digest.h"
#include "base/hash.h"
#include "format/npy_write.h"
#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 1 + 37 * 37, WIDE = 8, EMBED = 64, PICTURES = 2 };

static float table[MOST * WIDE], resized[MOST * WIDE];

static const struct cp_position *position_of(const char *name) {
    for (int p = 0; p < CP_POSITIONS; p++)
        if (strcmp(cp_positions[p].info.name, name) == 0)
            return &cp_positions[p];
    fail_msg("no variant %s", name);
    return NULL;
}

static void tables_have_pytorchs_bits(void **state) {
    FILE *file = fopen("reference/golden/positions/tables.csv", "r");
    char line[256], variant[32], hex[33], own[CP_DIGEST_HEX];
    struct cp_error err = {0};
    struct cp_digest *digest;
    size_t from, to, width, checked = 0;
    (void)state;
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    for (; fgets(line, sizeof line, file); checked++) {
        assert_int_equal(sscanf(line, "%zu,%zu,%zu,%31[^,],%32s", &from, &to, &width, variant, hex), 5);
        assert_true(from <= 37 && to <= 37 && width <= WIDE);
        for (size_t i = 0; i < (1 + from * from) * width; i++)
            table[i] = (float)cp_counter_unit(1000 * from + to, cp_name_hash("positions"), i);
        assert_int_equal(cp_position_resize(position_of(variant), table, from, to, width, resized, &err),
                         CP_OK);
        assert_int_equal(cp_digest_start(&digest, &err), CP_OK);
        cp_digest_add(digest, resized, (1 + to * to) * width * sizeof *resized);
        cp_digest_finish_hex(digest, own);
        if (strncmp(own, hex, 32) != 0)
            fail_msg("%s, %zu to %zu: other bits", variant, from, to);
    }
    (void)fclose(file);
    assert_int_equal(checked, 28);
}

/* ---- features ---- */

#define IMAGES                                                                                               \
    "'inputs={images: [data/fashion-clip/images/00029-dress.png, reference/golden/pictures/rgb-420.jpg]}'"
#define RUN                                                                                                  \
    "run experiments/quickgelu-vs-gelu.yaml " IMAGES " oracle=off local=off floor=0 output=$OUT "            \
    "'candidates={huggingface: {position: huggingface}}' 'record={\"*\": \"off\", image_features: full}' "

static char text[1 << 15];

static void runs(const char *arguments, int code, const char *says) {
    const int got = run_program(arguments, text, sizeof text);
    if (got != code || !strstr(text, says))
        fail_msg("%s: exit code %d instead of %d, or no '%s':\n%s", arguments, got, code, says, text);
}

static void read_features(const char *spec, float values[PICTURES * EMBED]) {
    char path[128];
    (void)snprintf(path, sizeof path, "/captures/%s/image_features/value", spec);
    assert_int_equal(read_dataset(scratch_output(), path, H5T_NATIVE_FLOAT, values, PICTURES * EMBED),
                     PICTURES * EMBED);
}

/* Relative, of the two pictures' features, from the rows of a file at its next lines. */
static double distance(FILE *file, char *line, size_t size, const float *own) {
    double square = 0;
    for (int picture = 0; picture < PICTURES; picture++) {
        if (picture > 0)
            assert_non_null(fgets(line, (int)size, file));
        char *at = line;
        for (int comma = 0; comma < 3; comma++) {
            at = strchr(at, ',');
            assert_non_null(at);
            at++;
        }
        for (int e = 0; e < EMBED; e++, at++) {
            const double difference = strtod(at, &at) - (double)own[picture * EMBED + e];
            square += difference * difference;
        }
    }
    return sqrt(square / PICTURES);
}

static void features_equal_pytorchs(void **state) {
    FILE *file = fopen("reference/golden/positions/features.csv", "r");
    float own[PICTURES * EMBED];
    char line[4096], command[1024];
    double worst = 0;
    int size, checked = 0, ran = 0;
    (void)state;
    assert_non_null(file);
    for (; fgets(line, sizeof line, file); checked++) {
        assert_int_equal(sscanf(line, "%d,", &size), 1);
        if (size != ran) {
            (void)snprintf(command, sizeof command, RUN "model.image_size=%d", size);
            runs(command, 0, "position embeddings of a grid of 7 x 7 are resized to");
            ran = size;
        }
        read_features(strstr(line, ",open_clip,") ? "baseline" : "huggingface", own);
        const double difference = distance(file, line, sizeof line, own);
        worst = difference > worst ? difference : worst;
        if (!(difference <= 2e-6))
            fail_msg("%d pixels: %g from PyTorch's", size, difference);
    }
    (void)fclose(file);
    assert_int_equal(checked, 6);
    print_message("at most %.2g from PyTorch's\n", worst);
    (void)unlink(scratch_output());
}

/* Images as large as the file's own grid: nothing is resized, and the setting has nothing to do. */
static void the_own_size_changes_nothing(void **state) {
    float own[PICTURES * EMBED], other[PICTURES * EMBED];
    (void)state;
    runs(RUN "model.image_size=28", 0, "");
    assert_null(strstr(text, "resized"));
    read_features("baseline", own);
    read_features("huggingface", other);
    assert_memory_equal(own, other, sizeof own);
    runs(RUN, 0, "");
    read_features("baseline", other);
    assert_memory_equal(own, other, sizeof own);
    (void)unlink(scratch_output());
}

/* One picture of seeded pixels (3, side, side), the upper left of 30 x 30 of them. */
static void write_pixels(const char *path, size_t side) {
    static float pixels[3 * 30 * 30];
    struct cp_error err = {0};
    for (size_t i = 0; i < 3 * side * side; i++) {
        const size_t c = i / (side * side), y = i / side % side, x = i % side;
        pixels[i] = (float)cp_counter_unit(1, 1, (c * 30 + y) * 30 + x);
    }
    assert_int_equal(cp_npy_write(path, pixels, 4, (const size_t[]){1, 3, side, side}, &err), CP_OK);
}

/* What is less than a patch at the right and below is left out, as torch.nn.Conv2d without padding leaves it out: a size
 * of floor((30 - 4) / 4) + 1 = 7 patches (its documentation), the first at the upper left. */
static void less_than_a_patch_is_left_out(void **state) {
    float own[EMBED], other[EMBED];
    char path[128], arguments[1024];
    (void)state;
    (void)snprintf(path, sizeof path, "%s.npy", scratch_output());
    for (size_t side = 28; side <= 30; side += 2) {
        write_pixels(path, side);
        (void)snprintf(arguments, sizeof arguments, RUN "'inputs={images: %s}' model.image_size=%zu oracle=1",
                       path, side);
        runs(arguments, 0, side == 30 ? "the patches of 4 leave out 2 pixels at the right and below" : "");
        assert_null(strstr(text, "resized"));
        assert_int_equal(read_dataset(scratch_output(), "/captures/baseline/image_features/value",
                                      H5T_NATIVE_FLOAT, side == 28 ? own : other, EMBED),
                         EMBED);
    }
    assert_memory_equal(own, other, sizeof own);
    (void)unlink(scratch_output());
    (void)unlink(path);
}

/* A config of another size does the same as open_clip on load. */
static void a_config_of_another_size_resizes(void **state) {
    float own[PICTURES * EMBED], other[PICTURES * EMBED];
    (void)state;
    runs(RUN "model.image_size=36", 0, "");
    read_features("baseline", own);
    assert_int_equal(system("sed 's/\"image_size\": 28/\"image_size\": 36/' "
                            "data/fashion-clip/open_clip_config.json > $OUT.json"),
                     0);
    runs(RUN "model.config=$OUT.json", 0, "7 x 7 are resized to 9 x 9, for images of 36 x 36");
    read_features("baseline", other);
    assert_memory_equal(own, other, sizeof own);
    assert_int_equal(system("rm $OUT.json"), 0);
    (void)unlink(scratch_output());
}

/* Captures that differ in one tower alone: the other's oracle is not run twice. */
static void captures_of_another_size_are_judged(void **state) {
    (void)state;
    runs(RUN "model.image_size=36 'inputs.prompts=[a bag, a dress]' 'record={\"*\": full}'", 0, "");
    runs("diff $OUT:baseline $OUT:huggingface model.image_size=36 output=$OUT.diff.h5", 1,
         "\nFAIL: first difference at visual.embed: weights (visual.positional_embedding)\n");
    assert_int_equal(system("rm $OUT $OUT.diff.h5"), 0);
}

static void what_does_not_fit_is_said(void **state) {
    (void)state;
    runs(RUN "model.image_size=3", 3, "model.image_size: 3 is smaller than patch_size 4");
    runs(RUN "model.image_size=0", 3, "model.image_size: '0' is out of range");
    runs(RUN "model.image_size=65536", 3, "is more than 256 patches a side (expected at most 1024)");
    runs(RUN "candidates.a.position=hugginface", 3, "did you mean 'huggingface'?");
    runs(RUN "candidates.a.position@visual.1=huggingface", 3, "position");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_have_pytorchs_bits),
        cmocka_unit_test(features_equal_pytorchs),
        cmocka_unit_test(the_own_size_changes_nothing),
        cmocka_unit_test(less_than_a_patch_is_left_out),
        cmocka_unit_test(a_config_of_another_size_resizes),
        cmocka_unit_test(captures_of_another_size_are_judged),
        cmocka_unit_test(what_does_not_fit_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
