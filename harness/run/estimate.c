/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a study will take, before it runs. */
#include "run/analysis.h"
#include "run/captured/captured.h"

#include "base/clock.h"
#include "base/digest.h"

#include <stdlib.h>

/* Bytes of groups, dimension scales and indices for a tap of a capture, as measured. */
enum { TAP_OVERHEAD = 40 << 10 };

static const size_t metrics_row = CP_PART_COUNT * CP_METRIC_COUNT * sizeof(double);

/* Multiply-adds of one input through one tower. */
static double tower_work(const struct cp_clip_config *c, enum cp_tower tower) {
    const struct cp_tower_shape s = cp_tower_shape(c, tower);
    const double tokens = (double)s.tokens, width = (double)s.width;
    return (double)s.layers * tokens * (4 * width * width + 2 * width * (double)s.mlp + 2 * tokens * width) +
           width * c->embed_dim;
}

double cp_study_flops(const struct cp_study *study, size_t images, size_t prompts) {
    const struct cp_clip_config *c = &study->model.config;
    const double tokens = (double)cp_tower_shape(c, CP_VISUAL).tokens, patch = c->vision.patch_size;
    const double image = tower_work(c, CP_VISUAL) + tokens * 3 * patch * patch * c->vision.width;
    return 2 * (image * (double)images + tower_work(c, CP_TEXT) * (double)prompts);
}

static void add_site(const struct cp_study *study, const struct cp_site *site, enum cp_record_mode mode,
                     struct cp_estimate *e) {
    const size_t inputs = site->shape[0], candidates = study->spec_count - 1;
    const size_t values = mode >= CP_MODE_FULL ? cp_site_row(site) : 0;
    size_t row = CP_DIGEST_BYTES, compared = metrics_row;
    if (mode >= CP_MODE_STATS) {
        row += CP_STAT_COUNT * sizeof(double) + CP_EXPONENT_BINS * sizeof(int32_t);
        compared += CP_ULP_BINS * sizeof(int32_t);
    }
    e->file += inputs * (row + values * sizeof(float)) * study->spec_count;
    e->file += inputs * (row + values * sizeof(double)) * study->oracle_count;
    e->full += inputs * values * (sizeof(float) * study->spec_count + sizeof(double) * study->oracle_count);
    e->elements +=
        (double)inputs * (double)cp_site_row(site) * (double)(study->spec_count + study->oracle_count);
    e->file += TAP_OVERHEAD * (study->spec_count + study->oracle_count);
    e->file += inputs * candidates * compared;
    e->buffers += study->batch * cp_site_row(site) * (study->oracle_count + 1) * sizeof(double) /
                  (site->layer < 0 ? 1 : cp_tower_shape(&study->model.config, site->tower).layers);
}

/* What is captured is not run. */
static struct cp_estimate work_of(const struct cp_study *study) {
    const struct cp_run_inputs *in = &study->inputs;
    size_t computed = 0, own = 0;
    for (size_t o = 0; o < study->own_count; o++)
        own += 2 * study->own[o].bytes;
    for (size_t s = 0; s < study->spec_count; s++)
        computed += !cp_captured_of(study, s);
    return (struct cp_estimate){
        .weights = 2 * study->model.bytes + own,
        .buffers = cp_workspace_bytes(&study->model.config, study->batch, study->threads),
        .flops = cp_study_flops(study, in->images, in->prompts) * (double)computed,
        .oracle_flops =
            cp_study_flops(study, study->oracle_images, study->oracle_prompts) * (double)study->oracle_count,
    };
}

/* ---- time ---- */

/* As measured on the demo and on a seeded ViT-B/32: what an operation of the oracle takes in terms of one in float32, without and
 * with the ledger, and the statistics, comparisons and digests of an element, in seconds. */
static const double oracle_per_product = 45, ledger_per_product = 65, element_seconds = 5e-8;

enum { ROWS = 64, WIDTH = 768 };

/* The second of two products, when pages are there. */
static double time_product(const struct cp_linear *linear, const struct cp_gemm *gemm, float *scratch) {
    double seconds = 0;
    for (int run = 0; run < 2; run++) {
        const double began = cp_clock_seconds();
        linear->gemm(gemm, 0, ROWS, 0, WIDTH / CP_PANEL, scratch);
        seconds = cp_clock_seconds() - began;
    }
    return seconds;
}

/* Operations a second of one thread, measured; 0: without memory. */
static double measure_rate(const struct cp_linear *linear) {
    const size_t inputs = (size_t)ROWS * WIDTH, weights = (size_t)WIDTH * WIDTH;
    const size_t packed_size = linear->packed_size(WIDTH, WIDTH),
                 scratch_size = linear->scratch_size(ROWS, WIDTH);
    float *memory = calloc(2 * inputs + weights + packed_size + scratch_size, sizeof *memory);
    if (!memory)
        return 0;
    float *weight = memory + 2 * inputs, *packed = weight + weights;
    linear->pack_nt(weight, WIDTH, WIDTH, WIDTH, packed);
    const struct cp_gemm gemm = {.a = memory,
                                 .lda = WIDTH,
                                 .b = packed,
                                 .c = memory + inputs,
                                 .ldc = WIDTH,
                                 .m = ROWS,
                                 .n = WIDTH,
                                 .k = WIDTH,
                                 .input = CP_FP32,
                                 .accumulate = CP_FP32,
                                 .output = CP_FP32};
    const double seconds = time_product(linear, &gemm, packed + packed_size);
    free(memory);
    return seconds > 0 ? 2.0 * ROWS * WIDTH * WIDTH / seconds : 0;
}

double cp_study_seconds(const struct cp_study *study) {
    const struct cp_estimate e = cp_study_estimate(study);
    const double rate = measure_rate(study->ops->linears[0]),
                 oracle = study->experiment->ledger ? ledger_per_product : oracle_per_product;
    return rate > 0
               ? ((e.flops + oracle * e.oracle_flops) / rate + e.elements * element_seconds) / study->threads
               : 0;
}

struct cp_estimate cp_study_estimate(const struct cp_study *study) {
    struct cp_estimate e = {0};
    if (study->modelled)
        e = work_of(study);
    for (size_t i = 0; i < study->sites.count; i++)
        if (study->modes[i] != CP_MODE_OFF)
            add_site(study, &study->sites.list[i], study->modes[i], &e);
    cp_analyses_cost(study, &e);
    return e;
}
