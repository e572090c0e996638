/* SPDX-License-Identifier: GPL-3.0-or-later
 * The hooks of a study's analyses, each called for every row that is wanted. */
#include "run/analysis.h"

static bool is_wanted(const struct cp_analysis *analysis, const struct cp_study *study) {
    return !analysis->wanted || analysis->wanted(study);
}

/* Each row in turn that is wanted and has the hook: names of a variable and a member take no parentheses. */
/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define FOR_EACH(row, study, hook)                                                                           \
    for (const struct cp_analysis *const *at = (study)->analyses, *row; at && (row = *at); at++)             \
        if (row->hook && is_wanted(row, study))
/* NOLINTEND(bugprone-macro-parentheses) */

static size_t count_rows(const struct cp_study *study) {
    size_t count = 0;
    while (study->analyses && study->analyses[count])
        count++;
    return count;
}

void *cp_lockstep_state(const struct cp_lockstep *ls, const struct cp_analysis *analysis) {
    const struct cp_analysis *const *rows = ls->study->analyses;
    for (size_t i = 0; ls->state && rows[i]; i++)
        if (rows[i] == analysis)
            return ls->state[i];
    return NULL;
}

/* ---- before a run ---- */

enum cp_status cp_analyses_check(const struct cp_study *study, struct cp_error *err) {
    FOR_EACH(row, study, check) {
        CP_TRY(row->check(study, err));
    }
    return CP_OK;
}

void cp_analyses_note(const struct cp_study *study, struct cp_sentence *sentence) {
    FOR_EACH(row, study, note) {
        row->note(study, sentence);
    }
}

void cp_analyses_cost(const struct cp_study *study, struct cp_estimate *estimate) {
    FOR_EACH(row, study, cost) {
        row->cost(study, estimate);
    }
}

unsigned cp_analyses_needs(const struct cp_study *study) {
    unsigned needs = 0;
    FOR_EACH(row, study, needs) {
        needs |= row->needs;
    }
    return needs;
}

size_t cp_analyses_batch_end(const struct cp_study *study, enum cp_dim_kind of, size_t first, size_t end) {
    FOR_EACH(row, study, inputs) {
        const size_t last = row->inputs(study, of);
        if (first < last && end > last)
            end = last;
    }
    return end;
}

/* ---- in a run ---- */

enum cp_status cp_analyses_define(struct cp_lockstep *ls, struct cp_error *err) {
    CP_LOCKSTEP_TAKE(ls, ls->state, count_rows(ls->study) + 1);
    FOR_EACH(row, ls->study, define) {
        CP_TRY(row->define(ls, &ls->state[at - ls->study->analyses], err));
    }
    return CP_OK;
}

size_t cp_analyses_taps(const struct cp_study *study) {
    size_t taps = 0;
    FOR_EACH(row, study, tap) {
        taps++;
    }
    return taps;
}

void cp_analyses_tap(struct cp_lockstep *ls, size_t s, struct cp_tap *taps) {
    FOR_EACH(row, ls->study, tap) {
        *taps++ = row->tap(ls, s);
    }
}

enum cp_status cp_analyses_before(struct cp_lockstep *ls, struct cp_stage stage, struct cp_error *err) {
    FOR_EACH(row, ls->study, before) {
        CP_TRY(row->before(ls, stage, err));
    }
    return CP_OK;
}

enum cp_status cp_analyses_pass(struct cp_lockstep *ls, size_t s, struct cp_stage stage,
                                struct cp_error *err) {
    FOR_EACH(row, ls->study, pass) {
        CP_TRY(row->pass(ls, s, stage, err));
    }
    return CP_OK;
}

enum cp_status cp_analyses_stage(struct cp_lockstep *ls, struct cp_stage stage, struct cp_error *err) {
    FOR_EACH(row, ls->study, stage) {
        CP_TRY(row->stage(ls, stage, err));
    }
    return CP_OK;
}

enum cp_status cp_analyses_commit(struct cp_lockstep *ls, enum cp_tower tower, struct cp_error *err) {
    FOR_EACH(row, ls->study, commit) {
        CP_TRY(row->commit(ls, tower, err));
    }
    return CP_OK;
}

enum cp_status cp_analyses_finish(struct cp_lockstep *ls, struct cp_error *err) {
    FOR_EACH(row, ls->study, finish) {
        CP_TRY(row->finish(ls, err));
    }
    return CP_OK;
}

enum cp_status cp_analyses_print(const struct cp_lockstep *ls, bool details, FILE *out,
                                 struct cp_error *err) {
    FOR_EACH(row, ls->study, print) {
        if (details || !row->details)
            CP_TRY(row->print(ls, out, err));
    }
    return CP_OK;
}

/* Those alone that were defined: a failure may have come before. */
void cp_analyses_release(struct cp_lockstep *ls) {
    FOR_EACH(row, ls->study, release) {
        if (cp_lockstep_state(ls, row))
            row->release(ls);
    }
}
