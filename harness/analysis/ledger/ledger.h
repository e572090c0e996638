/* SPDX-License-Identifier: GPL-3.0-or-later
 * The operation ledger of a study: every operation of every pass, captured or computed, held against its
 * ideal function on the pass's own operands (ledger/residual.h), for the first inputs (`ledger:`). Nothing is
 * inherited, so each verdict is of that operation alone, and one input is enough.
 *
 * Where an operand was not recorded the operation is composite: it starts from the nearest taps that were,
 * through the operations between. What is evaluated between is kept as a float64 value and as CP_RERUNS
 * legitimate evaluations (struct cp_value). */
#ifndef CP_ANALYSIS_LEDGER_LEDGER_H
#define CP_ANALYSIS_LEDGER_LEDGER_H

#include "ledger/explain.h"
#include "ledger/slope.h"
#include "run/analysis.h"

/* Columns of /ledger/SPEC/TAP/residual (input, field). */
enum cp_ledger_field {
    CP_LEDGER_FIELD_VERDICT,    /* enum cp_ledger_verdict */
    CP_LEDGER_FIELD_BASIS,      /* enum cp_ledger_basis */
    CP_LEDGER_FIELD_BOUND,      /* largest |r| / bound; of a composite operation NaN */
    CP_LEDGER_FIELD_COARSENESS, /* rms of r over that of a plain evaluation */
    CP_LEDGER_FIELD_RESIDUAL,   /* relative L2: ||r|| / ||f|| */
    CP_LEDGER_FIELD_PLAIN,      /* that of a plain evaluation */
    CP_LEDGER_FIELD_ROW,        /* where |r| / bound is largest: (group and) row, column, the value, the ideal
                                   value */
    CP_LEDGER_FIELD_COLUMN,
    CP_LEDGER_FIELD_Y,
    CP_LEDGER_FIELD_F,
    CP_LEDGER_FIELD_OWN,         /* 0: what is not finite was inherited */
    CP_LEDGER_FIELD_ALTERNATIVE, /* that explains it; -1: none of those tried; NaN: none was tried */
    CP_LEDGER_FIELD_AT,          /* the point whose operation the alternative is of; another one where it is
                                    composite */
    CP_LEDGER_FIELD_TRIED,
    CP_LEDGER_FIELD_AFTER,    /* relative L2 against the alternative */
    CP_LEDGER_FIELD_SETTINGS, /* relative L2 of what the baseline's settings would make of the own operands;
                                 NaN: the same */
    CP_LEDGER_FIELD_WEIGHTS,  /* ... the baseline's weights */
    CP_LEDGER_FIELDS
};
extern const char *const cp_ledger_field_names[CP_LEDGER_FIELDS];

/* A tensor of one batch as a pass has it: recorded, or evaluated from what was. All NULL: not to be had. */
struct cp_value {
    const float *recorded;
    const double *ideal;           /* the same, or evaluated, in float64 */
    const float *plain[CP_RERUNS]; /* evaluated in the declared arithmetic; NULL where it was recorded */
    enum cp_dtype type;
    size_t each; /* elements of one input; of CP_OPERAND_TEXT and class_features of all */
};
static inline bool cp_value_is_there(const struct cp_value *v) {
    return v->recorded || v->ideal;
}

/* Where all prompts' text features are gathered; the members of struct cp_value that are NULL are NULL here. */
struct cp_text_buffers {
    float *recorded;
    double *ideal;
    float *plain[CP_RERUNS];
};

/* One pass, from stage to stage. */
struct cp_ledger_side {
    const struct cp_spec *spec;
    const struct cp_model *model; /* NULL: none, so operations with weights are not checked */
    const struct cp_patch_mask *patch_mask;
    const int32_t *tokens; /* (prompts, context) NULL: not known */
    const int *valid;      /* [prompts] */
    bool says_activation;  /* else it is the config's, which is not known without a model */
    float *cropped; /* (batch, 3, size, size) of a computed pass, whose steps are shown one picture at a time;
                       NULL: not shown */
    struct cp_value residual_stream, image, text, classes;
    struct cp_text_buffers text_buffers; /* text's */
    struct cp_arena residual_stream_arena[2], image_arena, text_arena,
        class_arena; /* of the stream the one before and the next */
    int flip;
    int *residual; /* handles, per site; -1: none */
    int *slope, *hash;
    struct cp_rows_seen *seen; /* per site */
    int operations;            /* handle */
};

struct cp_ledger {
    struct cp_ledger_side *side;            /* [spec_count] */
    struct cp_tower_shape shape[CP_TOWERS]; /* without a model, what the captures show of a plain ViT's */
    struct cp_tap_buffer buffer;            /* the stage's tensors of the pass at hand */
    struct cp_arena scratch;                /* of one operation */
    struct cp_arena stage;                  /* of one stage of one pass */
    double **rows;              /* per site: the baseline's (batch, field), for passes that follow it */
    struct cp_slope_sums *sums; /* per site: the baseline's; NULL in it: none */
    struct cp_arena rows_arena;
    size_t images, prompts; /* the first inputs that are checked */
    size_t pixels;          /* of an image as the model gets it, in all planes; 0: no model */
};

extern const struct cp_analysis cp_ledger_analysis;

/* Its state; NULL: not wanted. */
struct cp_ledger *cp_ledger_of(const struct cp_lockstep *lockstep);
/* How many images (CP_DIM_IMAGE) or prompts (CP_DIM_PROMPT) are checked: the first ones. */
size_t cp_ledger_first(const struct cp_study *study, enum cp_dim_kind of);

/* ---- between its parts ---- */

/* One stage of one pass. */
struct cp_ledger_at {
    struct cp_lockstep *ls;
    struct cp_ledger *ledger;
    struct cp_ledger_side *side;
    size_t s;
    struct cp_arena *memory, *scratch; /* of values; of a case's evaluations */
    struct cp_stage stage;
    enum cp_tower tower;
    size_t first, inputs;
    const int *valid; /* of the text tower */
    const struct cp_tower_shape *shape;
    struct cp_value value[CP_OPERAND_SLOTS];
    bool tried[CP_OPERAND_SLOTS]; /* to evaluate it */
    bool ideal_only;              /* no reruns: an explanation is tried */
    int changed;                  /* the point whose operation is changed by the alternative; -1: none */
    const struct cp_alternative *alternative;
    bool applied;
};

/* The site of a point; the count of sites where there is none. */
size_t cp_ledger_site(const struct cp_ledger_at *at, enum cp_point point);
/* Makes the case of the operation at a point, as spec and model have it; false: its weights are not there.
 * Operands are bound by the caller. */
bool cp_ledger_case(const struct cp_ledger_at *at, enum cp_point point, const struct cp_spec *spec,
                    const struct cp_model *model, struct cp_case *c);
/* The value at a slot (a point, or enum cp_operand): recorded, or evaluated now. */
enum cp_status cp_ledger_value(struct cp_ledger_at *at, int slot, struct cp_value **value,
                               struct cp_error *err);
/* The operands of the operation at a point, of conv1 cut into patches; *there: all of them are. */
struct cp_ledger_operands {
    const double *ideal[CP_OPERANDS];
    const float *plain[CP_RERUNS][CP_OPERANDS]; /* what was recorded in all of them, where it was */
    bool composite;                             /* one was evaluated */
};
enum cp_status cp_ledger_operands(struct cp_ledger_at *at, enum cp_point point, struct cp_case *c,
                                  struct cp_ledger_operands *operands, bool *there, struct cp_error *err);
/* Its ideal result, in the stage's memory; NULL: an operand or a weight is not there. */
enum cp_status cp_ledger_ideal(struct cp_ledger_at *at, enum cp_point point, const double **f,
                               struct cp_error *err);
/* Checks what is recorded at a point: fills rows (inputs, field), and the sums where they are not NULL. */
enum cp_status cp_ledger_check(struct cp_ledger_at *at, enum cp_point point, struct cp_rows_seen *seen,
                               double *rows, const struct cp_slope_sums *sums, struct cp_error *err);

/* Pixels of the pass at hand, as what they look like: rows (inputs, field). baseline: the baseline's; NULL:
 * it is the baseline. Of a line that leads from the baseline's to them the fields row, y and f are the
 * channel, the offset and the scale. */
void cp_ledger_pixels(const struct cp_ledger_at *at, const float *baseline, double *rows);
/* What the stage ends with, for the operations that the next one begins with. */
enum cp_status cp_ledger_carry(struct cp_ledger_at *at, struct cp_error *err);

/* ---- at the end ---- */

/* Columns of /ledger/SPEC/operations (tap, field): each operation over its inputs. */
enum cp_operation_field {
    CP_OPERATION_FIELD_VERDICT, /* the worst of any input */
    CP_OPERATION_FIELD_BASIS,
    CP_OPERATION_FIELD_INPUTS,  /* that were checked; of pixels and ids, compared with the baseline's */
    CP_OPERATION_FIELD_FAILING, /* coarse, contradicted, or not finite by itself; of pixels and ids,
                                   different */
    CP_OPERATION_FIELD_WORST,   /* the input; of ids, the first different one */
    CP_OPERATION_FIELD_BOUND,   /* of it, as in enum cp_ledger_field */
    CP_OPERATION_FIELD_COARSENESS,
    CP_OPERATION_FIELD_RESIDUAL,
    CP_OPERATION_FIELD_PLAIN,
    CP_OPERATION_FIELD_ROW,
    CP_OPERATION_FIELD_COLUMN,
    CP_OPERATION_FIELD_Y,
    CP_OPERATION_FIELD_F,
    CP_OPERATION_FIELD_OWN,
    CP_OPERATION_FIELD_ALTERNATIVE, /* -1: none fits; NaN: none was tried */
    CP_OPERATION_FIELD_AT,          /* the point whose operation that is of */
    CP_OPERATION_FIELD_TRIED,
    CP_OPERATION_FIELD_AFTER,
    CP_OPERATION_FIELD_SLOPE, /* of the alternative that a slope shows, with its standard error; else NaN */
    CP_OPERATION_FIELD_SLOPE_ERROR,
    CP_OPERATION_FIELD_HIDDEN, /* an alternative that the inputs cannot tell apart from what is declared; -1:
                                  none */
    CP_OPERATION_FIELD_NEEDS,  /* about so many inputs would */
    CP_OPERATION_FIELD_SETTINGS,
    CP_OPERATION_FIELD_WEIGHTS,
    CP_OPERATION_FIELD_RECOMPUTED, /* 1: a capture tool computed it afterwards, so that it counts as not
                                      recorded */
    CP_OPERATION_FIELD_BEFORE, /* residual of the input that AFTER is of: the worst with that alternative */
    CP_OPERATION_FIELD_COUNT
};
extern const char *const cp_operation_field_names[CP_OPERATION_FIELD_COUNT];

/* Of pass s, at a row that cp_ledger_row found. */
enum cp_status cp_ledger_read(const struct cp_lockstep *lockstep, size_t s, size_t row,
                              double fields[CP_OPERATION_FIELD_COUNT], struct cp_error *err);
/* Makes the state, and defines the variables. */
enum cp_status cp_ledger_make(struct cp_lockstep *lockstep, void **state, struct cp_error *err);
void cp_ledger_free(struct cp_lockstep *lockstep);
enum cp_status cp_ledger_define(struct cp_lockstep *lockstep, struct cp_error *err);
/* After the last batch: reads the residuals back, and writes /ledger/SPEC/operations. */
enum cp_status cp_ledger_write(struct cp_lockstep *lockstep, struct cp_error *err);
/* One operation's inputs, and the fields that they come to. */
struct cp_ledger_summary {
    const double *rows;            /* (inputs, CP_LEDGER_FIELDS) */
    const struct cp_slope *slopes; /* (inputs, cp_slope_count) */
    enum cp_operation_kind kind;
    size_t inputs, looked_at; /* looked_at: slopes of all operations of the pass */
    bool shared;              /* inputs err alike: cp_slope_add */
    double *fields;           /* [CP_OPERATION_FIELD_COUNT] */
};
void cp_ledger_summarise(const struct cp_ledger_summary *summary);
/* Adds to the fields of pixels or ids of pass s, from their comparison with the baseline's: how many inputs
 * differ, and where no reference tells it, what the declared settings make different. */
enum cp_status cp_ledger_differing(const struct cp_lockstep *lockstep, size_t s, size_t site, double *fields,
                                   struct cp_error *err);
/* Whether a captured pass's tensor at a site was not observed. */
bool cp_ledger_recomputed(const struct cp_study *study, size_t s, size_t site);
/* The row of a site in the operations of pass s; SIZE_MAX: there is none. */
size_t cp_ledger_row(const struct cp_lockstep *lockstep, size_t s, size_t site);
/* How many inputs of earlier batches have been explained at a point, from what is stored of them: so neither
 * the size of a batch nor a resumed run changes which ones are. */
enum cp_status cp_ledger_explained(const struct cp_ledger_at *at, enum cp_point point, size_t *count,
                                   struct cp_error *err);
/* The rows of one input of a tap whose hashes are stored (cp_slope_rows). */
size_t cp_ledger_slope_rows(const struct cp_site *site);
/* One batch's rows of pass s at a site, and its sums where they are not NULL. */
enum cp_status cp_ledger_store(struct cp_lockstep *lockstep, size_t s, size_t site, size_t first,
                               size_t inputs, const double *rows, const struct cp_slope_sums *sums,
                               struct cp_error *err);
/* The rows of operands that the inputs before `first` had, as stored: a run that goes on knows what the one
 * that was stopped had seen. */
enum cp_status cp_ledger_recall(struct cp_lockstep *lockstep, size_t s, size_t site, size_t first,
                                struct cp_rows_seen *seen, struct cp_error *err);

#endif
