/* SPDX-License-Identifier: GPL-3.0-or-later
 * One residual block: x = x + ls_1(attn(ln_1(x))); x = x + ls_2(c_proj(gelu(c_fc(ln_2(x))))), where ls_1 and
 * ls_2, LayerScale, are there only if the config says so. open_clip ResidualAttentionBlock. */
#include "model/fault.h"
#include "model/pass.h"

struct activation_task {
    const struct cp_activation *activation;
    const float *x;
    float *y;
    size_t width;
    enum cp_dtype compute;
};

static void activate_row(void *context, size_t index, int worker) {
    const struct activation_task *task = context;
    (void)worker;
    task->activation->apply(task->x + index * task->width, task->y + index * task->width, task->width,
                            task->compute);
}

/* x += branch, which LayerScale multiplies first. */
static enum cp_status add_branch(struct cp_pass *pass, enum cp_point scaled, int layer, const float *gamma,
                                 size_t rows, size_t width, struct cp_error *err) {
    const struct cp_ops *ops = pass->plan->spec->ops;
    const enum cp_dtype residual = cp_choice_residual(cp_spec_at(pass->plan->spec, pass->tower, layer));
    float *branch = pass->ws->branch;
    if (gamma) {
        ops->gain(branch, gamma, branch, rows, width, residual);
        CP_TRY(cp_pass_visit(pass, scaled, layer, branch, err));
    }
    ops->add(pass->x, branch, pass->x, rows * width, residual);
    return CP_OK;
}

enum cp_status cp_block(struct cp_pass *pass, int layer, struct cp_error *err) {
    const struct cp_choice *choice = cp_spec_at(pass->plan->spec, pass->tower, layer);
    const struct cp_ops *ops = pass->plan->spec->ops;
    const struct cp_packed_block *block = &pass->plan->tower[pass->tower].blocks[layer];
    struct cp_workspace *ws = pass->ws;
    const size_t rows = pass->inputs * cp_pass_tokens(pass), width = block->out_proj.n, mlp = block->c_fc.n;

    cp_pass_norm(pass, CP_LN_1, layer, pass->x, rows, ws->h);
    CP_TRY(cp_pass_visit(pass, CP_LN_1, layer, ws->h, err));
    cp_pass_linear(pass, choice, &block->q, ws->h, rows, ws->q);
    cp_pass_linear(pass, choice, &block->k, ws->h, rows, ws->k);
    cp_pass_linear(pass, choice, &block->v, ws->h, rows, ws->v);
    CP_TRY(cp_attention(pass, layer, err));
    cp_pass_linear(pass, choice, &block->out_proj, ws->context, rows, ws->branch);
    CP_TRY(cp_pass_visit(pass, CP_ATTN, layer, ws->branch, err));
    CP_TRY(add_branch(pass, CP_LS_1, layer, block->ls_1, rows, width, err));
    CP_TRY(cp_pass_visit(pass, CP_RESID_MID, layer, pass->x, err));

    cp_pass_norm(pass, CP_LN_2, layer, pass->x, rows, ws->h);
    CP_TRY(cp_pass_visit(pass, CP_LN_2, layer, ws->h, err));
    cp_pass_linear(pass, choice, &block->c_fc, ws->h, rows, ws->mlp);
    CP_TRY(cp_pass_visit(pass, CP_MLP_C_FC, layer, ws->mlp, err));
    struct activation_task task = {ops->activations[cp_fault_activation(ops, choice)], ws->mlp, ws->gelu, mlp,
                                   cp_choice_type(choice, CP_ACTIVATION_COMPUTE)};
    cp_pool_for(pass->pool, rows, activate_row, &task);
    CP_TRY(cp_pass_visit(pass, CP_MLP_GELU, layer, ws->gelu, err));
    cp_pass_linear(pass, choice, &block->c_proj, ws->gelu, rows, ws->branch);
    CP_TRY(cp_pass_visit(pass, CP_MLP_C_PROJ, layer, ws->branch, err));
    CP_TRY(add_branch(pass, CP_LS_2, layer, block->ls_2, rows, width, err));
    return cp_pass_visit(pass, CP_BLOCK, layer, pass->x, err);
}
