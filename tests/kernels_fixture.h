/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the tests of number formats and kernels share: seeded floats, comparison of encodings, reference
 * tables. */
#ifndef CP_TESTS_KERNELS_FIXTURE_H
#define CP_TESTS_KERNELS_FIXTURE_H

#include "base/number.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* splitmix64: Steele, Lea and Flood, OOPSLA 2014. */
static inline uint64_t random_bits(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform in [low, high). */
static inline float random_float(uint64_t *state, float low, float high) {
    return low + (high - low) * ((float)(random_bits(state) >> 40) * 0x1p-24f);
}

/* Roughly normal with deviation 1: the sum of twelve uniforms. */
static inline float random_normal(uint64_t *state) {
    float sum = -6.0f;
    for (int i = 0; i < 12; i++)
        sum += random_float(state, 0.0f, 1.0f);
    return sum;
}

/* Same encoding, where all NaNs count as one. */
static inline bool same_bits(float a, float b) {
    return cp_bits(a) == cp_bits(b) || (isnan(a) && isnan(b));
}

struct table {
    size_t rows, columns;
    double *values; /* (rows, columns) */
};

/* Reads a two-dimensional little-endian float64 .npy file in C order; values is NULL where there is none
 * such. */
static inline struct table read_table(const char *path) {
    struct table table = {0, 0, NULL};
    unsigned char start[10];
    char header[512];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return table;
    size_t length = sizeof header;
    if (fread(start, 1, sizeof start, file) == sizeof start)
        length = start[8] + 256u * start[9];
    if (length < sizeof header && fread(header, 1, length, file) == length) {
        header[length] = '\0';
        const char *const shape = strstr(header, "'shape': (");
        if (strstr(header, "'<f8', 'fortran_order': False") != NULL && shape != NULL &&
            sscanf(shape, "'shape': (%zu, %zu)", &table.rows, &table.columns) == 2) {
            const size_t count = table.rows * table.columns;
            table.values = malloc(count * sizeof *table.values);
            if (table.values != NULL && fread(table.values, sizeof *table.values, count, file) != count) {
                free(table.values);
                table.values = NULL;
            }
        }
    }
    (void)fclose(file);
    return table;
}

#endif
