/* SPDX-License-Identifier: GPL-3.0-or-later
 * How the parts of a report are read: arrays whose shape and columns are checked before they are used. */
#ifndef CP_REPORT_DATA_LOAD_H
#define CP_REPORT_DATA_LOAD_H

#include "report/data/report.h"
#include "result/schema.h"

struct cp_load {
    struct cp_report *report;
    struct cp_reader *reader;
    struct cp_error *err;
};

/* "FILE: OBJECT has another shape", and what was expected. */
enum cp_status cp_load_damaged(const struct cp_load *load, const char *object, const char *expected);

/* The columns (last dimension) that an array should have, in the order wanted. */
struct cp_load_columns {
    const char *const *names; /* [count] */
    size_t count;
    const char *needed; /* the column without which the array says nothing */
};
extern const struct cp_load_columns cp_load_metrics, cp_load_verdicts, cp_load_decisions, cp_load_propagation,
    cp_load_operations;

/* Reads an array of rank `rank` and puts its last dimension's columns in the order wanted, by name; a column
 * that the file has not is NaN. `shape` says what was expected where it is refused. */
enum cp_status cp_load_array(const struct cp_load *load, const char *object,
                             const struct cp_load_columns *columns, int rank, const char *shape,
                             struct cp_arena *arena, struct cp_reader_array *array);
/* A table with its labels, if it is there. named: axes with labels, as bits. */
enum cp_status cp_load_table(const struct cp_load *load, enum cp_schema_id id, int rank, unsigned named,
                             struct cp_report_table *table);

/* ---- the parts (data_taps.c, data_places.c, data_baseline.c) ---- */

enum cp_status cp_load_taps(const struct cp_load *load, struct cp_report_candidate *candidate);
/* metrics: (input, part, metric) of the tap. */
enum cp_status cp_load_places(const struct cp_load *load, const struct cp_reader_array *metrics,
                              struct cp_report_tap *tap);
enum cp_status cp_load_ledger(const struct cp_load *load, struct cp_report_candidate *candidate);
enum cp_status cp_load_stages(const struct cp_load *load, struct cp_report_candidate *candidate);
/* Floor, bracket and recording modes; after the taps. */
enum cp_status cp_load_baseline(const struct cp_load *load);
enum cp_status cp_load_attribution(const struct cp_load *load);

#endif
