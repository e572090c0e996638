/* SPDX-License-Identifier: GPL-3.0-or-later
 * Asks the processor and the operating system which of the compiled instruction sets can run, best first. */
#include "ops/ops.h"

#include <stdbool.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

extern const struct cp_ops cp_ops_set_scalar, cp_ops_set_avx2, cp_ops_set_avx512;

/* Best first; each set needs what the next needs and more, so what a processor accepts is a tail of this
 * list. */
static const struct cp_ops *const sets[] = {
#ifdef CP_HAS_AVX512
    &cp_ops_set_avx512,
#endif
#ifdef CP_HAS_AVX2
    &cp_ops_set_avx2,
#endif
    &cp_ops_set_scalar,
};

static const char *const names[] = {
#ifdef CP_HAS_AVX512
    "avx512",
#endif
#ifdef CP_HAS_AVX2
    "avx2",
#endif
    "scalar",
    NULL,
};

#if defined(__x86_64__)
/* __builtin_cpu_supports asks the operating system too, but clang's does not know "f16c". */
static bool has_avx2(void) {
    unsigned eax, ebx, ecx, edx;
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_F16C) != 0;
}

static bool has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
#endif

static bool supported(const char *name) {
#if defined(__x86_64__)
    if (strcmp(name, "avx2") == 0)
        return has_avx2();
    if (strcmp(name, "avx512") == 0)
        return has_avx512();
#endif
    return strcmp(name, "scalar") == 0;
}

static size_t best(void) {
    size_t index = 0;
    while (!supported(names[index]))
        index++;
    return index;
}

const struct cp_ops *cp_ops_find(const char *name) {
    size_t index = best();
    if (name == NULL || strcmp(name, "auto") == 0)
        return sets[index];
    while (names[index] != NULL && strcmp(names[index], name) != 0)
        index++;
    return names[index] != NULL ? sets[index] : NULL;
}

const char *const *cp_ops_available(void) {
    return names + best();
}
