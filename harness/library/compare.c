/* SPDX-License-Identifier: GPL-3.0-or-later
 * The metrics of a result file, of two of the caller's arrays. */
#include "library/internal.h"

#include "num/metrics.h"

static enum cp_status compare(const float *x, const float *y, size_t rows, size_t width,
                              struct clip_parity_difference *out, struct cp_error *err) {
    struct cp_arena arena = {0};
    const struct cp_compared compared = {.x = x,
                                         .y = y,
                                         .x_type = CP_FP32,
                                         .y_type = CP_FP32,
                                         .ulp_type = CP_FP32,
                                         .groups = 1,
                                         .group_rows = rows,
                                         .rows = rows,
                                         .width = width,
                                         .stride = width};
    double m[CP_METRIC_COUNT];
    if (rows == 0 || width == 0)
        return cp_fail(err, CP_BAD_INPUT, "", "no elements to compare"),
               cp_expected(err, "one row and one column at least");
    double *work = cp_arena_alloc(&arena, cp_metrics_work(width), sizeof *work);
    CP_TRY(CP_CHECK_ALLOC(work, err, "", "a row of %zu", width));
    cp_metrics(&compared, work, m, NULL);
    cp_arena_free(&arena);
    *out = (struct clip_parity_difference){.max_abs = m[CP_MAX_ABS],
                                           .mean_abs = m[CP_MEAN_ABS],
                                           .rms = m[CP_RMS],
                                           .rel_l2 = m[CP_REL_L2],
                                           .cosine = m[CP_COSINE],
                                           .snr_db = m[CP_SNR_DB],
                                           .ulp_max = m[CP_ULP_MAX],
                                           .worst_row_rel_l2 = m[CP_WORST_REL_L2],
                                           .worst_row = m[CP_WORST_ROW] > 0 ? (size_t)m[CP_WORST_ROW] : 0,
                                           .nonfinite = (size_t)m[CP_NONFINITE],
                                           .different = (size_t)m[CP_DIFFERENT]};
    return CP_OK;
}

enum clip_parity_status clip_parity_compare(const float *x, const float *y, size_t rows, size_t width,
                                            struct clip_parity_difference *difference,
                                            struct clip_parity_error *error) {
    struct cp_error err = {CP_OK, "", "", ""};
    return cp_library_status(compare(x, y, rows, width, difference, &err), &err, error);
}
