/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of experiment/field.h. */
#include "experiment/field.h"

#include "experiment/read.h"

#include <stddef.h>

enum { THREADS_MAX = 1024, BATCH_MAX = 65536 };

static const char *const inits[] = {"counter", "open_clip", NULL};
static const char *const isas[] = {"auto", "scalar", "avx2", "avx512", NULL};

static bool has_model(const struct cp_experiment *experiment) {
    return experiment->model.init || experiment->model.checkpoint.text;
}

static bool is_seeded(const struct cp_experiment *experiment) {
    return experiment->model.init != NULL;
}

static bool is_synthetic(const struct cp_experiment *experiment) {
    return experiment->inputs.synthetic;
}

static bool has_graft(const struct cp_experiment *experiment) {
    return experiment->graft.file.text != NULL;
}

/* A member, which must be of the type that its kind reads, and where it is. */
#define MEMBER(name) ((struct cp_experiment *)0)->name
#define PLACE(name) offsetof(struct cp_experiment, name)
#define STRING(name) .kind = CP_KEY_STRING, .at = _Generic(MEMBER(name), const char * : PLACE(name))
#define NAME(name) .kind = CP_KEY_NAME, .at = _Generic(MEMBER(name), const char * : PLACE(name))
#define TEXT(name) .kind = CP_KEY_TEXT, .at = _Generic(MEMBER(name), struct cp_marked_text : PLACE(name))
#define PATH(name) TEXT(name), .form = "path"
#define CAPTURE(name)                                                                                        \
    .kind = CP_KEY_CAPTURE, .at = _Generic(MEMBER(name), struct cp_marked_text : PLACE(name))
#define INTEGER(name, from, to)                                                                              \
    .kind = CP_KEY_INTEGER, .at = _Generic(MEMBER(name), int : PLACE(name)), .least = (from), .most = (to)
#define SEED(name) .kind = CP_KEY_SEED, .at = _Generic(MEMBER(name), int64_t : PLACE(name)), .initial = "0"
#define NUMBER(name) .kind = CP_KEY_NUMBER, .at = _Generic(MEMBER(name), double : PLACE(name))
#define BOOLEAN(name)                                                                                        \
    .kind = CP_KEY_BOOLEAN, .at = _Generic(MEMBER(name), bool : PLACE(name)), .initial = "off"
#define COUNT(name, first)                                                                                   \
    .kind = CP_KEY_COUNT, .at = _Generic(MEMBER(name), int : PLACE(name)), .initial = (first)
#define CHOICE(name, of)                                                                                     \
    .kind = CP_KEY_CHOICE, .at = _Generic(MEMBER(name), const char * : PLACE(name)), .choices = (of)
#define SECTION .kind = CP_KEY_SECTION
#define SPECIAL(words) .kind = CP_KEY_SPECIAL, .form = (words)

#define SETTINGS "{ADDRESS: VALUE, ...}"
#define GROUPS "{NAME: " SETTINGS ", ...}"
#define FILE_OR_NAME "FILE or FILE:NAME"

/* Tails of few inputs, skewed or sharing templates, have been held against draws down to some 1e-4 a tap. */
#define LEAST_ALPHA 1e-6

const struct cp_key cp_keys[] = {
    {"experiment", "the experiment's name: letters, digits, _, - and dots", NAME(name), .required = true},
    {"hypothesis", "what the experiment is meant to show", STRING(hypothesis)},

    {"model", "the model; not needed where every pass is a capture", SECTION, .shown = has_model,
     .before = cp_check_model_keys, .after = cp_finish_model},
    {"model.checkpoint", "the file of its weights", PATH(model.checkpoint)},
    {"model.config", "config of open_clip or Hugging Face; default: what the checkpoint says, or its shapes",
     PATH(model.config)},
    {"model.init", "seeded weights instead of a checkpoint; needs config or name", CHOICE(model.init, inits),
     .late = true},
    {"model.seed", "seed of init", SEED(model.seed), .late = true, .shown = is_seeded},
    {"model.name", "name of one of open_clip's configs, instead of config", TEXT(model.name)},
    {"model.load_as", "the activation is what that version of open_clip computes for name and pretrained",
     TEXT(model.load_as), .form = "open_clip-VERSION"},
    {"model.pretrained", "what open_clip is called with: a tag, or the path of the checkpoint",
     TEXT(model.pretrained), .form = "tag or path"},
    {"model.force_quick_gelu", "passed to open_clip as well", BOOLEAN(model.force_quick_gelu)},
    {"model.image_size",
     "pixels a side, whole patches: position embeddings are resized; default: the config's",
     INTEGER(model.image_size, 1, CP_CONFIG_SIZE)},

    {"inputs", "images, prompts or both; or synthetic or capture alone", SECTION, .required = true,
     .before = cp_check_inputs_keys},
    {"inputs.images", "PNG, JPEG, WebP, IDX or NPY", SPECIAL("path, glob or a list of them"),
     .read = cp_read_images, .print = cp_print_images},
    {"inputs.prompts", "prompts, or token ids in a .npy file",
     SPECIAL("[TEXT, ...], TOKENS.npy or a mapping of the keys below"), .read = cp_read_prompts,
     .print = cp_print_prompts},
    {"inputs.prompts.file", "one prompt per line", SPECIAL("path")},
    {"inputs.prompts.classes", "one per line; each takes the place of {} in every template",
     SPECIAL("path or a list")},
    {"inputs.prompts.templates", "texts with {}", SPECIAL("path or a list")},
    {"inputs.truncate", "cut prompts that are too long for the model; off: they are errors",
     BOOLEAN(inputs.truncate)},
    {"inputs.labels", "index of the class of each image: CSV or IDX; off: none", PATH(inputs.labels)},
    {"inputs.limit", "use the first N images; of a capture, prompts as well",
     INTEGER(inputs.limit, 1, INT_MAX), .other = CP_ALL, .late = true},
    {"inputs.synthetic", "seeded pixels and tokens", SECTION, .flow = true, .shown = is_synthetic,
     .after = cp_finish_synthetic},
    {"inputs.synthetic.images", "number of images", INTEGER(inputs.synthetic_images, 0, INT_MAX),
     .initial = "0"},
    {"inputs.synthetic.prompts", "number of prompts", INTEGER(inputs.synthetic_prompts, 0, INT_MAX),
     .initial = "0"},
    {"inputs.synthetic.seed", "seed of both", SEED(inputs.synthetic_seed)},
    {"inputs.capture", "use pixels.normalized and tokens of a capture", CAPTURE(inputs.capture.file),
     .form = FILE_OR_NAME},
    {"inputs.map", "the capture's map, if it has tap names of its own (docs/capture.md)",
     CAPTURE(inputs.capture.map), .form = "path"},

    {"baseline", "settings of the baseline, on top of what the config says", SPECIAL(SETTINGS), .parts = 1,
     .read = cp_read_baseline, .print = cp_print_baseline},
    {"baseline.capture", "read the pass from a capture instead of computing it; also in candidates",
     SPECIAL(FILE_OR_NAME)},
    {"baseline.map", "the capture's map; also in candidates", SPECIAL("path")},
    {"baseline.checkpoint",
     "weights for the same config; also in candidates, which otherwise have the baseline's", SPECIAL("path")},
    {"candidates", "each is compared with the baseline", SPECIAL(GROUPS), .initial = "{}", .parts = 2,
     .read = cp_read_candidates, .print = cp_print_candidates},
    {"sweep", "the cross product of the values, a candidate each; the first address varies slowest",
     SPECIAL("{ADDRESS: VALUE or a list, ...}"), .initial = "{}", .parts = 1},
    {"factorial",
     "at most 7 factors: all combinations as candidates, with effects, interactions and Shapley shares",
     SPECIAL(GROUPS), .initial = "{}", .parts = 2, .print = cp_print_factorial},
    {"layerwise", "each setting in one block at a time, a candidate each", SPECIAL(SETTINGS), .initial = "{}",
     .parts = 1, .print = cp_print_layerwise},
    {"record", "what to keep of a tap: full, stats, digest or off; the last match wins",
     SPECIAL("{TAP GLOB: MODE, ...}"), .initial = "{\"*\": stats}", .parts = 1, .read = cp_read_record,
     .print = cp_print_record},
    {"record.limit", "a result that would be larger is not begun",
     SPECIAL("bytes, as in 500 MB or 2 GB, or off"), .initial = "2 GB", .print = cp_print_record_limit,
     .how = true},
    {"oracle",
     "the float64 reference, for all or the first images; auto: 16 images and 16 prompts, and outliers",
     COUNT(oracle, "auto"), .word = "auto", .other = CP_ORACLE_AUTO},
    {"ledger", "check each operation against its ideal function; auto: for the oracle's inputs",
     COUNT(ledger, "auto"), .word = "auto", .other = CP_LEDGER_AUTO},
    {"local", "teacher forcing and amplification, for all or the first images and prompts",
     COUNT(local, "off")},
    {"floor", "the noise floor: N reruns in other summation orders and N with stochastic rounding",
     INTEGER(floor, 0, CP_FLOOR_MAX), .initial = "0"},
    {"graft", "start every pass from a tensor of a capture", SECTION, .shown = has_graft,
     .before = cp_check_graft_keys},
    {"graft.from", "the capture", CAPTURE(graft.file), .form = FILE_OR_NAME},
    {"graft.at", "the tap to start from", TEXT(graft_at), .late = true},
    {"graft.map", "the capture's map, if it has tap names of its own", CAPTURE(graft.map), .form = "path"},
    {"threads", "auto: one per core", INTEGER(threads, 1, THREADS_MAX), .initial = "auto", .word = "auto",
     .how = true},
    {"batch", "inputs computed at once; results are the same for any; auto: 32, or as many as take 10 s",
     INTEGER(batch, 1, BATCH_MAX), .initial = "auto", .word = "auto", .how = true},
    {"isa", "instruction set of the kernels; results are the same for any", CHOICE(isa, isas),
     .initial = "auto", .how = true},
    {"output", "the result file", SPECIAL("path"), .initial = "results/runs/EXPERIMENT.h5",
     .read = cp_read_output, .print = cp_print_output, .how = true},

    {"verdict", "limits of the verdicts on taps", SECTION},
    {"verdict.k",
     "allowed ratio of the candidate's error to the baseline's; auto: 2 in float32, 3 in half precision",
     NUMBER(verdict_k), .initial = "auto", .word = "auto", .low = 1, .above = true},
    {"verdict.alpha", "significance level of the tests", NUMBER(verdict_alpha), .initial = "0.05",
     .low = LEAST_ALPHA, .high = 0.5, .why = "smaller p-values are not known well enough"},
    {"verdict.rtol", "with atol, the tolerance |b - a| <= atol + rtol |a| instead of each type's",
     SPECIAL("a number of 0 or more"), .read = cp_read_tolerance, .print = cp_print_tolerance},
    {"verdict.atol", "of rtol and atol, the one not given is 0", SPECIAL("a number of 0 or more")},

    {"check", "limits for `clip-parity check` (docs/gate.md)",
     SPECIAL("{RULE: {KIND: LIMIT, ..., reason: TEXT}, ...}"), .parts = 1, .read = cp_read_check,
     .print = cp_print_check},
};

const size_t cp_key_count = sizeof cp_keys / sizeof cp_keys[0];
