/* SPDX-License-Identifier: GPL-3.0-or-later
 * Shared by the files that implement capture/capture.h; included by nothing else. */
#ifndef CP_CAPTURE_INTERNAL_H
#define CP_CAPTURE_INTERNAL_H

#include "capture/capture.h"

#include <stdio.h>

/* Elements of a tap; more are refused. */
#define CP_CAPTURE_ELEMENTS 0x1p44

/* What the parent asks. The first reply comes unasked: the listing. */
enum cp_capture_op { CP_CAPTURE_READ, CP_CAPTURE_TOKENS, CP_CAPTURE_LABELS };
struct cp_capture_request {
    enum cp_capture_op op;
    size_t tap, first, rows;
};

/* The listing: this, then `taps` of struct cp_capture_listed, then the facts as texts with their NUL. */
struct cp_capture_listing {
    size_t taps, prompts, tokens;
};
enum { CP_CAPTURE_TAP_NAME = 256 };
struct cp_capture_listed {
    char name[CP_CAPTURE_TAP_NAME];
    int rank;
    size_t shape[CP_CAPTURE_RANK];
    enum cp_dtype arithmetic;
    int recomputed; /* 0 or 1; no bool, of which the child could send another value */
};

struct cp_capture_source {
    const char *path, *name;
    const struct cp_capture_map *map;
    int environment; /* instead of a listing the child sends texts, name and value in turn, and ends */
    cp_capture_writer *write; /* instead of a listing the child writes to out, and ends; or NULL */
    FILE *out;
};

/* In the child: answers requests until the socket is closed. Never returns. */
_Noreturn void cp_capture_serve(int socket, const void *source);

/* ---- layouts ---- */

/* How a dataset's axes become a tap's. */
struct cp_capture_axes {
    int rank;                   /* of the dataset */
    int order[CP_CAPTURE_RANK]; /* canonical axis a is the dataset's axis order[a] */
    int merged;                 /* canonical axes merged and merged + 1 are one; -1: none */
};
/* layout NULL: as they are. Fails where the layout is unknown or of another rank. */
enum cp_status cp_capture_axes_of(const char *layout, int rank, const char *where,
                                  struct cp_capture_axes *axes, struct cp_error *err);
/* Whether it is a layout at all. */
int cp_capture_is_layout(const char *layout);
/* The tap's shape from the dataset's. Returns the tap's rank. */
int cp_capture_shape(const struct cp_capture_axes *axes, const size_t dataset[CP_CAPTURE_RANK],
                     size_t shape[CP_CAPTURE_RANK]);
/* Copies a block of the dataset of that shape into canonical order. */
void cp_capture_arrange(const struct cp_capture_axes *axes, const size_t dataset[CP_CAPTURE_RANK],
                        const float *from, float *to);

#endif
