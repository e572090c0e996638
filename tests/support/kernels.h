/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the tests of number formats and kernels share: seeded floats, comparison of encodings, reference
 * tables. */
#ifndef CP_TESTS_SUPPORT_KERNELS_H
#define CP_TESTS_SUPPORT_KERNELS_H

#include "base/number.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* splitmix64: Steele, Lea and Flood, OOPSLA 2014. */
uint64_t random_bits(uint64_t *state);

/* Uniform in [low, high). */
float random_float(uint64_t *state, float low, float high);

/* Roughly normal with deviation 1: the sum of twelve uniforms. */
float random_normal(uint64_t *state);

/* Same encoding, where all NaNs count as one. */
bool same_bits(float a, float b);

/* The sum by the tree of 16 as the contract words it, element by element; every addition rounded to dtype. */
float tree_of_16(const float *terms, size_t n, enum cp_dtype dtype);

struct table {
    size_t rows, columns;
    double *values; /* (rows, columns) */
};

/* Reads a two-dimensional little-endian float64 .npy file in C order; all zero where there is none such. The
 * caller frees values. */
struct table read_table(const char *path);

#endif
