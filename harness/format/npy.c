/* SPDX-License-Identifier: GPL-3.0-or-later
 * A scanner that takes the dict's three keys in any order and nothing else. */
#include "format/npy.h"

#include <string.h>

struct scanner {
    const char *at, *end;
    enum cp_npy_use use;
};

static void skip_blanks(struct scanner *s) {
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n'))
        s->at++;
}

/* Takes text, behind blanks, if it comes next. */
static bool take(struct scanner *s, const char *text) {
    const size_t length = strlen(text);
    skip_blanks(s);
    if ((size_t)(s->end - s->at) < length || memcmp(s->at, text, length) != 0)
        return false;
    s->at += length;
    return true;
}

static bool take_dtype(struct scanner *s, enum cp_dtype *dtype) {
    static const struct {
        const char *descr;
        enum cp_dtype dtype;
    } table[] = {{"'<f4'", CP_FP32},  {"'<f8'", CP_FP64}, {"'<i4'", CP_INT32}, {"'<i8'", CP_INT64},
                 {"'|u1'", CP_UINT8}, {"'<f2'", CP_FP16}, /* from here on: weights only */
                 {"'|b1'", CP_UINT8}};
    for (size_t i = 0; i < (s->use == CP_NPY_WEIGHTS ? 7 : 5); i++)
        if (take(s, table[i].descr)) {
            *dtype = table[i].dtype;
            return true;
        }
    return false;
}

/* Decimal digits that a size_t holds. */
static bool take_number(struct scanner *s, size_t *number) {
    skip_blanks(s);
    const char *start = s->at;
    *number = 0;
    for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++)
        if (__builtin_mul_overflow(*number, (size_t)10, number) ||
            __builtin_add_overflow(*number, (size_t)(*s->at - '0'), number))
            return false;
    return s->at > start;
}

static bool take_order(struct scanner *s, struct cp_npy *npy) {
    npy->fortran = s->use == CP_NPY_WEIGHTS && take(s, "True");
    return npy->fortran || take(s, "False");
}

static int rank_max(const struct scanner *s) {
    return s->use == CP_NPY_WEIGHTS ? CP_NPY_RANK : 4;
}

/* A tuple of sizes: (3,) or (3, 4), also with a comma at the end; of weights, () too. */
static bool take_shape(struct scanner *s, struct cp_npy *npy) {
    if (!take(s, "("))
        return false;
    if (s->use == CP_NPY_WEIGHTS && take(s, ")"))
        return true;
    for (;;) {
        if (npy->rank == rank_max(s) || !take_number(s, &npy->shape[npy->rank]))
            return false;
        npy->rank++;
        const bool comma = take(s, ",");
        if (take(s, ")"))
            return comma || npy->rank > 1;
        if (!comma)
            return false;
    }
}

/* The value of key 0, 1 or 2 of the dict. */
static bool take_value(struct scanner *s, size_t key, struct cp_npy *npy) {
    switch (key) {
    case 0:
        return take_dtype(s, &npy->dtype);
    case 1:
        return take_order(s, npy);
    default:
        return take_shape(s, npy);
    }
}

/* {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, in any order. NULL, or what is wrong. */
static const char *take_dict(struct scanner *s, struct cp_npy *npy) {
    static const char *const keys[] = {"'descr'", "'fortran_order'", "'shape'"};
    bool seen[3] = {false};
    if (!take(s, "{"))
        return "dict";
    for (;;) {
        size_t key = 0;
        while (key < 3 && !take(s, keys[key]))
            key++;
        if (key == 3 || seen[key] || !take(s, ":"))
            return "keys";
        seen[key] = true;
        if (!take_value(s, key, npy))
            return keys[key];
        const bool comma = take(s, ",");
        if (take(s, "}"))
            break;
        if (!comma)
            return "dict";
    }
    skip_blanks(s);
    return s->at == s->end && seen[0] && seen[1] && seen[2] ? NULL : "dict";
}

enum cp_status cp_npy_header_read(const char *where, const unsigned char *b, size_t size, enum cp_npy_use use,
                                  struct cp_npy *npy, struct cp_error *err) {
    *npy = (struct cp_npy){0};
    if (size < 12 || memcmp(b, "\x93NUMPY", 6) != 0)
        return cp_fail(err, CP_BAD_INPUT, where, "no NPY file"), cp_expected(err, "numpy.save's format");
    if ((b[6] != 1 && b[6] != 2) || b[7] != 0)
        return cp_fail(err, CP_BAD_INPUT, where, "NPY version %d.%d", b[6], b[7]),
               cp_expected(err, "1.0 or 2.0");
    const size_t start = b[6] == 1 ? 10 : 12;
    const size_t length =
        (size_t)b[8] | ((size_t)b[9] << 8) | (b[6] == 2 ? ((size_t)b[10] << 16) | ((size_t)b[11] << 24) : 0);
    if (length > CP_NPY_HEADER || length > size - start)
        return cp_fail(err, CP_BAD_INPUT, where, "header of %zu bytes in a file of %zu", length, size),
               cp_expected(err, "at most %d, and all of them", CP_NPY_HEADER);
    struct scanner s = {(const char *)b + start, (const char *)b + start + length, use};
    const char *wrong = take_dict(&s, npy);
    if (wrong)
        return cp_fail(err, CP_BAD_INPUT, where, "unsupported NPY header at byte %zu, in its %s",
                       (size_t)(s.at - (const char *)b), wrong),
               cp_expected(err, use == CP_NPY_WEIGHTS
                                    ? "{'descr': one of '<f2' '<f4' '<f8' '<i4' '<i8' '|u1' '|b1', "
                                      "'fortran_order': False or True, 'shape': at most 8 sizes}"
                                    : "{'descr': one of '<f4' '<f8' '<i4' '<i8' '|u1', 'fortran_order': "
                                      "False, 'shape': 1 to 4 sizes}");
    npy->data = start + length;
    return CP_OK;
}
