/* SPDX-License-Identifier: GPL-3.0-or-later
 * The schema of a result, clip-parity/1, once: a row for each group, variable, document and attribute.
 * Writers define from a row, readers and reports build paths from it, docs/result.md is held against it by a
 * test.
 *
 * Words in capitals stand for names: /metrics/CANDIDATE/TAP/metrics. A dimension in capitals has a name of
 * its own, too: INPUT is image, prompt or class, whichever the tap has first. */
#ifndef CP_RESULT_SCHEMA_H
#define CP_RESULT_SCHEMA_H

#include "result/file.h"

#include <stdbool.h>

/* What the file's attribute `schema` says: the family, and the version that this program reads and writes. */
#define CP_SCHEMA_FAMILY "clip-parity/"
#define CP_SCHEMA_VERSION CP_SCHEMA_FAMILY "1"

/* Units of what has none: ratios, codes, indices, texts. */
#define CP_SCHEMA_NO_UNIT "1"

enum cp_schema_id {
    /* attributes of the file */
    CP_SCHEMA_SCHEMA,
    CP_SCHEMA_FINGERPRINT,
    CP_SCHEMA_PROGRESS,
    CP_SCHEMA_CONTENT_DIGEST,
    CP_SCHEMA_PROVENANCE_DIGEST,
    /* attributes of variables */
    CP_SCHEMA_LONG_NAME,
    CP_SCHEMA_UNITS,
    CP_SCHEMA_ARITHMETIC_DTYPE,
    CP_SCHEMA_RECOMPUTED,
    /* what it was made from and with */
    CP_SCHEMA_PROVENANCE,
    CP_SCHEMA_TOOL,
    CP_SCHEMA_FILE,
    CP_SCHEMA_TOOL_VERSION,
    CP_SCHEMA_COMMIT,
    CP_SCHEMA_COMPILER,
    CP_SCHEMA_FLAGS,
    CP_SCHEMA_LIBRARIES,
    CP_SCHEMA_PROCESSOR,
    CP_SCHEMA_INSTRUCTION_SET,
    CP_SCHEMA_TIME,
    CP_SCHEMA_THREADS,
    CP_SCHEMA_MODEL,
    CP_SCHEMA_CONFIG,
    CP_SCHEMA_CHECKPOINT,
    CP_SCHEMA_SEED,
    CP_SCHEMA_GRAFT_FROM,
    CP_SCHEMA_GRAFT_AT,
    CP_SCHEMA_EXPERIMENT,
    CP_SCHEMA_FILES,
    CP_SCHEMA_FILES_DIGEST,
    /* inputs */
    CP_SCHEMA_INPUTS,
    CP_SCHEMA_LABEL,
    CP_SCHEMA_TOKENS,
    CP_SCHEMA_TEMPLATES,
    CP_SCHEMA_PIXELS_HASH,
    CP_SCHEMA_PATCH_GRID,
    CP_SCHEMA_THUMBNAIL,
    /* what passes gave */
    CP_SCHEMA_CAPTURES,
    CP_SCHEMA_CAPTURE,
    CP_SCHEMA_CAPTURE_SETTINGS,
    CP_SCHEMA_CAPTURE_CHECKPOINT,
    CP_SCHEMA_CAPTURE_TAP,
    CP_SCHEMA_VALUE,
    CP_SCHEMA_DIGEST,
    CP_SCHEMA_SIZE,
    CP_SCHEMA_STATS,
    CP_SCHEMA_MOMENTS,
    CP_SCHEMA_EXPONENTS,
    /* how far candidates are from the baseline */
    CP_SCHEMA_METRICS_GROUP,
    CP_SCHEMA_METRICS,
    CP_SCHEMA_ULP_HISTOGRAM,
    CP_SCHEMA_LOCAL,
    CP_SCHEMA_DECISIONS,
    CP_SCHEMA_VERDICTS,
    CP_SCHEMA_VERDICT_CODES,
    CP_SCHEMA_FAILING_IMAGES,
    CP_SCHEMA_FAILING_PROMPTS,
    CP_SCHEMA_LOCAL_VERDICTS,
    CP_SCHEMA_LOCAL_VERDICT_CODES,
    CP_SCHEMA_PROPAGATION,
    CP_SCHEMA_KAPPA,
    CP_SCHEMA_STAGE_ERRORS,
    /* yardsticks */
    CP_SCHEMA_FLOOR,
    CP_SCHEMA_BRACKET,
    CP_SCHEMA_YARDSTICK,
    /* the operation ledger */
    CP_SCHEMA_LEDGER,
    CP_SCHEMA_LEDGER_ALTERNATIVES,
    CP_SCHEMA_LEDGER_VERDICTS,
    CP_SCHEMA_LEDGER_BASES,
    CP_SCHEMA_RESIDUAL,
    CP_SCHEMA_SLOPE,
    CP_SCHEMA_SLOPE_ROWS,
    CP_SCHEMA_OPERATIONS,
    /* which swap does the harm */
    CP_SCHEMA_EFFECTS,
    CP_SCHEMA_SHAPLEY,
    CP_SCHEMA_CELLS,
    CP_SCHEMA_LAYERS_VISUAL,
    CP_SCHEMA_LAYERS_TEXT,
    /* a checkpoint that `clip-parity convert` wrote */
    CP_SCHEMA_TENSORS,
    CP_SCHEMA_TENSOR,
    CP_SCHEMA_TENSOR_VALUE,
    CP_SCHEMA_COUNT
};

enum cp_schema_kind {
    CP_SCHEMA_IS_GROUP,
    CP_SCHEMA_IS_VARIABLE,
    CP_SCHEMA_IS_DOCUMENT, /* a dataset of one text */
    CP_SCHEMA_IS_TEXT,     /* an attribute, of the object at `path` */
    CP_SCHEMA_IS_INTEGER   /* likewise */
};

struct cp_schema_row {
    enum cp_schema_kind kind;
    const char *path;
    const char *attribute; /* its name; NULL: the row is of an object */
    /* The attribute long_name of a variable or document, and what anything else is. NULL: the writer has it;
     * of CP_SCHEMA_VALUE it is what the tap is, cp_points[].what (tap/tap.h). */
    const char *long_name;
    /* Of a variable: */
    const char *units;
    enum cp_dtype dtype;
    const char *dims[CP_MAX_RANK]; /* their names; "..." last: as many as the tensor has */
    const char *const *columns; /* the last dimension's labels, ends with NULL; NULL: the writer has them */
};
extern const struct cp_schema_row cp_schema[CP_SCHEMA_COUNT];

/* The names that stand for the words in capitals, in their order. */
enum { CP_SCHEMA_NAMES = 3 };
#define CP_NAMES(...) ((const char *const[CP_SCHEMA_NAMES]){__VA_ARGS__})

/* A row's path with names in it; longer ones are cut. names NULL: there are none. Returns path. */
enum { CP_SCHEMA_PATH = 1280 };
const char *cp_schema_path(enum cp_schema_id id, const char *const *names, char path[CP_SCHEMA_PATH]);
/* Where a variable's dimension has its coordinates: a dimension scale beside it. */
const char *cp_schema_scale(enum cp_schema_id id, int dim, const char *const *names,
                            char path[CP_SCHEMA_PATH]);
/* Of a path without words in capitals: as HDF5 has it below the root, and its last part. */
const char *cp_schema_link(enum cp_schema_id id);
const char *cp_schema_name(enum cp_schema_id id);
/* Whether a group that is called so, in the place of the last word in capitals of `id`'s path, would be in the way
 * of a variable or a dimension beside it: /metrics/CANDIDATE/TAP and /metrics/CANDIDATE/verdicts. */
bool cp_schema_is_taken(enum cp_schema_id id, const char *name);
/* Of CP_SCHEMA_FILES_DIGEST: "000000", "000001", ... */
enum { CP_SCHEMA_FILE_ATTRIBUTE = 32 };
void cp_schema_file_attribute(size_t number, char name[CP_SCHEMA_FILE_ATTRIBUTE]);

/* A variable as its row has it; lengths and labels of dimensions are still to be told, and what the row
 * leaves to the writer. path: for its group; the variable lives as long. */
struct cp_variable cp_schema_variable(enum cp_schema_id id, const char *const *names,
                                      char path[CP_SCHEMA_PATH]);

/* ---- writing (result/file.h) by rows ---- */

/* dims: (rank of the row) lengths, and labels where the row has no columns; without a name they are called as
 * in the row. */
enum cp_status cp_schema_define(struct cp_result *result, enum cp_schema_id id, const char *const *names,
                                const struct cp_dim *dims, int *handle, struct cp_error *err);
enum cp_status cp_schema_text(struct cp_result *result, enum cp_schema_id id, const char *const *names,
                              const char *value, struct cp_error *err);
enum cp_status cp_schema_integer(struct cp_result *result, enum cp_schema_id id, const char *const *names,
                                 int64_t value, struct cp_error *err);
enum cp_status cp_schema_document(struct cp_result *result, enum cp_schema_id id, const char *text,
                                  struct cp_error *err);

#endif
