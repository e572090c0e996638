/* SPDX-License-Identifier: GPL-3.0-or-later
 * The experiment: a model, inputs, a baseline, candidates and what to record, as one YAML file says them.
 *
 * field.c has a row for each key; docs/experiment.md and `clip-parity list keys` show them. candidates, sweep,
 * factorial and layerwise are switched off by {}, as an override may do.
 * An ADDRESS is component[.knob][@layers]; here only its characters are checked. Files that are read are looked for
 * beside the experiment, then in the current directory, then in the installation (find.c), and are not opened here; the
 * output is relative to the current directory. Unknown keys and values are errors with file:line:column. */
#ifndef CP_EXPERIMENT_EXPERIMENT_H
#define CP_EXPERIMENT_EXPERIMENT_H

#include "format/yaml.h"
#include "num/factorial.h"
#include "num/metrics.h"
#include "tap/record.h"

#include <limits.h>

/* What names of experiments and candidates are made of. */
#define CP_NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

enum {
    CP_CANDIDATES_MAX = 1000,
    CP_NAME_MAX = 255,
    CP_BATCH_DEFAULT = 32,
    CP_FLOOR_MAX = 64,
    CP_ALL = INT_MAX,
    CP_ORACLE_AUTO =
        -1, /* the first CP_ORACLE_INPUTS images and prompts, and those that diverge much further */
    CP_ORACLE_INPUTS = 16,
    CP_LEDGER_AUTO = -1 /* the inputs that the oracle computes; without a model all */
};

#define CP_RECORD_LIMIT 2e9 /* bytes of a result, where nothing else is said */

/* A string of the file and where it stands, for the checks that come later (a file that is missing, ...). */
struct cp_marked_text {
    const char *text;
    struct cp_mark mark;
    const char
        *written; /* of a path that was found in another folder, which text then has: as the file says it */
};

/* Lines written in the experiment, or the file that has one per line. */
struct cp_lines {
    struct cp_marked_text path; /* .text NULL: written in place */
    size_t count;
    struct cp_marked_text *items; /* (count) */
};

struct cp_setting {
    const char *address;
    const char *value;
    struct cp_mark mark;       /* of the address */
    struct cp_mark value_mark; /* of the value */
};

/* A capture to read. */
struct cp_capture_choice {
    struct cp_marked_text file; /* FILE or FILE:NAME; .text NULL: none */
    struct cp_marked_text map;  /* .text NULL: the file is of our schema */
};

struct cp_candidate {
    const char *name; /* usable as an HDF5 link name; never "baseline" or "oracle" */
    struct cp_capture_choice capture;
    struct cp_marked_text checkpoint; /* .text NULL: no weights of its own */
    struct cp_mark mark;
    size_t count;
    struct cp_setting *settings; /* (count), in the file's order */
};

struct cp_model_source {
    struct cp_marked_text checkpoint;   /* .text NULL: seeded by init */
    struct cp_marked_text config, name; /* .text NULL: not given; one of them at most, with init one */
    const char *init; /* "counter", or NULL with a checkpoint; without both there is no model */
    int64_t seed;
    struct cp_marked_text load_as, pretrained; /* .text NULL: the config decides; else both, and name */
    bool force_quick_gelu;
    int image_size; /* 0: the config's */
    struct cp_mark image_size_mark;
};

enum cp_prompts_kind {
    CP_PROMPTS_NONE,
    CP_PROMPTS_LINES,   /* texts: the prompts */
    CP_PROMPTS_CLASSES, /* texts: the classes; templates */
    CP_PROMPTS_TOKENS   /* texts.path: a .npy file of token ids */
};

struct cp_experiment_inputs {
    size_t image_count;
    struct cp_marked_text *images; /* (image_count) paths or globs: pictures, .npy, IDX */
    enum cp_prompts_kind prompts;
    struct cp_lines texts, templates;
    bool truncate; /* cut prompts that are longer than the model's context; else they are an error */
    struct cp_marked_text labels; /* .csv or IDX; .text NULL: none */
    int limit;                    /* CP_ALL: no limit */
    bool synthetic;
    int synthetic_images, synthetic_prompts; /* not both 0 where synthetic */
    int64_t synthetic_seed;
    struct cp_capture_choice capture;
};

struct cp_record_rule {
    const char *glob;
    enum cp_record_mode mode;
    struct cp_mark mark;
};

/* What a tap is held to; flips and kl are of a candidate's decisions. */
enum cp_check_kind {
    CP_CHECK_BITS,
    CP_CHECK_MATHS,
    CP_CHECK_RATIO,
    CP_CHECK_WORST_TOKEN,
    CP_CHECK_ULP,
    CP_CHECK_INCONCLUSIVE, /* of a ratio: fail, or allow */
    CP_CHECK_RTOL,         /* of a candidate against the baseline of the same run, with */
    CP_CHECK_ATOL,         /* this: |candidate - baseline| <= atol + rtol |baseline| */
    CP_CHECK_FLIPS,
    CP_CHECK_KL,
    CP_CHECK_KINDS
};
extern const char *const cp_check_names[CP_CHECK_KINDS];

/* auto is the limit that follows from what was accepted: `on` for bits and maths, `fail` for inconclusive;
 * off is `allow` there. A tolerance has none: it is a number, or off. */
struct cp_check_limit {
    enum cp_check_state { CP_CHECK_UNSAID, CP_CHECK_AUTO, CP_CHECK_NUMBER, CP_CHECK_OFF } state;
    double number;
};

/* A rule is named "TAP GLOB", "decisions", or either behind "SUBJECT GLOB/"; subjects are `baseline` and the
 * candidates. A tap is matched by its name and by its address (visual.5.mlp.gelu). The first two rules are
 * the defaults of all taps and of all decisions: auto. */
struct cp_check_rule {
    const char *where;   /* as the experiment prints it */
    const char *subject; /* glob */
    const char *tap;     /* glob; NULL: decisions */
    const char *reason;  /* NULL: none */
    struct cp_check_limit limit[CP_CHECK_KINDS];
    struct cp_mark mark;
};

struct cp_experiment {
    const char *name;
    const char *hypothesis; /* NULL: none */
    struct cp_model_source model;
    struct cp_experiment_inputs inputs;
    struct cp_candidate baseline; /* .name "baseline" */
    size_t candidate_count;
    struct cp_candidate
        *candidates;     /* (candidate_count <= CP_CANDIDATES_MAX); the sweep's cells, then the factorial's */
    size_t factor_count; /* 0: no factorial */
    struct cp_candidate *factors; /* (factor_count <= CP_FACTORS_MAX) */
    size_t factorial_first;       /* candidates[factorial_first + c - 1] is cell c, bit f of c: factor f */
    struct cp_mark factorial_mark;
    struct cp_candidate layerwise; /* settings without layers; .count 0: none */
    size_t record_count;
    struct cp_record_rule *record; /* (record_count); the first, and only the first, is "*" */
    double record_limit;           /* bytes of a result; INFINITY: none */
    int oracle; /* images the oracle computes, the first ones, and all prompts: 0, a number, CP_ALL; or
                                      CP_ORACLE_AUTO */
    int ledger; /* inputs whose operations are checked, the first ones: as oracle, or CP_LEDGER_AUTO */
    int local;  /* inputs whose divergence is taken apart, the first ones; as oracle */
    struct cp_capture_choice graft; /* .file.text NULL: none */
    struct cp_marked_text graft_at; /* the tap */
    int floor;                      /* reruns of each kind for the noise floor; 0: none */
    int threads;                    /* 0: auto */
    int batch;                      /* 0: auto, CP_BATCH_DEFAULT at most */
    const char *isa;                /* "auto", "scalar", ... */
    struct cp_marked_text output;
    bool output_by_name; /* nothing says where: results/runs/EXPERIMENT.h5 */
    double verdict_k;    /* > 1; 0: by the candidate's precision */
    double verdict_alpha;
    const struct cp_tolerance *tolerance; /* of the metric `beyond`; NULL: of each type */
    size_t check_count;
    struct cp_check_rule *check; /* (check_count >= 2) */
    size_t found_count;
    const struct cp_marked_text *
        *found;            /* paths of files that lie neither where they say nor in the current directory */
    struct cp_arena arena; /* owns every string and array above */
};

/* Reads the file at path, in the installation where it is not there, and finds the files it reads; or size bytes of text said to come from source, with overrides applied before any
 * check. On failure nothing is kept; on success release with cp_experiment_free. CP_BAD_INPUT for what the
 * user wrote. */
enum cp_status cp_experiment_load(const char *path, const char *const *overrides, size_t count,
                                  struct cp_experiment *experiment, struct cp_error *err);
enum cp_status cp_experiment_parse(const char *source, const char *text, size_t size,
                                   const char *const *overrides, size_t count,
                                   struct cp_experiment *experiment, struct cp_error *err);
/* One without a file: every default, and no model, inputs or candidates, which its maker fills in from its
 * arena; candidates has room for CP_CANDIDATES_MAX. name is borrowed. */
enum cp_status cp_experiment_begin(const char *name, struct cp_experiment *experiment, struct cp_error *err);
void cp_experiment_free(struct cp_experiment *experiment);

/* As the experiment says it, wherever it was found. */
const char *cp_written(const struct cp_marked_text *text);
/* The path of a file that a run opened, as the experiment's words for it lead to; in path. */
const char *cp_experiment_written(const struct cp_experiment *experiment, const char *path);

/* Applies "key=value" to the tree of an experiment file, in place. The value is YAML, lists and mappings
 * included. The key is split at dots (model.seed), but an address or a tap glob keeps its own: all after
 * `baseline.`, `sweep.`, `layerwise.`, `record.`, `check.`, `candidates.NAME.` and `factorial.NAME.` is one
 * key, and NAME ends at the first dot. Mappings on the way are made if absent. A setting or a rule goes to
 * the end, so that it wins. Errors are at "command line: key=value". */
enum cp_status cp_experiment_override(struct cp_arena *arena, struct cp_yaml *root, const char *override,
                                      struct cp_error *err);

/* ADDRESS=VALUE,... as settings of a pass, in the arena; `where` is what they stand in, for errors. Whether an address
 * and a value exist is told by the spec. */
enum cp_status cp_settings_parse(const char *text, const char *where, struct cp_arena *arena,
                                 struct cp_candidate *pass, struct cp_error *err);
/* What is recorded of a tap. */
enum cp_record_mode cp_experiment_record(const struct cp_experiment *experiment, const char *tap);

/* Whether a rule is of a tap of a subject; tap NULL: of its decisions. */
bool cp_check_matches(const struct cp_check_rule *rule, const char *subject, const char *tap);
/* The rule that decides a kind there, but rtol or atol: the last one that matches and says it. */
const struct cp_check_rule *cp_experiment_check(const struct cp_experiment *experiment, const char *subject,
                                                const char *tap, enum cp_check_kind kind);
/* Whether a rule says rtol or atol, be it off. */
bool cp_check_says_tolerance(const struct cp_check_rule *rule);
/* The tolerance of a tap of a candidate: of the last rule that says rtol or atol of it, the one that it does not say
 * being 0. NULL: no rule does, or it says off. */
const struct cp_check_rule *cp_experiment_tolerance(const struct cp_experiment *experiment,
                                                    const char *candidate, const char *tap,
                                                    struct cp_tolerance *tolerance);

/* The experiment, every default spelled out, as YAML that parses back to an equal one (marks apart): the
 * provenance. Equal experiments have equal text. In arena; NULL when out of memory. */
char *cp_experiment_print(const struct cp_experiment *experiment, struct cp_arena *arena);
/* The same without what no bit of a result depends on: threads, batch, isa, output. */
char *cp_experiment_print_what(const struct cp_experiment *experiment, struct cp_arena *arena);
/* Its section `model` alone; "" without a model. */
char *cp_experiment_print_model(const struct cp_experiment *experiment, struct cp_arena *arena);

/* The first key of two such texts, by the first one's order, that has another value, apart from those that no bit depends
 * on; key NULL: they say the same. Strings are in the arena; an absent value is "nothing", a longer one is cut. */
struct cp_experiment_difference {
    const char *key, *a, *b;
};
enum cp_status cp_experiment_difference(const char *a, size_t a_size, const char *b, size_t b_size,
                                        struct cp_arena *arena, struct cp_experiment_difference *difference,
                                        struct cp_error *err);

/* k: so many times the baseline's error is degraded, in arithmetic of that type. */
double cp_experiment_limit(const struct cp_experiment *experiment, enum cp_dtype type);

#endif
