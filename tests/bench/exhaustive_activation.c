/* SPDX-License-Identifier: GPL-3.0-or-later
 * exp, erf and tanh of harness/ops/math.h at all 2^32 float32 inputs: the worst error in ULP against float64
 * libm (whose own error is added), the 1,000 worst inputs of each thread again against MPFR, and equal bits
 * at every vector width this machine has. Exits with 1 where a stated bound does not hold.
 * exhaustive_activation [threads] */
#include "base/pool.h"
#include "support/kernels.h"

#include "ops/math.h"
#include "ops/ops.h"

#include <math.h>
#include <mpfr.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK = 16384, WORST = 1000 };

/* glibc's exp, erf and tanh err by less than 2 ULP of float64: in ULP of float32 at the same value. */
#define LIBM_ULP 0x1p-28
#define LARGEST ((double)0x1.fffffep127f)

#define WALK(name, function, attributes)                                                                     \
    attributes static void name(const float *x, float *y) {                                                  \
        for (size_t i = 0; i < BLOCK; i++)                                                                   \
            y[i] = function(x[i]);                                                                           \
    }
#define WALKS(function)                                                                                      \
    WALK(function##_scalar, function, )                                                                      \
    WALK(function##_avx2, function, __attribute__((target("avx2,fma"))))                                     \
    WALK(function##_avx512, function, __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma"))))

WALKS(cp_expf)
WALKS(cp_erff)
WALKS(cp_tanhf)

struct function {
    const char *name;
    void (*scalar)(const float *x, float *y);
    void (*avx2)(const float *x, float *y);
    void (*avx512)(const float *x, float *y);
    double (*libm)(double x);
    int (*mpfr)(mpfr_t y, const mpfr_t x, mpfr_rnd_t rounding);
    double bound;
};

static const struct function functions[] = {
    {"exp", cp_expf_scalar, cp_expf_avx2, cp_expf_avx512, exp, mpfr_exp, CP_EXP_ULP},
    {"erf", cp_erff_scalar, cp_erff_avx2, cp_erff_avx512, erf, mpfr_erf, CP_ERF_ULP},
    {"tanh", cp_tanhf_scalar, cp_tanhf_avx2, cp_tanhf_avx512, tanh, mpfr_tanh, CP_TANH_ULP},
};

struct worst {
    double ulp;
    float x, y;
};

struct tally { /* of one worker */
    size_t unequal, wrong_class;
    struct worst worst[WORST]; /* a heap: the least of them first */
};

struct check {
    const struct function *f;
    struct tally *tallies; /* (threads) */
};

static bool supports(const char *isa) {
    return cp_ops_find(isa) != NULL;
}

/* Puts w in the place of the least of the worst. */
static void replace_least(struct worst heap[WORST], struct worst w) {
    size_t at = 0;
    for (;;) {
        size_t least = 2 * at + 1;
        if (least + 1 < WORST && heap[least + 1].ulp < heap[least].ulp)
            least++;
        if (least >= WORST || w.ulp <= heap[least].ulp)
            break;
        heap[at] = heap[least];
        at = least;
    }
    heap[at] = w;
}

/* Infinity counts as 2^128, where the next binade would begin, and so does any larger exact value. */
static double ulps(float y, double exact) {
    const double value = isinf(y) ? copysign(0x1p128, (double)y) : (double)y;
    const double capped = fabs(exact) > 0x1p128 ? copysign(0x1p128, exact) : exact;
    return fabs(value - capped) / cp_ulp_at(CP_FP32, fmin(fabs(exact), LARGEST));
}

static bool class_is_right(float y, double exact) {
    if (isnan(exact) || isinf(exact))
        return isnan(exact) ? isnan(y) : isinf(y);
    return !isnan(y) && (y == 0.0f || (signbit(y) != 0) == (signbit(exact) != 0));
}

static void compare(const struct function *f, const float *x, const float *y, struct tally *tally) {
    for (size_t i = 0; i < BLOCK; i++) {
        const double exact = f->libm((double)x[i]);
        if (!class_is_right(y[i], exact)) {
            tally->wrong_class++;
            continue;
        }
        const double error = isfinite(exact) ? ulps(y[i], exact) : 0.0;
        if (error > tally->worst[0].ulp)
            replace_least(tally->worst, (struct worst){error, x[i], y[i]});
    }
}

static size_t count_unequal(const float *a, const float *b) {
    size_t count = 0;
    for (size_t i = 0; i < BLOCK; i++)
        count += !same_bits(a[i], b[i]);
    return count;
}

static void check_block(void *context, size_t index, int worker) {
    const struct check *const check = context;
    const struct function *const f = check->f;
    struct tally *const tally = &check->tallies[worker];
    float x[BLOCK], y[BLOCK], other[BLOCK];
    for (size_t i = 0; i < BLOCK; i++)
        x[i] = cp_from_bits((uint32_t)(index * BLOCK + i));
    f->scalar(x, y);
    if (supports("avx2")) {
        f->avx2(x, other);
        tally->unequal += count_unequal(y, other);
    }
    if (supports("avx512")) {
        f->avx512(x, other);
        tally->unequal += count_unequal(y, other);
    }
    compare(f, x, y, tally);
}

/* The error in ULP of one result, exact to far more digits than are printed. */
static double ulps_by_mpfr(const struct function *f, const struct worst *w) {
    mpfr_t x, exact, error;
    mpfr_inits2(200, x, exact, error, (mpfr_ptr)NULL);
    mpfr_set_flt(x, w->x, MPFR_RNDN);
    f->mpfr(exact, x, MPFR_RNDN);
    const double magnitude = fabs(mpfr_get_d(exact, MPFR_RNDN));
    mpfr_sub_d(error, exact, isinf(w->y) ? 0x1p128 : (double)w->y, MPFR_RNDN);
    const double difference = fabs(mpfr_get_d(error, MPFR_RNDN));
    mpfr_clears(x, exact, error, (mpfr_ptr)NULL);
    return difference / cp_ulp_at(CP_FP32, fmin(magnitude, LARGEST));
}

static bool report(const struct check *check, size_t threads) {
    const struct function *const f = check->f;
    double libm = 0.0;
    struct worst worst = {0};
    size_t unequal = 0, wrong_class = 0;
    for (size_t t = 0; t < threads; t++) {
        const struct tally *const tally = &check->tallies[t];
        unequal += tally->unequal;
        wrong_class += tally->wrong_class;
        for (size_t i = 0; i < WORST; i++) {
            const struct worst *const w = &tally->worst[i];
            const double exact = ulps_by_mpfr(f, w);
            libm = fmax(libm, w->ulp);
            if (exact > worst.ulp)
                worst = (struct worst){exact, w->x, w->y};
        }
    }
    const bool ok = libm + LIBM_ULP <= f->bound && worst.ulp <= f->bound && wrong_class + unequal == 0;
    printf(
        "%-4s worst %.9f ULP against libm, %.9f against MPFR at x = %a (bound %g); %zu of the wrong class or "
        "sign; %zu unequal between widths: %s\n",
        f->name, libm, worst.ulp, (double)worst.x, f->bound, wrong_class, unequal, ok ? "ok" : "FAILED");
    return ok;
}

int main(int argc, char **argv) {
    struct cp_error error;
    struct cp_pool *pool;
    bool ok = true;
    const int threads = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 2;
    if (cp_pool_create(threads, &pool, &error) != CP_OK)
        return CP_INTERNAL;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        struct check check = {&functions[i], calloc((size_t)threads, sizeof *check.tallies)};
        if (check.tallies == NULL)
            return CP_INTERNAL;
        cp_pool_for(pool, ((size_t)1 << 32) / BLOCK, check_block, &check);
        ok = report(&check, (size_t)threads) && ok;
        free(check.tallies);
    }
    cp_pool_free(pool);
    return ok ? CP_OK : CP_PARITY_FAILURE;
}
