/* SPDX-License-Identifier: GPL-3.0-or-later
 * Opcodes of plain values: numbers, bytes, texts. */
#include "checkpoint/pickle_internal.h"

#include <stdint.h>
#include <string.h>

enum cp_status cp_pickle_run_none(struct cp_pickle *m) {
    return cp_pickle_push(m, m->none);
}

enum cp_status cp_pickle_run_true(struct cp_pickle *m) {
    return cp_pickle_push(m, m->yes);
}

enum cp_status cp_pickle_run_false(struct cp_pickle *m) {
    return cp_pickle_push(m, m->no);
}

static enum cp_status push_whole(struct cp_pickle *m, long long whole) {
    struct cp_pickle_value *value = NULL;
    CP_TRY(cp_pickle_make(m, CP_PICKLE_WHOLE, &value));
    value->whole = whole;
    return cp_pickle_push(m, value);
}

/* A two's complement number of count <= 8 bytes, of which the last has the sign. */
static enum cp_status push_signed(struct cp_pickle *m, size_t count) {
    size_t bits = 0;
    CP_TRY(cp_pickle_take_size(m, count, &bits));
    if (count > 0 && count < 8 && bits >> (8 * count - 1))
        bits |= SIZE_MAX << (8 * count);
    return push_whole(m, (long long)bits);
}

enum cp_status cp_pickle_run_binint(struct cp_pickle *m) {
    return push_signed(m, 4);
}

enum cp_status cp_pickle_run_binint1(struct cp_pickle *m) {
    size_t number = 0;
    CP_TRY(cp_pickle_take_size(m, 1, &number));
    return push_whole(m, (long long)number);
}

enum cp_status cp_pickle_run_binint2(struct cp_pickle *m) {
    size_t number = 0;
    CP_TRY(cp_pickle_take_size(m, 2, &number));
    return push_whole(m, (long long)number);
}

/* What no tensor needs is not kept: bytes, and integers of more than 64 bits, such as the state of a random
 * generator. */
static enum cp_status push_unread(struct cp_pickle *m, size_t count) {
    const unsigned char *bytes = NULL;
    CP_TRY(cp_pickle_take(m, count, &bytes));
    return cp_pickle_push(m, m->none);
}

enum cp_status cp_pickle_run_long1(struct cp_pickle *m) {
    size_t count = 0;
    CP_TRY(cp_pickle_take_size(m, 1, &count));
    return count > 8 ? push_unread(m, count) : push_signed(m, count);
}

static enum cp_status push_bytes(struct cp_pickle *m, size_t length_bytes) {
    size_t length = 0;
    CP_TRY(cp_pickle_take_size(m, length_bytes, &length));
    return push_unread(m, length);
}

enum cp_status cp_pickle_run_short_bytes(struct cp_pickle *m) {
    return push_bytes(m, 1);
}

enum cp_status cp_pickle_run_bytes(struct cp_pickle *m) {
    return push_bytes(m, 4);
}

enum cp_status cp_pickle_run_long_bytes(struct cp_pickle *m) {
    return push_bytes(m, 8);
}

/* Big-endian, unlike all else. */
enum cp_status cp_pickle_run_binfloat(struct cp_pickle *m) {
    const unsigned char *bytes = NULL;
    struct cp_pickle_value *value = NULL;
    uint64_t bits = 0;
    CP_TRY(cp_pickle_take(m, 8, &bytes));
    CP_TRY(cp_pickle_make(m, CP_PICKLE_REAL, &value));
    for (int i = 0; i < 8; i++)
        bits = bits << 8 | bytes[i];
    memcpy(&value->real, &bits, sizeof bits);
    return cp_pickle_push(m, value);
}

static enum cp_status push_text(struct cp_pickle *m, size_t length_bytes) {
    struct cp_pickle_value *value = NULL;
    const unsigned char *bytes = NULL;
    size_t length = 0;
    CP_TRY(cp_pickle_take_size(m, length_bytes, &length));
    CP_TRY(cp_pickle_take(m, length, &bytes));
    CP_TRY(cp_pickle_make(m, CP_PICKLE_TEXT, &value));
    value->text = (const char *)bytes;
    value->length = length;
    return cp_pickle_push(m, value);
}

enum cp_status cp_pickle_run_short_text(struct cp_pickle *m) {
    return push_text(m, 1);
}

enum cp_status cp_pickle_run_text(struct cp_pickle *m) {
    return push_text(m, 4);
}

enum cp_status cp_pickle_run_long_text(struct cp_pickle *m) {
    return push_text(m, 8);
}
