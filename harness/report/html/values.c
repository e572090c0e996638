/* SPDX-License-Identifier: GPL-3.0-or-later
 * Arrays for the page's scripts: base64 of float32, or of its upper 24 bits, where that is shorter. */
#include "base/base64.h"
#include "report/html/html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Whether 24 bits of a float32 (16 of them digits) hold each value as it is shown: three digits, or a whole
 * number below 1e6. */
static bool is_short(const double *values, size_t count) {
    for (size_t t = 0; t < count; t++)
        if (fabs(values[t]) > 0xffff && fabs(values[t]) < 1e6 && floor(values[t]) == values[t])
            return false;
    return true;
}

/* Little-endian float32, or its upper 24 bits; the bytes' number. */
static size_t pack(const double *values, size_t count, bool narrow, uint8_t *bytes) {
    size_t used = 0;
    for (size_t t = 0; t < count; t++) {
        const float value = (float)values[t];
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        if (narrow && isfinite(value))
            bits += 0x80; /* to nearest; beyond the largest it becomes infinity */
        for (int b = narrow; b < 4; b++)
            bytes[used++] = (uint8_t)(bits >> 8 * b);
    }
    return used;
}

static bool is_constant(const double *values, size_t count) {
    for (size_t t = 1; t < count; t++)
        if (!(values[t] == values[0]))
            return false;
    return count > 1;
}

void cp_html_json_values(FILE *out, const double *values, size_t count) {
    if (is_constant(values, count)) {
        cp_html_json_number(out, values[0]);
        return;
    }
    uint8_t *packed = malloc(count * sizeof(float) + 1);
    char *list = NULL, *text = malloc(cp_base64_length(count * sizeof(float)) + 1);
    const bool narrow = is_short(values, count);
    size_t size = 0;
    FILE *memory = open_memstream(&list, &size);
    for (size_t t = 0; memory && t < count; t++) {
        (void)fputc(t ? ',' : '[', memory);
        cp_html_json_number(memory, values[t]);
    }
    const bool whole = memory && fclose(memory) == 0;
    const size_t bytes = packed ? pack(values, count, narrow, packed) : 0;
    if (whole && packed && text && size > cp_base64_length(bytes) + 2) {
        cp_base64(packed, bytes, text);
        cp_print_html(out, "\"%s%s\"", narrow ? "~" : "", text);
    } else {
        cp_print_html(out, whole ? "%s]" : "null", list);
    }
    free(list);
    free(text);
    free(packed);
}
