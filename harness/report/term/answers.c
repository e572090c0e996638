/* SPDX-License-Identifier: GPL-3.0-or-later
 * The answer as a table: a row for each candidate, the worst first, its reason beneath. */
#include "base/escape.h"
#include "base/sentence.h"
#include "report/data/answer.h"
#include "report/term/term.h"

#include <math.h>
#include <string.h>

enum { INDENT = 2 };

/* What a row shows from left to right; a narrow screen has fewer. */
enum column { CANDIDATE, VERDICT, FIRST, RELATIVE, MAX_DP, FLIPS, COLUMNS };
static const struct {
    const char *head;
    size_t width;
    bool right; /* aligned */
} columns[COLUMNS] = {{"candidate", 14, false}, {"verdict", 18, false}, {"first difference", 20, false},
                      {"rel L2", 7, true},      {"|dp|", 7, true},      {"flips", 9, true}};

static void put_text(const struct cp_screen *s, enum column column, const char *text) {
    if (columns[column].right)
        cp_print(s->out, "%*s", (int)columns[column].width, text);
    else
        cp_screen_short(s, text, columns[column].width);
}

static void put_number(const struct cp_screen *s, enum column column, double value) {
    char text[32];
    (void)snprintf(text, sizeof text, isnan(value) ? "-" : value == 0 ? "0" : "%.1e", value);
    put_text(s, column, text);
}

/* A name that does not fit its column has a line of its own above the row: cut, several would look alike. */
static bool fits(const char *name) {
    return strlen(name) <= columns[CANDIDATE].width;
}

static void put_cell(const struct cp_screen *s, const struct cp_answer *a, enum column column) {
    static const enum cp_ink inks[] = {[CP_TONE_BAD] = CP_INK_RED,
                                       [CP_TONE_WARNING] = CP_INK_YELLOW,
                                       [CP_TONE_OPEN] = CP_INK_SOFT,
                                       [CP_TONE_GOOD] = CP_INK_GREEN};
    char flips[48] = "-";
    switch (column) {
    case CANDIDATE:
        put_text(s, column, fits(a->candidate->name) ? a->candidate->name : "");
        break;
    case VERDICT:
        cp_screen_ink(s, inks[a->tone]);
        put_text(s, column, a->verdict);
        cp_screen_ink(s, CP_INK_PLAIN);
        break;
    case FIRST:
        put_text(s, column, a->first ? a->first : "-");
        break;
    case RELATIVE:
        put_number(s, column, a->relative_l2);
        break;
    case MAX_DP:
        put_number(s, column, a->max_dp);
        break;
    default:
        if (a->decided)
            (void)snprintf(flips, sizeof flips, "%zu/%zu", a->flips, a->decided);
        put_text(s, column, flips);
        break;
    }
}

/* answer NULL: the heads. */
static void put_row(const struct cp_screen *s, const struct cp_answer *a) {
    size_t used = 0;
    for (int column = 0; column < COLUMNS; column++) {
        const size_t gap = column ? 1 : 0;
        if (used + gap + columns[column].width > s->width)
            break;
        (void)fprintf(s->out, "%*s", (int)gap, "");
        if (a)
            put_cell(s, a, (enum column)column);
        else
            put_text(s, (enum column)column, columns[column].head);
        used += gap + columns[column].width;
    }
    (void)fputc('\n', s->out);
}

/* Of what is open for the same reason as in the row before, the reason is not said again. */
static void put_reason(const struct cp_screen *s, const struct cp_answer *a, char before[CP_REPORT_SUMMARY]) {
    char text[CP_REPORT_SUMMARY] = "";
    struct cp_sentence reason = {text, sizeof text, 0};
    const bool any = cp_append_reason(&reason, a->candidate);
    if (any && !(a->tone == CP_TONE_OPEN && strcmp(text, before) == 0)) {
        cp_screen_ink(s, CP_INK_SOFT);
        cp_screen_wrap(s, text, INDENT);
        cp_screen_ink(s, CP_INK_PLAIN);
    }
    memcpy(before, text, sizeof text);
}

static void put_answers(const struct cp_screen *s, const struct cp_answer *answer, size_t count,
                        bool reasons) {
    char before[CP_REPORT_SUMMARY] = "";
    size_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        const char *name = answer[i].candidate->name;
        if (answer[i].candidate->layerwise)
            continue;
        if (rows++ == 0)
            put_row(s, NULL);
        if (!fits(name))
            cp_screen_end(s, name, 0);
        put_row(s, &answer[i]);
        if (reasons)
            put_reason(s, &answer[i], before);
    }
}

enum cp_status cp_term_answers(const struct cp_report *r, bool reasons, FILE *out, struct cp_error *err) {
    const struct cp_screen screen = cp_screen_of(out);
    struct cp_arena arena = {0};
    struct cp_answer *answer;
    const enum cp_status status = cp_answers(r, &arena, &answer, err);
    if (status == CP_OK)
        put_answers(&screen, answer, r->candidates, reasons);
    cp_arena_free(&arena);
    return status;
}
