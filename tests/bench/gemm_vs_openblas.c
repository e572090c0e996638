/* SPDX-License-Identifier: GPL-3.0-or-later
 * linear.backend: tree against cblas_sgemm on the products of ViT-B/32 and ViT-L/14, weights packed
 * beforehand (as at load). Usage: gemm_vs_openblas [THREADS [ISA]]. Prints GFLOP/s from the median call of
 * each, and their ratio.
 *
 * Rounds of the two alternate, so that other load on the machine hits both. With several threads a pause
 * follows OpenBLAS's round: its workers keep spinning for a while after a call and would take our processors.
 */
#include "model/linear.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 9, MAX_CALLS = 40, PAUSE_MS = 150 };

static const size_t M[] = {1, 50, 77, 197, 400, 577, 1600};
static const size_t KN[][2] = {{768, 2304},  {768, 768},   {768, 3072},  {3072, 768},
                               {512, 1536},  {512, 512},   {512, 2048},  {2048, 512},
                               {1024, 3072}, {1024, 1024}, {1024, 4096}, {4096, 1024}};
enum { COUNT_M = sizeof M / sizeof M[0], COUNT_KN = sizeof KN / sizeof KN[0] };

struct bench {
    const struct cp_linear *linear;
    struct cp_pool *pool;
    struct cp_gemm args;
    float *scratch;
    const float *weight; /* (n, k) */
    double times[2][ROUNDS * MAX_CALLS];
    size_t count;
};

static double now(int threads) {
    struct timespec t;
    clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *floats(size_t count) {
    float *x = aligned_alloc(64, (count * sizeof *x + 63) / 64 * 64);
    if (!x) {
        fputs("out of memory\n", stderr);
        exit(2);
    }
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(i * 2654435761u % 65536) / 65536.0f - 0.5f;
    return x;
}

static double call(struct bench *bench, int ours) {
    const struct cp_gemm *g = &bench->args;
    const int threads = cp_pool_threads(bench->pool);
    const double start = now(threads);
    if (ours)
        cp_linear_run(bench->linear, g, bench->pool, bench->scratch);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)g->m, (int)g->n, (int)g->k, 1.0f, g->a,
                    (int)g->lda, bench->weight, (int)g->k, 0.0f, g->c, (int)g->ldc);
    return now(threads) - start;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *times, size_t count) {
    qsort(times, count, sizeof *times, by_value);
    return times[count / 2];
}

static void run_rounds(struct bench *bench) {
    const double flops = 2.0 * (double)bench->args.m * (double)bench->args.n * (double)bench->args.k;
    const double wanted = 1e9 / flops; /* about 20 ms a round */
    const size_t calls = wanted < 3 ? 3 : wanted > MAX_CALLS ? MAX_CALLS : (size_t)wanted;
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    bench->count = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < calls; i++)
            bench->times[0][bench->count + i] = call(bench, 0);
        if (cp_pool_threads(bench->pool) > 1)
            nanosleep(&pause, NULL);
        for (size_t i = 0; i < calls; i++)
            bench->times[1][bench->count + i] = call(bench, 1);
        bench->count += calls;
    }
}

/* Returns the ratio of speeds, ours over theirs. */
static double run_shape(struct bench *bench, size_t m, size_t k, size_t n) {
    float *a = floats(m * k), *weight = floats(n * k), *c = floats(m * n);
    float *packed = floats(bench->linear->packed_size(k, n));
    bench->linear->pack_nt(weight, k, n, k, packed);
    bench->scratch = floats((size_t)cp_pool_threads(bench->pool) * bench->linear->scratch_size(m, k));
    bench->weight = weight;
    bench->args = (struct cp_gemm){.a = a, .lda = k, .b = packed, .c = c, .ldc = n, .m = m, .n = n, .k = k};
    run_rounds(bench);
    const double theirs = median(bench->times[0], bench->count);
    const double ours = median(bench->times[1], bench->count);
    const double gflop = 2e-9 * (double)m * (double)n * (double)k;
    printf("%5zu %5zu %5zu %9.1f %9.1f %7.3f\n", m, k, n, gflop / ours, gflop / theirs, theirs / ours);
    fflush(stdout);
    free(a);
    free(weight);
    free(c);
    free(packed);
    free(bench->scratch);
    return theirs / ours;
}

int main(int argc, char **argv) {
    static struct bench bench;
    struct cp_error err;
    const int threads = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1;
    const struct cp_ops *ops = cp_ops_find(argc > 2 ? argv[2] : "auto");
    if (threads < 1 || !ops || cp_pool_create(threads, &bench.pool, &err) != CP_OK) {
        fputs("usage: gemm_vs_openblas [THREADS [ISA]]\n", stderr);
        return 4;
    }
    bench.linear = ops->linears[0];
    openblas_set_num_threads(threads);
    printf("%s, %d threads, against %s (%s)\n", ops->isa, threads, openblas_get_config(),
           openblas_get_corename());
    printf("%5s %5s %5s %9s %9s %7s\n", "m", "k", "n", "ours", "OpenBLAS", "ratio");
    double log_all = 0;
    double log_m[COUNT_M] = {0};
    for (size_t j = 0; j < COUNT_KN; j++)
        for (size_t i = 0; i < COUNT_M; i++) {
            const double ratio = log(run_shape(&bench, M[i], KN[j][0], KN[j][1]));
            log_m[i] += ratio / COUNT_KN;
            log_all += ratio / (COUNT_KN * COUNT_M);
        }
    for (size_t i = 0; i < COUNT_M; i++)
        printf("geometric mean, m = %4zu: %.3f\n", M[i], exp(log_m[i]));
    printf("geometric mean: %.3f\n", exp(log_all));
    cp_pool_free(bench.pool);
    return 0;
}
