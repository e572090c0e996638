/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t random_bits(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

float random_float(uint64_t *state, float low, float high) {
    return low + (high - low) * ((float)(random_bits(state) >> 40) * 0x1p-24f);
}

float random_normal(uint64_t *state) {
    float sum = -6.0f;
    for (int i = 0; i < 12; i++)
        sum += random_float(state, 0.0f, 1.0f);
    return sum;
}

bool same_bits(float a, float b) {
    return cp_bits(a) == cp_bits(b) || (isnan(a) && isnan(b));
}

float tree_of_16(const float *terms, size_t n, enum cp_dtype dtype) {
    float partial[16] = {0};
    for (size_t i = 0; i < n; i++)
        partial[i % 16] = cp_round_to(dtype, partial[i % 16] + terms[i]);
    for (size_t distance = 8; distance >= 1; distance /= 2)
        for (size_t j = 0; j < distance; j++)
            partial[j] = cp_round_to(dtype, partial[j] + partial[j + distance]);
    return partial[0];
}

/* The values after the header of a .npy file, which file stands behind, or NULL. */
static double *read_values(FILE *file, size_t count) {
    double *const values = malloc(count * sizeof *values);
    if (values != NULL && fread(values, sizeof *values, count, file) == count)
        return values;
    free(values);
    return NULL;
}

struct table read_table(const char *path) {
    struct table table = {0, 0, NULL};
    unsigned char start[10]; /* magic, version, length of the header */
    char header[512] = "";
    FILE *const file = fopen(path, "rb");
    if (file == NULL)
        return table;
    if (fread(start, 1, sizeof start, file) == sizeof start && start[8] + 256u * start[9] < sizeof header)
        (void)!fread(header, 1, start[8] + 256u * start[9], file);
    char *shape = strstr(header, "'descr': '<f8', 'fortran_order': False, 'shape': (");
    if (shape != NULL) {
        const size_t rows = strtoul(strchr(shape, '(') + 1, &shape, 10);
        const size_t columns = strtoul(shape + 1, &shape, 10);
        double *const values = read_values(file, rows * columns);
        if (values != NULL)
            table = (struct table){rows, columns, values};
    }
    (void)fclose(file);
    return table;
}
