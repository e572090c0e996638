/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "study/bracket.h"

#include <math.h>

/* The longest chain of the tree over k terms: inside a block of CP_K_BLOCK, then over the blocks. */
static double chain(double k) {
    const double blocks = ceil(k / CP_K_BLOCK);
    return fmin(k, CP_K_BLOCK) + blocks;
}

static void of_sum(double n, double amplification, const struct cp_bracket_facts *f,
                   double bounds[CP_BOUND_COUNT]) {
    bounds[CP_BOUND_WORST] = (n * f->u + 2 * f->operand) * amplification + f->stored;
    bounds[CP_BOUND_PROBABLE] = (sqrt(n * log(n)) * f->u + 2 * f->operand) * amplification + f->stored;
}

/* y(rows, out) = a(rows, in) W + bias: |a| |W| / |y| by root mean squares, rows cancel. */
static void of_linear(double in, const struct cp_bracket_facts *f, double bounds[CP_BOUND_COUNT]) {
    of_sum(chain(in) + 1, in * f->a * f->b / f->y, f, bounds);
}

void cp_bracket(const struct cp_bracket_facts *f, double bounds[CP_BOUND_COUNT]) {
    const struct cp_clip_config *c = f->config;
    const bool visual = f->tower == CP_VISUAL;
    const double width = visual ? c->vision.width : c->text.width;
    const double heads = visual ? c->vision.heads : c->text.heads, head = width / heads;
    const double mlp = visual ? c->vision.mlp_width : c->text.mlp_width, patch = c->vision.patch_size;
    bounds[CP_BOUND_WORST] = bounds[CP_BOUND_PROBABLE] = NAN;
    switch (f->point) {
    case CP_CONV1:
        of_linear(3 * patch * patch, f, bounds);
        break;
    case CP_ATTN_Q:
    case CP_ATTN_K:
    case CP_ATTN_V:
    case CP_ATTN:
    case CP_MLP_C_FC:
    case CP_PROJECTED:
        of_linear(width, f, bounds);
        break;
    case CP_MLP_C_PROJ:
        of_linear(mlp, f, bounds);
        break;
    case CP_ATTN_SCORES: /* the scale is one rounding more; |q| |k| over all heads */
        of_sum(chain(head) + 1, width * f->a * f->b / (f->y * sqrt(heads * head)), f, bounds);
        break;
    case CP_ATTN_CONTEXT:
        of_sum(chain(f->tokens), f->tokens * sqrt(heads) * f->a * f->b / f->y, f, bounds);
        break;
    case CP_EMBED:
    case CP_LS_1:
    case CP_LS_2:
    case CP_RESID_MID:
    case CP_BLOCK:
        bounds[CP_BOUND_WORST] = bounds[CP_BOUND_PROBABLE] = f->stored;
        break;
    case CP_TOKENS:
    case CP_TOKEN_EMBEDDING:
    case CP_PIXELS_NORMALIZED:
    case CP_POOLED:
        bounds[CP_BOUND_WORST] = bounds[CP_BOUND_PROBABLE] = 0;
        break;
    default:
        break;
    }
}
