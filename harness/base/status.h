/* SPDX-License-Identifier: GPL-3.0-or-later
 * Status codes and the error record that every fallible function fills.
 *
 * A function that can fail returns enum cp_status and takes a struct cp_error * as its last parameter. On
 * CP_OK the record is untouched; otherwise it says where, what and what was expected, and prints as one line.
 */
#ifndef CP_BASE_STATUS_H
#define CP_BASE_STATUS_H

/* The values are the program's exit codes. */
enum cp_status {
    CP_OK = 0,
    CP_PARITY_FAILURE = 1,
    CP_INTERNAL = 2,
    CP_BAD_INPUT = 3,
    CP_USAGE = 4,
    CP_NOTHING_COMPARED = 5,
    CP_INTERRUPTED = 130,
    CP_TERMINATED = 143
};

struct cp_error {
    enum cp_status status;
    char where[512];    /* file, file:line:column, file: tensor NAME, ...; may be empty */
    char what[512];     /* what is wrong, with the value found */
    char expected[512]; /* what would have been right; may be empty */
};

#define CP_PRINTF(position, first) __attribute__((format(printf, position, first)))

/* Fills err and returns status, so that a failing line reads: return cp_fail(err, CP_BAD_INPUT, path, "...",
 * ...); */
enum cp_status cp_fail(struct cp_error *err, enum cp_status status, const char *where, const char *format,
                       ...) CP_PRINTF(4, 5);

/* Adds what was expected to an error already filled; returns the error's status. */
enum cp_status cp_expected(struct cp_error *err, const char *format, ...) CP_PRINTF(2, 3);

/* Reports "out of memory for WHAT", the only such report; returns CP_INTERNAL. */
enum cp_status cp_no_memory(struct cp_error *err, const char *where, const char *what, ...) CP_PRINTF(3, 4);

/* CP_OK where there is memory; otherwise CP_INTERNAL, with err filled. What allocates stands inside:
 *     CP_TRY(CP_CHECK_ALLOC(name = cp_arena_strdup(arena, text), err, path, "a name")); */
#define CP_CHECK_ALLOC(memory, err, ...) ((memory) ? CP_OK : cp_no_memory((err), __VA_ARGS__))
/* The same for what grows with the batch: a smaller one is expected. */
#define CP_CHECK_BATCH_ALLOC(memory, err, ...)                                                               \
    ((memory) ? CP_OK : ((void)cp_no_memory((err), __VA_ARGS__), cp_expected((err), "a smaller batch")))

#ifdef __clang_analyzer__ /* which sees one file at a time: a failure is not CP_OK */
#define cp_fail(err, status, ...) ((cp_fail)(err, status, __VA_ARGS__), (status))
#define cp_expected(err, ...) ((cp_expected)(err, __VA_ARGS__), CP_BAD_INPUT)
#define cp_no_memory(err, ...) ((cp_no_memory)(err, __VA_ARGS__), CP_INTERNAL)
#endif

/* Puts a prefix such as a file name in front of err->where (used where an inner function does not know the
 * file). */
void cp_error_within(struct cp_error *err, const char *prefix);

/* Writes "where: what (expected ...)" without a newline; control characters from input are shown as \xNN. */
void cp_error_line(const struct cp_error *err, char *line, unsigned long size);
/* The same without the path that `where` begins with, for a place that has said it. */
void cp_error_line_in(const struct cp_error *err, const char *path, char *line, unsigned long size);

/* Returns from the calling function when expression fails. */
#define CP_TRY(expression)                                                                                   \
    do {                                                                                                     \
        const enum cp_status cp_try_status_ = (expression);                                                  \
        if (cp_try_status_ != CP_OK)                                                                         \
            return cp_try_status_;                                                                           \
    } while (0)

/* As CP_TRY where the function has a cleanup label `done` and a variable `status`. */
#define CP_TRY_DONE(expression)                                                                              \
    do {                                                                                                     \
        status = (expression);                                                                               \
        if (status != CP_OK)                                                                                 \
            goto done;                                                                                       \
    } while (0)

#endif
