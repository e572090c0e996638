/* SPDX-License-Identifier: GPL-3.0-or-later
 * PyTorch's random numbers on the CPU, to the bit: the generator of torch.manual_seed (MT19937; Matsumoto and
 * Nishimura, "Mersenne Twister", ACM TOMACS 8(1), 1998) and what ATen makes of it for float32 tensors.
 * Checked against PyTorch 1.13 (reference/golden/torch_random).
 *
 * ATen has two ways of computing, which differ in bits: `avx2` (what PyTorch uses on any processor with AVX2,
 * those with AVX-512 among them) contracts multiply and add, and takes logarithm, sine and cosine from
 * Cephes' polynomials; `default` (ATEN_CPU_CAPABILITY=default) rounds each operation and asks the C library.
 * Tensors of fewer than 16 elements take normal numbers one by one, in float64, by either way.
 *
 * What calls the C library gives PyTorch's bits where PyTorch has the same one (checked with glibc 2.36).
 *
 * Source: pytorch/pytorch v1.13 aten/src/ATen/core/MT19937RNGEngine.h, DistributionsHelper.h,
 * TransformationHelper.h, native/cpu/DistributionTemplates.h, native/cpu/avx_mathfun.h,
 * native/TensorFactories.cpp (randperm_cpu), native/Math.h (calc_erfinv), torch/nn/init.py. */
#ifndef CP_TORCH_RANDOM_H
#define CP_TORCH_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cp_torch_capability { CP_TORCH_AVX2, CP_TORCH_DEFAULT };

struct cp_torch_random {
    uint32_t state[624];
    int next;        /* of state; 624: none is left */
    bool has_normal; /* a normal number is left of a pair */
    double normal;
    enum cp_torch_capability capability;
};

/* torch.manual_seed */
void cp_torch_seed(struct cp_torch_random *random, uint64_t seed, enum cp_torch_capability capability);
uint32_t cp_torch_next(struct cp_torch_random *random);

/* Tensor.uniform_(from, to); torch.rand is uniform_(0, 1). */
void cp_torch_uniform(struct cp_torch_random *random, float *x, size_t n, double from, double to);
/* Tensor.normal_(mean, std); torch.randn is normal_(0, 1). */
void cp_torch_normal(struct cp_torch_random *random, float *x, size_t n, double mean, double std);
/* torch.nn.init.trunc_normal_(mean, std, a, b) */
void cp_torch_trunc_normal(struct cp_torch_random *random, float *x, size_t n, double mean, double std,
                           double a, double b);
/* torch.nn.init.kaiming_uniform_(a=sqrt(5)), which nn.Linear and nn.Conv2d begin with */
void cp_torch_kaiming_uniform(struct cp_torch_random *random, float *x, size_t n, size_t fan_in);
/* torch.randperm(n), n below 2^32 / 20 */
void cp_torch_permutation(struct cp_torch_random *random, int64_t *order, size_t n);

/* torch.manual_seed(seed), then torch.randn of `total` elements, read piece by piece: the numbers are the
 * same whatever the pieces. */
struct cp_torch_normals {
    struct cp_torch_random random;
    uint64_t seed;
    size_t total, drawn; /* drawn: uniform numbers so far */
    size_t start;        /* of the sixteen at hand; SIZE_MAX: none */
    float group[16];
};
void cp_torch_normals_start(struct cp_torch_normals *whole, uint64_t seed,
                            enum cp_torch_capability capability, size_t total);
/* Numbers [first, first + count) of the total. To go on behind the last piece costs what it reads; to go back
 * or to leap, also the draws of all that is before. */
void cp_torch_normals_read(struct cp_torch_normals *whole, size_t first, size_t count, float *x);

#endif
