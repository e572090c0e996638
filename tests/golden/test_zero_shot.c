/* SPDX-License-Identifier: GPL-3.0-or-later
 * Zero-shot predictions of all 10,000 test images against PyTorch float32 (reference/golden/zero_shot). */
#include "support/program.h"
#include "support/test.h"

#include "num/metrics.h"
#include "picture/image.h"

#include <math.h>
#include <unistd.h>

enum { IMAGES = 10000, CLASSES = 10 };

static float logits[IMAGES * CLASSES];

static void predictions_equal_pytorch(void **state) {
    struct cp_arena arena = {0};
    struct cp_array predictions, torch_logits;
    struct cp_error err;
    char text[8192];
    double furthest = 0;
    (void)state;
    assert_int_equal(run_program("run experiments/fashion-10k.yaml oracle=off candidates={} "
                                 "'record={\"*\": \"off\", class_logits: full}' "
                                 "output=$OUT",
                                 text, sizeof text),
                     0);
    assert_int_equal(read_dataset(scratch_output(), "/captures/baseline/class_logits/value", H5T_NATIVE_FLOAT,
                                  logits, IMAGES * CLASSES),
                     IMAGES * CLASSES);
    assert_int_equal(cp_npy_read(CP_SOURCE_DIR "/reference/golden/zero_shot/fashion-clip.predictions.npy",
                                 &arena, &predictions, &err),
                     CP_OK);
    assert_int_equal(cp_npy_read(CP_SOURCE_DIR "/reference/golden/zero_shot/fashion-clip.logits.npy", &arena,
                                 &torch_logits, &err),
                     CP_OK);
    for (size_t i = 0; i < IMAGES; i++)
        assert_int_equal(cp_argmax(logits + i * CLASSES, CLASSES), ((const uint8_t *)predictions.data)[i]);
    for (size_t i = 0; i < (size_t)IMAGES * CLASSES; i++) {
        const double distance = fabs((double)logits[i] - (double)((const float *)torch_logits.data)[i]);
        furthest = distance <= furthest ? furthest : distance;
    }
    /* Half the smallest margin between the first two classes is 1.8e-4: no decision hangs on this. */
    assert_true(furthest < 1e-4);
    cp_arena_free(&arena);
    (void)unlink(scratch_output());
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(predictions_equal_pytorch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
