/* SPDX-License-Identifier: GPL-3.0-or-later
 * The steps from a picture to the pixels that a model gets, observed one picture at a time, as pictures
 * differ in size: pixels.decoded, pixels.resized, pixels.cropped. Every lane is shown them as its spec's
 * preprocessing makes them. No tap replaces them, and observing them changes no pixel: the resized picture is
 * made whole beside the part that the model gets. What is too large (CP_PIXELS_MAX) is not shown.
 *
 * Of preprocessing there is no float64 oracle: an oracle has at a step what the first spec with its maths has
 * there in float32, as it does at pixels.normalized, where the towers' oracles start.
 *
 * Where an analysis feeds lanes the baseline's tensors (cp_replaced_lanes), each step is also fed the
 * baseline's own input: a candidate's resize gets the picture that the baseline decoded, its crop what the
 * baseline resized, its normalisation what the baseline cropped. Decoding has the same input, the file. */
#ifndef CP_RUN_PREPROCESS_TAPS_H
#define CP_RUN_PREPROCESS_TAPS_H

#include "run/lockstep.h"

/* After the buffers for the pixels are made. Leaves lockstep->preprocess_taps NULL where there are no
 * pictures, or nothing is to be known of the steps. Lives in the lockstep's arena; cp_preprocess_taps_free
 * for the rest. */
enum cp_status cp_preprocess_taps_create(struct cp_lockstep *lockstep, struct cp_error *err);
void cp_preprocess_taps_free(struct cp_lockstep *lockstep);

/* Fills the pixels of images [first, first + count), and shows the steps. The lanes are placed. */
enum cp_status cp_preprocess_taps_batch(struct cp_lockstep *lockstep, size_t first, size_t count,
                                        struct cp_error *err);

#endif
