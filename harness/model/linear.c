/* SPDX-License-Identifier: GPL-3.0-or-later
 * Cuts the product into tasks by rows, then by panels, so that no thread waits long for another. */
#include "model/linear.h"

/* Tasks per thread: enough that a thread which starts late or is interrupted does not leave the others idle.
 */
enum { TASKS_PER_THREAD = 4 };
/* A task below this many rows reads a panel of B for too few rows; below this many panels, copies A for too
 * few. */
enum { MIN_ROWS = 96, MIN_PANELS = 4 };

struct run {
    const struct cp_linear *linear;
    const struct cp_gemm *args;
    float *scratch;
    size_t scratch_size; /* floats per thread */
    size_t panels;
    size_t row_parts, panel_parts;
};

static size_t clamp(size_t x, size_t low, size_t high) {
    return x < low ? low : x > high ? high : x;
}

static void run_task(void *context, size_t index, int worker) {
    const struct run *run = context;
    const size_t i = index / run->panel_parts;
    const size_t j = index % run->panel_parts;
    const size_t row = run->args->m * i / run->row_parts;
    const size_t panel = run->panels * j / run->panel_parts;
    run->linear->gemm(run->args, row, run->args->m * (i + 1) / run->row_parts - row, panel,
                      run->panels * (j + 1) / run->panel_parts - panel,
                      run->scratch + (size_t)worker * run->scratch_size);
}

/* Rows are cut first, since every task copies its rows of A; panels make up what is missing. */
void cp_linear_run(const struct cp_linear *linear, const struct cp_gemm *args, struct cp_pool *pool,
                   float *scratch) {
    const size_t threads = (size_t)cp_pool_threads(pool);
    const size_t tasks = threads == 1 ? 1 : threads * TASKS_PER_THREAD;
    struct run run = {.linear = linear,
                      .args = args,
                      .scratch_size = linear->scratch_size(args->m, args->k),
                      .panels = (args->n + CP_PANEL - 1) / CP_PANEL};
    run.scratch = scratch;
    if (args->m == 0 || run.panels == 0)
        return;
    run.row_parts = clamp(args->m / MIN_ROWS, 1, tasks);
    run.panel_parts =
        clamp((tasks + run.row_parts - 1) / run.row_parts, 1, clamp(run.panels / MIN_PANELS, 1, tasks));
    cp_pool_for(pool, run.row_parts * run.panel_parts, run_task, &run);
}
