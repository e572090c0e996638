/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of result/schema.h. */
#include "result/schema.h"

#include <stddef.h>

/* ---- columns ---- */

static const char *const sides[] = {"y", "x", NULL};
static const char *const colours[] = {"red", "green", "blue", NULL};
static const char *const stage_errors[] = {"total", "local", "inherited", "before", NULL};
static const char *const bounds[] = {"worst", "probable", NULL};
static const char *const slope_sums[] = {"rd", "dd", "variance", NULL};
static const char *const effect_fields[] = {"mean", "error", "low", "high", NULL};
static const char *const shapley_fields[] = {"value", "error",     "low",        "high",
                                             "share", "share_low", "share_high", NULL};

/* ---- rows ---- */

#define GROUP(where, is)                                                                                     \
    { .kind = CP_SCHEMA_IS_GROUP, .path = (where), .long_name = (is) }
#define TEXT(where, name, is)                                                                                \
    { .kind = CP_SCHEMA_IS_TEXT, .path = (where), .attribute = (name), .long_name = (is) }
#define INTEGER(where, name, is)                                                                             \
    { .kind = CP_SCHEMA_IS_INTEGER, .path = (where), .attribute = (name), .long_name = (is) }
#define DOCUMENT(where, is)                                                                                  \
    { .kind = CP_SCHEMA_IS_DOCUMENT, .path = (where), .long_name = (is), .units = CP_SCHEMA_NO_UNIT }
#define VARIABLE(where, type, unit, is, ...)                                                                 \
    {                                                                                                        \
        .kind = CP_SCHEMA_IS_VARIABLE, .path = (where), .dtype = (type), .units = (unit), .long_name = (is), \
        __VA_ARGS__                                                                                          \
    }
#define DIMS(...) .dims = {__VA_ARGS__}

const struct cp_schema_row cp_schema[CP_SCHEMA_COUNT] = {
    [CP_SCHEMA_SCHEMA] = TEXT("/", "schema", CP_SCHEMA_VERSION),
    [CP_SCHEMA_FINGERPRINT] =
        TEXT("/", "fingerprint", "which run it is: the digest of the resolved experiment"),
    [CP_SCHEMA_PROGRESS] = INTEGER("/", "progress", "how far the run came, at its last commit"),
    [CP_SCHEMA_CONTENT_DIGEST] = TEXT("/", "content_digest", "SHA-256 of the content"),
    [CP_SCHEMA_PROVENANCE_DIGEST] =
        TEXT("/", "provenance_digest", "SHA-256 of /provenance, fingerprint and progress"),

    [CP_SCHEMA_LONG_NAME] = TEXT("VARIABLE", "long_name", "what a variable holds"),
    [CP_SCHEMA_UNITS] = TEXT("VARIABLE", "units", "its unit; 1 where it has none"),
    [CP_SCHEMA_ARITHMETIC_DTYPE] =
        TEXT("VARIABLE", "arithmetic_dtype",
             "of tensors and their digests: the type they were computed in, fp32, fp16, bf16 or fp64"),
    [CP_SCHEMA_RECOMPUTED] = INTEGER("VARIABLE", "recomputed",
                                     "1: a capture tool computed it afterwards, so that it was not observed"),

    [CP_SCHEMA_PROVENANCE] =
        GROUP("/provenance", "what the result was made from and with; not part of the content digest"),
    [CP_SCHEMA_TOOL] = TEXT("/provenance", "tool", "the program"),
    [CP_SCHEMA_FILE] = TEXT("/provenance", "file", "the experiment's file"),
    [CP_SCHEMA_TOOL_VERSION] = TEXT("/provenance", "version", "the program's version"),
    [CP_SCHEMA_COMMIT] = TEXT("/provenance", "commit", "the commit it was built from"),
    [CP_SCHEMA_COMPILER] = TEXT("/provenance", "compiler", "what it was built with"),
    [CP_SCHEMA_FLAGS] = TEXT("/provenance", "flags", "the compiler's flags"),
    [CP_SCHEMA_LIBRARIES] = TEXT("/provenance", "libraries", "the versions of its libraries"),
    [CP_SCHEMA_PROCESSOR] = TEXT("/provenance", "processor", "the processor's name"),
    [CP_SCHEMA_INSTRUCTION_SET] = TEXT("/provenance", "instruction_set", "instruction set of the kernels"),
    [CP_SCHEMA_TIME] =
        TEXT("/provenance", "time", "when the run began, UTC; SOURCE_DATE_EPOCH where that is set"),
    [CP_SCHEMA_THREADS] = INTEGER("/provenance", "threads", "number of threads"),
    [CP_SCHEMA_MODEL] = TEXT("/provenance", "model", "the section model of the experiment, as YAML"),
    [CP_SCHEMA_CONFIG] = TEXT("/provenance", "config", "the model's config"),
    [CP_SCHEMA_CHECKPOINT] = TEXT("/provenance", "checkpoint", "the model's checkpoint"),
    [CP_SCHEMA_SEED] = INTEGER("/provenance", "seed", "of a model with random weights"),
    [CP_SCHEMA_GRAFT_FROM] = TEXT("/provenance", "graft_from", "the capture that the passes go on from"),
    [CP_SCHEMA_GRAFT_AT] = TEXT("/provenance", "graft_at", "the tap that they go on from"),
    [CP_SCHEMA_EXPERIMENT] = DOCUMENT("/provenance/experiment", "the resolved experiment and its specs"),
    [CP_SCHEMA_FILES] = GROUP("/provenance/files", "the files that were read"),
    [CP_SCHEMA_FILES_DIGEST] = TEXT("/provenance/files", "NUMBER",
                                    "SHA-256 and path of a file; numbers have six digits, from 000000 on"),

    [CP_SCHEMA_INPUTS] = GROUP("/inputs", "what every pass was given"),
    [CP_SCHEMA_LABEL] =
        VARIABLE("/inputs/label", CP_INT32, CP_SCHEMA_NO_UNIT, "class index of each image", DIMS("image")),
    [CP_SCHEMA_TOKENS] = VARIABLE("/inputs/tokens", CP_INT32, CP_SCHEMA_NO_UNIT, "token ids of each prompt",
                                  DIMS("prompt", "token")),
    [CP_SCHEMA_TEMPLATES] = VARIABLE("/inputs/templates", CP_INT32, CP_SCHEMA_NO_UNIT,
                                     "prompts that make each class", DIMS("class")),
    [CP_SCHEMA_PIXELS_HASH] =
        VARIABLE("/inputs/pixels_hash", CP_INT64, CP_SCHEMA_NO_UNIT,
                 "hash of each image's pixels, since equal images count once", DIMS("image")),
    [CP_SCHEMA_PATCH_GRID] = VARIABLE("/inputs/patch_grid", CP_INT32, CP_SCHEMA_NO_UNIT,
                                      "patches along a side of an image", .dims = {NULL}),
    [CP_SCHEMA_THUMBNAIL] = VARIABLE("/inputs/thumbnail", CP_UINT8, CP_SCHEMA_NO_UNIT,
                                     "the first images, as the model gets them, made small",
                                     DIMS("first_image", "y", "x", "colour"), .columns = colours),

    [CP_SCHEMA_CAPTURES] = GROUP("/captures", "tensors of each pass, as far as they were recorded"),
    [CP_SCHEMA_CAPTURE] = GROUP("/captures/SPEC", "a pass: baseline, a candidate, or oracle.SPEC"),
    [CP_SCHEMA_CAPTURE_SETTINGS] =
        TEXT("/captures/SPEC", "settings", "a line ADDRESS: VALUE each, where they are not the defaults"),
    [CP_SCHEMA_CAPTURE_CHECKPOINT] =
        TEXT("/captures/SPEC", "checkpoint", "its own checkpoint, instead of the model's"),
    [CP_SCHEMA_CAPTURE_TAP] = GROUP("/captures/SPEC/TAP", "one tap of it"),
    [CP_SCHEMA_VALUE] =
        VARIABLE("/captures/SPEC/TAP/value", CP_FP32, CP_SCHEMA_NO_UNIT, NULL, DIMS("INPUT", "...")),
    [CP_SCHEMA_DIGEST] =
        VARIABLE("/captures/SPEC/TAP/digest", CP_UINT8, CP_SCHEMA_NO_UNIT,
                 "SHA-256 of each input's values, NaN canonical, little-endian", DIMS("INPUT", "byte")),
    [CP_SCHEMA_SIZE] = VARIABLE("/captures/SPEC/TAP/size", CP_INT32, "pixel",
                                "height and width of each input", DIMS("INPUT", "side"), .columns = sides),
    [CP_SCHEMA_STATS] = GROUP("/captures/SPEC/TAP/stats", "statistics of its tensor"),
    [CP_SCHEMA_MOMENTS] = VARIABLE("/captures/SPEC/TAP/stats/moments", CP_FP64, CP_SCHEMA_NO_UNIT,
                                   "moments and extrema of each input", DIMS("INPUT", "statistic")),
    [CP_SCHEMA_EXPONENTS] = VARIABLE("/captures/SPEC/TAP/stats/exponents", CP_INT32, "count",
                                     "elements by floor(log2 |x|)", DIMS("INPUT", "exponent")),

    [CP_SCHEMA_METRICS_GROUP] = GROUP("/metrics", "how far each candidate is from the baseline"),
    [CP_SCHEMA_METRICS] =
        VARIABLE("/metrics/CANDIDATE/TAP/metrics", CP_FP64, CP_SCHEMA_NO_UNIT,
                 "divergence of each input, split into its parts", DIMS("INPUT", "part", "metric")),
    [CP_SCHEMA_ULP_HISTOGRAM] =
        VARIABLE("/metrics/CANDIDATE/TAP/ulp_histogram", CP_INT32, CP_SCHEMA_NO_UNIT,
                 "elements by their distance in units of last place; bins by their least distance",
                 DIMS("INPUT", "ulp")),
    [CP_SCHEMA_LOCAL] =
        VARIABLE("/metrics/CANDIDATE/TAP/local", CP_FP64, CP_SCHEMA_NO_UNIT,
                 "divergence of each operation on the baseline's input", DIMS("INPUT", "part", "metric")),
    [CP_SCHEMA_DECISIONS] =
        VARIABLE("/metrics/CANDIDATE/decisions", CP_FP64, CP_SCHEMA_NO_UNIT,
                 "each image's decision against the baseline's", DIMS("image", "decision")),
    [CP_SCHEMA_VERDICTS] = VARIABLE("/metrics/CANDIDATE/verdicts", CP_FP64, CP_SCHEMA_NO_UNIT,
                                    "verdict of each tap with its statistics; codes in the attribute codes",
                                    DIMS("tap", "field")),
    [CP_SCHEMA_VERDICT_CODES] =
        TEXT("/metrics/CANDIDATE/verdicts", "codes", "number and name of each verdict"),
    [CP_SCHEMA_FAILING_IMAGES] =
        VARIABLE("/metrics/CANDIDATE/failing_images", CP_FP64, CP_SCHEMA_NO_UNIT,
                 "inputs whose ratio of errors fails by itself", DIMS("image", "failing_field")),
    [CP_SCHEMA_FAILING_PROMPTS] =
        VARIABLE("/metrics/CANDIDATE/failing_prompts", CP_FP64, CP_SCHEMA_NO_UNIT,
                 "inputs whose ratio of errors fails by itself", DIMS("prompt", "failing_field")),
    [CP_SCHEMA_LOCAL_VERDICTS] = VARIABLE(
        "/metrics/CANDIDATE/local_verdicts", CP_FP64, CP_SCHEMA_NO_UNIT,
        "verdict of each tap with its statistics; codes in the attribute codes", DIMS("tap", "field")),
    [CP_SCHEMA_LOCAL_VERDICT_CODES] =
        TEXT("/metrics/CANDIDATE/local_verdicts", "codes", "number and name of each verdict"),
    [CP_SCHEMA_PROPAGATION] =
        VARIABLE("/metrics/CANDIDATE/propagation", CP_FP64, CP_SCHEMA_NO_UNIT,
                 "error_l = kappa_l error_(l-1) + local_l", DIMS("segment", "propagation_field")),
    [CP_SCHEMA_KAPPA] = VARIABLE("/amplification/TOWER/kappa", CP_FP64, CP_SCHEMA_NO_UNIT,
                                 "relative change of a segment's result over that of its input",
                                 DIMS("INPUT", "segment", "probe")),
    [CP_SCHEMA_STAGE_ERRORS] = VARIABLE("/local/CANDIDATE/TOWER/errors", CP_FP64, CP_SCHEMA_NO_UNIT,
                                        "relative L2 divergence at the end of each segment",
                                        DIMS("INPUT", "segment", "error"), .columns = stage_errors),

    [CP_SCHEMA_FLOOR] =
        VARIABLE("/floor/TAP/rel_l2", CP_FP64, CP_SCHEMA_NO_UNIT,
                 "relative L2 distance of each rerun from the baseline", DIMS("INPUT", "run")),
    [CP_SCHEMA_BRACKET] = VARIABLE("/bracket/bounds", CP_FP64, CP_SCHEMA_NO_UNIT,
                                   "a-priori bounds on the relative L2 error of each tap's own operation",
                                   DIMS("tap", "bound"), .columns = bounds),
    [CP_SCHEMA_YARDSTICK] =
        VARIABLE("/yardstick/TAP/error", CP_FP64, CP_SCHEMA_NO_UNIT,
                 "rms error of this program's pass with the baseline's settings", DIMS("INPUT")),

    [CP_SCHEMA_LEDGER] = GROUP("/ledger", "each operation against its ideal function"),
    [CP_SCHEMA_LEDGER_ALTERNATIVES] = TEXT(
        "/ledger", "alternatives", "their names, a line each; fields hold the number of the line, from 0 on"),
    [CP_SCHEMA_LEDGER_VERDICTS] = TEXT("/ledger", "verdicts", "likewise"),
    [CP_SCHEMA_LEDGER_BASES] = TEXT("/ledger", "bases", "likewise"),
    [CP_SCHEMA_RESIDUAL] = VARIABLE("/ledger/SPEC/TAP/residual", CP_FP64, CP_SCHEMA_NO_UNIT,
                                    "the operation against its ideal function on the pass's own operands",
                                    DIMS("INPUT", "ledger_field")),
    [CP_SCHEMA_SLOPE] = VARIABLE("/ledger/SPEC/TAP/slope", CP_FP64, CP_SCHEMA_NO_UNIT,
                                 "sums for the slope of the residual on each alternative",
                                 DIMS("INPUT", "alternative", "slope_sum"), .columns = slope_sums),
    [CP_SCHEMA_SLOPE_ROWS] =
        VARIABLE("/ledger/SPEC/TAP/slope_rows", CP_INT64, CP_SCHEMA_NO_UNIT,
                 "hash of each row of the operand, since a row that was seen before counts once",
                 DIMS("INPUT", "slope_row")),
    [CP_SCHEMA_OPERATIONS] =
        VARIABLE("/ledger/SPEC/operations", CP_FP64, CP_SCHEMA_NO_UNIT,
                 "verdict of each operation over its inputs; codes and alternatives in attributes of /ledger",
                 DIMS("tap", "operation_field")),

    [CP_SCHEMA_EFFECTS] =
        VARIABLE("/attribution/factorial/effects", CP_FP64, CP_SCHEMA_NO_UNIT,
                 "mean response with minus without, over all other swaps; interactions likewise",
                 DIMS("effect", "response", "field"), .columns = effect_fields),
    [CP_SCHEMA_SHAPLEY] =
        VARIABLE("/attribution/factorial/shapley", CP_FP64, CP_SCHEMA_NO_UNIT,
                 "Shapley value of each swap: its mean contribution over all orders of swapping",
                 DIMS("factor", "response", "shapley_field"), .columns = shapley_fields),
    [CP_SCHEMA_CELLS] = VARIABLE("/attribution/factorial/cells", CP_UINT8, CP_SCHEMA_NO_UNIT,
                                 "which factors each candidate swaps", DIMS("cell", "factor")),
    [CP_SCHEMA_LAYERS_VISUAL] =
        VARIABLE("/attribution/layers/visual", CP_FP64, CP_SCHEMA_NO_UNIT,
                 "relative L2 divergence of the tower's features by a swap in one layer, mean over inputs",
                 DIMS("component", "visual_layer")),
    [CP_SCHEMA_LAYERS_TEXT] =
        VARIABLE("/attribution/layers/text", CP_FP64, CP_SCHEMA_NO_UNIT,
                 "relative L2 divergence of the tower's features by a swap in one layer, mean over inputs",
                 DIMS("component", "text_layer")),

    [CP_SCHEMA_TENSORS] = GROUP("/tensors", "the weights of a checkpoint that clip-parity convert wrote"),
    [CP_SCHEMA_TENSOR] = GROUP("/tensors/TENSOR", "one tensor of it"),
    [CP_SCHEMA_TENSOR_VALUE] =
        VARIABLE("/tensors/TENSOR/value", CP_FP32, CP_SCHEMA_NO_UNIT, "weights", DIMS("...")),
};
