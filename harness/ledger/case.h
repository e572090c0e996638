/* SPDX-License-Identifier: GPL-3.0-or-later
 * One operation on the operands that a system recorded of itself: what is to be computed (the maths), in
 * which arithmetic, and three evaluations of it:
 *
 *   ideal  the function in float64. y is judged by r = y - ideal(x), x being that system's own operands, so
 *          that nothing is inherited from what came before.
 *   bound  for each element the worst case of |r| over every legitimate evaluation in the declared
 *          arithmetic: any order and grouping of sums, FMA or not, any wider intermediate type, operands that
 *          were wider than what was recorded of them, flushed subnormals, and in half precision a rounding
 *          after every elementary operation and of up to CP_CASE_PARTS partial sums.
 *   plain  one plain evaluation in the declared arithmetic, of which `seed` picks the order of sums: the
 *          yardstick of how coarse r is.
 *
 * Tensors are contiguous: y is (inputs, groups, rows, out), groups being the heads where the last axis is
 * keys, else 1; x[0] is (inputs, rows, in) unless a kind says otherwise. Only the first valid[i] rows of
 * input i are computed, the others are left alone. The derivation of each bound stands beside its code. u is
 * the unit roundoff of a type. */
#ifndef CP_LEDGER_CASE_H
#define CP_LEDGER_CASE_H

#include "base/arena.h"
#include "base/number.h"
#include "base/pool.h"
#include "base/status.h"
#include "tap/family.h"

#include <stdint.h>

/* Half-precision kernels may hold so many partial sums of one element in the result's type. */
enum { CP_CASE_PARTS = 8 };

/* What operands or weights may have been rounded to without being declared (ledger/narrow.h). */
enum cp_narrow {
    CP_NARROW_SAME,
    CP_NARROW_TF32,
    CP_NARROW_FP16,
    CP_NARROW_BF16,
    CP_NARROW_INT8,         /* one scale for the tensor, symmetric */
    CP_NARROW_UINT8,        /* one scale and zero point for the tensor */
    CP_NARROW_INT8_CHANNEL, /* one scale for each row of the weight */
    CP_NARROW_COUNT
};

enum cp_mask { CP_MASK_NONE, CP_MASK_CAUSAL, CP_MASK_STRICT /* the query's own key hidden as well */ };
enum cp_pooled { CP_POOLED_AT, CP_POOLED_MEAN, CP_POOLED_MEAN_ALL };

/* The function. Fields that a kind does not read are zero. */
struct cp_case_maths {
    const char *activation; /* maths id, or "identity", "relu", "silu" */
    const char *norm;       /* maths id */
    double eps;
    double ddof;             /* of the norm's variance: 0 biased, 1 unbiased */
    double scale;            /* of scores and logits, of the softmax's argument where not 0 */
    const double *head;      /* (groups) further factors of the scores; NULL: 1 */
    double shift;            /* logit_bias */
    enum cp_mask mask;       /* of the softmax */
    const uint32_t *visible; /* (inputs, visible_count) tokens that are seen; NULL: all */
    size_t visible_count;
    bool left_out, zero;     /* y is the first operand; y is 0 */
    bool no_bias, no_weight; /* as if they were 0 and 1 */
    bool swapped;            /* weight and bias exchanged */
    bool transposed;         /* the square weight read as (in, out) */
    bool in_out;             /* the weight is stored as (in, out) */
    enum cp_pooled pooled;
    const int *at;          /* (inputs) the pooled token */
    int position_shift;     /* of the position table */
    bool no_lead_position;  /* the class token has no position */
    bool first_input;       /* every input is input 0 of the batch */
    size_t templates;       /* of a class */
    double mean[3], std[3]; /* of NORMALIZE */
    bool twice;             /* applied to its own result once more */
    bool reversed;          /* planes in the other order (RGB, BGR) */
    enum cp_narrow x_format, w_format;
    bool format_outputs; /* what leaves the operation is of x_format, too */
};

struct cp_case_types {
    enum cp_dtype compute;              /* what operands and weights are rounded to */
    enum cp_dtype accumulate;           /* of sums */
    enum cp_dtype stats;                /* of norms and of the inside of the softmax */
    enum cp_dtype output;               /* of the result */
    enum cp_dtype operand[CP_OPERANDS]; /* that each operand is recorded in */
    enum cp_dtype weights; /* that the weights are rounded to at load: part of what is declared */
};

struct cp_case {
    enum cp_operation_kind kind;
    size_t inputs, groups, rows, in, out;
    size_t lead;         /* EMBED: rows before the operand's first, 1 where there is a class token */
    size_t operand_rows; /* of x[0] for EMBED and POOL; of x[1] for LOGITS: its inputs; LINEAR: not 0 where a
                            row is a patch */
    const int *valid;    /* (inputs) rows that count; NULL: all */
    size_t step;         /* plain evaluations and residuals: only every step-th row; 0: every row */
    struct cp_case_maths maths;
    struct cp_case_types types;
    const float *weight, *bias; /* as the model has them: not yet rounded to types.weights */
    const float *lead_row;      /* EMBED: the class embedding */
    const float *qkv[3],
        *qkv_bias[3];   /* LINEAR, of q, k or v: all three parts, for the explanations; else NULL */
    const int32_t *ids; /* GATHER: (inputs, rows) */
    size_t vocabulary;
    struct cp_pool *pool;     /* NULL: one thread */
    struct cp_arena *scratch; /* taken from and never reset here */
};

struct cp_kind {
    enum cp_status (*ideal)(const struct cp_case *c, const double *const x[CP_OPERANDS], double *y,
                            struct cp_error *err);
    /* f: the ideal result. */
    enum cp_status (*bound)(const struct cp_case *c, const double *const x[CP_OPERANDS], const double *f,
                            double *bound, struct cp_error *err);
    enum cp_status (*plain)(const struct cp_case *c, const float *const x[CP_OPERANDS], uint64_t seed,
                            float *y, struct cp_error *err);
};
/* The three of a kind, with what every kind shares: operands and weights in an undeclared format, an
 * operation left out, the first input repeated. NULL in `ideal`: the kind has none (GIVEN). */
const struct cp_kind *cp_kind_of(enum cp_operation_kind kind);
/* Whether an activation's maths has its function, its plain evaluation and the form that the bound holds for. */
bool cp_ledger_has_activation(const char *maths);
enum cp_status cp_case_ideal(const struct cp_case *c, const double *const x[CP_OPERANDS], double *y,
                             struct cp_error *err);
enum cp_status cp_case_bound(const struct cp_case *c, const double *const x[CP_OPERANDS], const double *f,
                             double *bound, struct cp_error *err);
enum cp_status cp_case_plain(const struct cp_case *c, const float *const x[CP_OPERANDS], uint64_t seed,
                             float *y, struct cp_error *err);

/* ---- sizes ---- */

static inline size_t cp_case_elements(const struct cp_case *c) { /* of y, for one input */
    return c->groups * c->rows * c->out;
}
static inline size_t cp_case_step_rows(const struct cp_case *c) {
    return c->step ? c->step : 1;
}
static inline size_t cp_case_valid(const struct cp_case *c, size_t input) {
    return c->valid ? (size_t)c->valid[input] : c->rows;
}
/* Elements of operand i over all inputs. */
size_t cp_case_operand_size(const struct cp_case *c, int operand);

/* ---- what the kinds share ---- */

/* count elements from the case's scratch; the macro leaves the calling function where there are none. */
void *cp_case_alloc(const struct cp_case *c, size_t count, size_t size, struct cp_error *err);
#define CP_CASE_TAKE(c, pointer, count)                                                                      \
    CP_TRY(((pointer) = cp_case_alloc((c), (count), sizeof *(pointer), err)) ? CP_OK : CP_INTERNAL)

/* The half-ulp that an operand may have lost when it was recorded, relative. */
static inline double cp_case_recorded(const struct cp_case *c, int operand) {
    return cp_unit_roundoff(c->types.operand[operand]);
}
/* And absolutely: half the spacing of a half type's subnormals, or all of a subnormal that is flushed. */
static inline double cp_case_lost(const struct cp_case *c, int operand) {
    return c->types.operand[operand] == CP_FP16 ? 0x1p-25 : 0x1p-126;
}
/* The unit of one elementary operation: of the result's type in half precision, else of float32. */
static inline double cp_case_step(const struct cp_case *c) {
    return cp_unit_roundoff(c->types.output);
}
/* What a result may lose by flushing subnormals: the least normal number of the type. */
static inline double cp_case_tiny(enum cp_dtype type) {
    return type == CP_FP16 ? 0x1p-14 : 0x1p-126;
}
/* A weight as declared. */
static inline double cp_case_weight(const struct cp_case *c, float w) {
    return (double)cp_round_to(c->types.weights, w);
}
/* Whether the n-th of count terms ends one of the partial sums that a half-precision kernel may hold. */
static inline bool cp_case_ends_part(const struct cp_case *c, size_t n, size_t count) {
    return c->types.output != CP_FP32 && n % ((count + CP_CASE_PARTS - 1) / CP_CASE_PARTS) == 0;
}
/* Runs body(context, input) for every input on the case's pool. */
void cp_case_each(const struct cp_case *c, void (*body)(void *context, size_t input, int worker),
                  void *context);

#endif
