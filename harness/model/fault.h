/* SPDX-License-Identifier: GPL-3.0-or-later
 * Faults that a spec's `inject` knobs put into blocks, so that it can be seen whether they are found: what a
 * knob's seed comes to at one block. The forward pass and the oracle ask here, so that both compute the same
 * faulty function. Without a seed every answer is the spec's own. */
#ifndef CP_MODEL_FAULT_H
#define CP_MODEL_FAULT_H

#include "model/model.h"
#include "spec/spec.h"

/* Index of the activation: another of the table's, of another function, where inject.activation is set. */
int cp_fault_activation(const struct cp_ops *ops, const struct cp_choice *choice);
/* eps of the norm at a point: a hundred or a thousand times the spec's, in ln_1 or in ln_2. */
double cp_fault_eps(const struct cp_choice *choice, enum cp_point point);
/* Type of the softmax. */
enum cp_dtype cp_fault_softmax(const struct cp_choice *choice);
/* What a head's scores are multiplied by: 1, but 1.25, 1.5, 0.75 or 0.5 for one head. */
float cp_fault_head_factor(const struct cp_choice *choice, size_t head, size_t heads);
/* Whether attn.out_proj's (square) weight is read as (in, out). */
bool cp_fault_transposes(const struct cp_choice *choice);

/* The model as the spec has it: `model` itself, or a copy in the arena in which one bit of one weight of each
 * block with inject.weight_bit is flipped: a high bit of the significand or the exponent's lowest, of a
 * weight that is not small. Tensors that are not changed are shared. */
enum cp_status cp_fault_model(const struct cp_spec *spec, const struct cp_model *model,
                              struct cp_arena *arena, const struct cp_model **out, struct cp_error *err);

#endif
