/* SPDX-License-Identifier: GPL-3.0-or-later
 * How far a run is: on a terminal a bar in one line that is rewritten, elsewhere a line now and then. Whatever else is said goes
 * through cp_progress_line, so that it never shares the bar's line. */
#ifndef CP_BASE_PROGRESS_H
#define CP_BASE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct cp_progress {
    FILE *out;   /* NULL: silent */
    bool hidden; /* only lines of text are written */
    bool terminal;
    bool drawn;           /* the cursor is behind a bar */
    double start, shown;  /* seconds of a monotonic clock */
    size_t total;         /* inputs: prompts and images */
    size_t done;          /* of whole batches */
    size_t skipped;       /* of them those that a run did before it was stopped */
    size_t inputs;        /* of the batch at hand */
    size_t stages, stage; /* that it has, and that are done */
};

/* On a terminal, until the next call: what is being done before there is anything to count. */
void cp_progress_reading(FILE *out, const char *what);
void cp_progress_clear(FILE *out);

/* "12 s", "3 min 20 s" or "2 h 05 min"; text is returned. */
const char *cp_progress_seconds(double seconds, char text[32]);

/* With hidden, lines of text alone are written. */
void cp_progress_start(struct cp_progress *progress, FILE *out, bool hidden, size_t total);
/* Inputs that need not be done. */
void cp_progress_skip(struct cp_progress *progress, size_t inputs);
/* A batch begins, and its last stage is done with cp_progress_batch_done. */
void cp_progress_batch(struct cp_progress *progress, size_t inputs, size_t stages);
void cp_progress_stage(struct cp_progress *progress);
void cp_progress_batch_done(struct cp_progress *progress);
/* A line of text without its end, on a line of its own. */
void cp_progress_line(struct cp_progress *progress, const char *text);
/* Leaves the bar's line, also after a failure. */
void cp_progress_end(struct cp_progress *progress);

#endif
