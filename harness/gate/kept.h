/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which inputs of a tap have their errors kept. Of images the first ones. Prompts that are made of templates
 * and classes stand class by class, so the first ones would be of one or two classes: of them every class and
 * every template has its turn. */
#ifndef CP_GATE_KEPT_H
#define CP_GATE_KEPT_H

#include "analysis/verdict.h"
#include "report/data/load.h"

enum { CP_GATE_INPUTS = 32 };

struct cp_gate_kept {
    size_t classes, templates;          /* that make the prompts; 0: they are not made so */
    bool has_pixels;                    /* image_first is known */
    size_t image_first[CP_GATE_INPUTS]; /* the first kept image with the same pixels */
    size_t template[CP_GATE_INPUTS], class[CP_GATE_INPUTS]; /* of each kept prompt */
};

/* Chooses the prompts, from classes and templates. */
void cp_gate_kept_choose(struct cp_gate_kept *kept);
/* From a result. */
enum cp_status cp_gate_kept_read(const struct cp_load *load, struct cp_gate_kept *kept);
/* The input of a tap of the tower at place k < CP_GATE_INPUTS; SIZE_MAX: no more. */
size_t cp_gate_kept_input(const struct cp_gate_kept *kept, enum cp_tower tower, size_t k);
/* What belongs together among them, for taps of the tower. */
struct cp_verdict_units cp_gate_kept_units(const struct cp_gate_kept *kept, enum cp_tower tower);

#endif
