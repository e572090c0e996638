/* SPDX-License-Identifier: GPL-3.0-or-later
 * What every kind shares: which functions it has, an operation left out, the first input repeated, formats
 * that nobody declared. */
#include "ledger/kinds.h"
#include "ledger/narrow.h"

#include <string.h>

const struct cp_kind *cp_kind_of(enum cp_operation_kind kind) {
    static const struct cp_kind given = {NULL, NULL, NULL};
    static const struct cp_kind *const kinds[CP_OPERATION_KINDS] = {
        [CP_OPERATION_GIVEN] = &given,
        [CP_OPERATION_NORMALIZE] = &cp_kind_normalize,
        [CP_OPERATION_GATHER] = &cp_kind_gather,
        [CP_OPERATION_EMBED] = &cp_kind_embed,
        [CP_OPERATION_NORM] = &cp_kind_norm,
        [CP_OPERATION_LINEAR] = &cp_kind_linear,
        [CP_OPERATION_SCORES] = &cp_kind_scores,
        [CP_OPERATION_SOFTMAX] = &cp_kind_softmax,
        [CP_OPERATION_CONTEXT] = &cp_kind_context,
        [CP_OPERATION_GAIN] = &cp_kind_gain,
        [CP_OPERATION_ADD] = &cp_kind_add,
        [CP_OPERATION_ACTIVATION] = &cp_kind_activation,
        [CP_OPERATION_POOL] = &cp_kind_pool,
        [CP_OPERATION_UNIT] = &cp_kind_unit,
        [CP_OPERATION_LOGITS] = &cp_kind_logits,
        [CP_OPERATION_CLASSES] = &cp_kind_classes,
    };
    return kinds[kind];
}

void *cp_case_alloc(const struct cp_case *c, size_t count, size_t size, struct cp_error *err) {
    void *memory = cp_arena_alloc(c->scratch, count, size);
    (void)CP_CHECK_BATCH_ALLOC(memory, err, "", "the ledger");
    return memory;
}

void cp_case_each(const struct cp_case *c, void (*body)(void *context, size_t input, int worker),
                  void *context) {
    cp_pool_for(c->pool, c->inputs, body, context);
}

size_t cp_case_operand_size(const struct cp_case *c, int operand) {
    switch (c->kind) {
    case CP_OPERATION_EMBED:
    case CP_OPERATION_POOL:
        return c->inputs * c->operand_rows * c->out;
    case CP_OPERATION_LINEAR:
    case CP_OPERATION_SCORES:
        return c->inputs * c->rows * c->in;
    case CP_OPERATION_CONTEXT:
        return operand == 0 ? c->inputs * c->in * c->rows * c->rows : c->inputs * c->rows * c->out;
    case CP_OPERATION_LOGITS:
        return operand == 0 ? c->inputs * c->in : c->operand_rows * c->in;
    case CP_OPERATION_CLASSES:
        return c->inputs * c->maths.templates * c->out;
    case CP_OPERATION_GATHER:
    case CP_OPERATION_GIVEN:
        return 0;
    default:
        return c->inputs * cp_case_elements(c);
    }
}

static bool has_two(const struct cp_case *c) {
    return c->kind == CP_OPERATION_SCORES || c->kind == CP_OPERATION_CONTEXT || c->kind == CP_OPERATION_ADD ||
           c->kind == CP_OPERATION_LOGITS;
}

/* ---- weights and operands in a format that is not declared ---- */

static enum cp_status format_weight(struct cp_case *c, struct cp_error *err) {
    float *weight;
    if (c->maths.w_format == CP_NARROW_SAME || !c->weight || c->kind != CP_OPERATION_LINEAR)
        return CP_OK;
    CP_CASE_TAKE(c, weight, c->in * c->out);
    cp_narrow_apply_float(c->maths.w_format, c->weight, c->maths.in_out ? 1 : c->out,
                          c->maths.in_out ? c->in * c->out : c->in, weight);
    c->weight = weight;
    return CP_OK;
}

static enum cp_status format_operands(const struct cp_case *c, const double *const x[CP_OPERANDS],
                                      const double *out[CP_OPERANDS], struct cp_error *err) {
    for (int i = 0; i < CP_OPERANDS; i++) {
        const size_t size = i == 0 || has_two(c) ? cp_case_operand_size(c, i) : 0;
        double *formatted;
        out[i] = x[i];
        if (c->maths.x_format == CP_NARROW_SAME || !x[i] || size == 0)
            continue;
        CP_CASE_TAKE(c, formatted, size);
        cp_narrow_apply(c->maths.x_format, x[i], 1, size, formatted);
        out[i] = formatted;
    }
    return CP_OK;
}

/* ---- the three evaluations ---- */

/* The operand itself, where it is as large as the result. */
static void leave_out(const struct cp_case *c, const double *x, double *y) {
    if (cp_case_operand_size(c, 0) == c->inputs * cp_case_elements(c))
        memcpy(y, x, c->inputs * cp_case_elements(c) * sizeof *y);
}

static void repeat_first(const struct cp_case *c, double *y) {
    for (size_t input = 1; input < c->inputs; input++)
        memcpy(y + input * cp_case_elements(c), y, cp_case_elements(c) * sizeof *y);
}

enum cp_status cp_case_ideal(const struct cp_case *c, const double *const x[CP_OPERANDS], double *y,
                             struct cp_error *err) {
    struct cp_case own = *c;
    const double *operands[CP_OPERANDS];
    if (c->maths.zero) {
        memset(y, 0, c->inputs * cp_case_elements(c) * sizeof *y);
        return CP_OK;
    }
    if (c->maths.left_out) {
        leave_out(c, x[0], y);
        return CP_OK;
    }
    CP_TRY(format_weight(&own, err));
    CP_TRY(format_operands(&own, x, operands, err));
    CP_TRY(cp_kind_of(c->kind)->ideal(&own, operands, y, err));
    if (c->maths.first_input)
        repeat_first(c, y);
    if (c->maths.format_outputs)
        cp_narrow_apply(c->maths.x_format, y, 1, c->inputs * cp_case_elements(c), y);
    return CP_OK;
}

enum cp_status cp_case_bound(const struct cp_case *c, const double *const x[CP_OPERANDS], const double *f,
                             double *bound, struct cp_error *err) {
    return cp_kind_of(c->kind)->bound(c, x, f, bound, err);
}

enum cp_status cp_case_plain(const struct cp_case *c, const float *const x[CP_OPERANDS], uint64_t seed,
                             float *y, struct cp_error *err) {
    return cp_kind_of(c->kind)->plain(c, x, seed, y, err);
}
