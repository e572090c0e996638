/* SPDX-License-Identifier: GPL-3.0-or-later
 * A finished result file, for reading. What is not there, or not of the kind asked for, is CP_BAD_INPUT with
 * the file and the object. Everything read lives in the arena. */
#ifndef CP_RESULT_READER_H
#define CP_RESULT_READER_H

#include "base/arena.h"
#include "base/status.h"
#include "result/file.h"

struct cp_reader;

/* An array of numbers, widened to float64. */
struct cp_reader_array {
    int rank;
    size_t shape[CP_MAX_RANK];
    double *values;
};

struct cp_reader_texts {
    size_t count;
    const char **items;
};

/* Refuses what is not a result of the schema clip-parity/1, or fails the check of result/check.h. Close with
 * cp_reader_close, which takes NULL. */
enum cp_status cp_reader_open(const char *path, struct cp_reader **reader, struct cp_error *err);
void cp_reader_close(struct cp_reader *reader);

/* What a run that was stopped left at PATH.partial, as of its last commit; nothing is checked of it but what
 * result/check.h says. *reader stays NULL where there is nothing that can be read. CP_BAD_INPUT also where another process
 * is writing it. */
enum cp_status cp_reader_open_partial(const char *path, struct cp_reader **reader, struct cp_error *err);
/* The path that is open. */
const char *cp_reader_path(const struct cp_reader *reader);
/* The number of the last commit (result/file.h); 0 where there is none. */
uint64_t cp_reader_progress(const struct cp_reader *reader);

/* Whether an object is there, or that cannot be told: reading it then fails. */
int cp_reader_has(const struct cp_reader *reader, const char *object);
/* Likewise an attribute of an object that is there. */
int cp_reader_has_text(const struct cp_reader *reader, const char *object, const char *name);

/* A text attribute of an object; "/" is the file. */
enum cp_status cp_reader_text(const struct cp_reader *reader, const char *object, const char *name,
                              struct cp_arena *arena, const char **text, struct cp_error *err);
/* A dataset of texts: one (a document) or a list (the coordinates of a dimension). */
enum cp_status cp_reader_texts(const struct cp_reader *reader, const char *object, struct cp_arena *arena,
                               struct cp_reader_texts *texts, struct cp_error *err);
/* The coordinates of a dataset's dimension, where they are texts. */
enum cp_status cp_reader_labels(const struct cp_reader *reader, const char *object, int dim,
                                struct cp_arena *arena, struct cp_reader_texts *labels, struct cp_error *err);
/* The groups inside a group, in order of creation. */
enum cp_status cp_reader_groups(const struct cp_reader *reader, const char *group, struct cp_arena *arena,
                                struct cp_reader_texts *names, struct cp_error *err);
enum cp_status cp_reader_numbers(const struct cp_reader *reader, const char *object, struct cp_arena *arena,
                                 struct cp_reader_array *array, struct cp_error *err);
/* As cp_reader_numbers without the values, which stay NULL. */
enum cp_status cp_reader_shape(const struct cp_reader *reader, const char *object,
                               struct cp_reader_array *array, struct cp_error *err);

#endif
