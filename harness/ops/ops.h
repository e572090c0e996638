/* SPDX-License-Identifier: GPL-3.0-or-later
 * The components of the forward pass that have more than one implementation, as tables of variants.
 *
 * A variant is one file in a component's folder and one row of that component's table. The functions are
 * pure: no allocation, no I/O, no globals; scratch comes from the caller. `restrict`-free: in-place use (y ==
 * x) is allowed exactly where a comment says so. Rows are independent of each other, so a caller may split
 * them over threads. */
#ifndef CP_OPS_OPS_H
#define CP_OPS_OPS_H

#include "base/number.h"

#include <stddef.h>

/* What every variant says of itself; `clip-parity list` prints it and the variant tests read it. */
struct cp_variant {
    const char *name;     /* the value in an experiment file: "quick", "two_pass", ... */
    const char *imitates; /* the system that computes it so */
    const char *formula;  /* with the order of operations where it matters */
    const char *source;   /* paper, or repository and path */
    const char *maths;    /* id of the ideal function; equal ids: differences are rounding only */
    const char *aliases;  /* words that others have for it, for the hint of an error; NULL: none */
};

/* ---- activation: mlp.gelu ---- */

struct cp_activation {
    struct cp_variant info;
    /* y[i] = f(x[i]) for i < n, rounded as arithmetic in `compute` prescribes for this variant; y == x is
     * allowed. */
    void (*apply)(const float *x, float *y, size_t n, enum cp_dtype compute);
    /* Upper bound on |y - f(x)| for an x that `compute` represents (f in exact arithmetic), checked by the
     * tests. */
    double (*error_bound)(double x, enum cp_dtype compute);
};

/* ---- norm: ln_pre, ln_1, ln_2, ln_post, ln_final ---- */

struct cp_norm_args {
    const float *x;      /* (rows, width), contiguous */
    const float *weight; /* (width) */
    const float *bias;   /* (width) */
    float *y;            /* (rows, width); y == x is allowed */
    size_t rows, width;
    double eps;
    enum cp_dtype stats;  /* type in which mean and variance are accumulated and held */
    enum cp_dtype output; /* y is rounded to this last */
};

struct cp_norm {
    struct cp_variant info;
    void (*apply)(const struct cp_norm_args *args);
    /* Upper bound on |y - f(x)| for one row: max |x - mean| <= spread_max, given sigma = sqrt(var + eps),
     * |mean|, and the largest |weight| and |bias|. A stated multiple of the unit roundoff; checked by the
     * tests. */
    double (*error_bound)(const struct cp_norm_args *args, double mean, double sigma, double spread_max,
                          double weight_max, double bias_max);
};

/* ---- softmax over the last axis ---- */

/* In place on (rows, n) with row stride ld: x - max, exp, sum by the tree of 16, divide. compute = fp32:
 * float32 throughout, then rounded to output; fp16 / bf16: every operation rounded to it. Row r uses its
 * first min(n, first_row + r + 1) entries if causal, and the rest become exactly 0. */
struct cp_softmax_args {
    float *x;
    size_t rows, n, ld;
    size_t first_row; /* the query index of row 0, for the causal mask */
    int causal;
    enum cp_dtype compute;
    enum cp_dtype output;
};

/* ---- linear: every matrix product ---- */

/* C(m, n) = round_output(round_input(A)(m, k) * B(k, n) + bias(n)), with B packed beforehand.
 * Summation tree, for every element, whatever m, n, threads or instruction set: k is cut into blocks of 256;
 * inside a block one chain acc = fma(a, b, acc) from 0 in index order; block sums are added in index order;
 * then the bias. accumulate = fp16: the same tree with every fma, block addition and the bias addition
 * rounded once to fp16. */
struct cp_gemm {
    const float *a; /* (m, k), row stride lda */
    size_t lda;
    const float *b; /* packed, see pack_nt and pack_nn; already rounded to the input type by the caller */
    float *c;       /* (m, n), row stride ldc; must not overlap a or b */
    size_t ldc;
    const float *bias; /* (n) or NULL */
    size_t m, n, k;
    enum cp_dtype input;      /* A is rounded to this on the fly */
    enum cp_dtype accumulate; /* fp32 or fp16 */
    enum cp_dtype output;
};

struct cp_linear {
    struct cp_variant info;
    /* Floats needed for a packed (k, n) matrix, and for the scratch of one gemm call. */
    size_t (*packed_size)(size_t k, size_t n);
    size_t (*scratch_size)(size_t m, size_t k);
    /* Packs B^T given as (n, k) with row stride ldb (nn.Linear's weight), or B as (k, n) (x @ proj). */
    void (*pack_nt)(const float *b, size_t ldb, size_t n, size_t k, float *packed);
    void (*pack_nn)(const float *b, size_t ldb, size_t k, size_t n, float *packed);
    /* Computes the rows [row, row + rows) and the column panels of CP_PANEL columns
     * [panel, panel + panels). */
    void (*gemm)(const struct cp_gemm *args, size_t row, size_t rows, size_t panel, size_t panels,
                 float *scratch);
};

enum { CP_PANEL = 32, CP_K_BLOCK = 256 };

/* ---- the tables, one set per instruction set ---- */

struct cp_ops {
    const char *isa; /* "scalar", "avx2", "avx512" */
    const struct cp_activation *const *activations;
    const struct cp_norm *const *norms;
    const struct cp_linear *const *linears; /* each list ends with NULL; the order is the variant's index */
    void (*softmax)(const struct cp_softmax_args *args);
    /* Elementwise: y[i] = round(x[i]); y[i] = round(x[i] + a[i]); y == x is allowed. */
    void (*round)(const float *x, float *y, size_t n, enum cp_dtype dtype);
    void (*add)(const float *x, const float *a, float *y, size_t n, enum cp_dtype output);
    void (*scale)(const float *x, float factor, float *y, size_t n, enum cp_dtype output);
    /* y[r][i] = round(x[r][i] * gain[i]) on (rows, width); y == x is allowed. */
    void (*gain)(const float *x, const float *gain, float *y, size_t rows, size_t width,
                 enum cp_dtype output);
    /* y = x / max(||x||_2, 1e-12) on (rows, width): squares summed by the tree of 16, the norm a tensor of
     * the output's type (F.normalize, x / x.norm()). */
    void (*normalize)(const float *x, float *y, size_t rows, size_t width, enum cp_dtype output);
};

/* The kernels for an instruction set by name, or the best the processor has if name is NULL or "auto"; NULL
 * where the name is unknown, was not built, or the processor lacks it. */
const struct cp_ops *cp_ops_find(const char *name);
/* Names that cp_ops_find would accept on this machine, best first, NULL-terminated. */
const char *const *cp_ops_available(void);

#endif
