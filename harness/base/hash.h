/* SPDX-License-Identifier: GPL-3.0-or-later
 * Counter-based random numbers: a value is a function of (seed, stream, index), so any element can be made
 * alone and in any order. The mixing function is SplitMix64's finaliser (Steele, Lea & Flood, "Fast
 * splittable pseudorandom number generators", OOPSLA 2014). Python computes the same:
 * reference/pytorch/counter.py. */
#ifndef CP_BASE_HASH_H
#define CP_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t cp_mix64(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline uint64_t cp_counter_hash(uint64_t seed, uint64_t stream, uint64_t index) {
    const uint64_t z = cp_mix64(seed + 0x9E3779B97F4A7C15u * (stream + 1));
    return cp_mix64(cp_mix64(z ^ (index * 0xBF58476D1CE4E5B9u + 0x94D049BB133111EBu)));
}

/* FNV-1a, 64 bits (Fowler, Noll & Vo), of a name's bytes: the stream of a tensor. */
static inline uint64_t cp_name_hash(const char *name) {
    uint64_t hash = 0xCBF29CE484222325u;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001B3u;
    return hash;
}

/* FNV-1a over words of 32 bits, such as float32 values. */
static inline uint64_t cp_words_hash(const void *words, size_t count) {
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, (const unsigned char *)words + i * sizeof word, sizeof word);
        hash = (hash ^ word) * 0x100000001B3u;
    }
    return hash;
}

/* Uniform on [-1, 1), a multiple of 2^-23: exact in float32. */
static inline double cp_counter_unit(uint64_t seed, uint64_t stream, uint64_t index) {
    return (double)(cp_counter_hash(seed, stream, index) >> 40) * 0x1p-23 - 1;
}

#endif
