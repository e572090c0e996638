/* SPDX-License-Identifier: GPL-3.0-or-later
 * The answer as a table, the worst first; then in words. */
#include "report/data/answer.h"
#include "report/md/md.h"

static void put_row(FILE *out, const struct cp_answer *a) {
    char text[CP_REPORT_SUMMARY] = "";
    struct cp_sentence reason = {text, sizeof text, 0};
    (void)cp_append_reason(&reason, a->candidate);
    (void)fputs("| ", out);
    cp_put_markdown(out, a->candidate->name);
    cp_md_cell(out, a->verdict);
    cp_md_cell(out, a->first ? a->first : "");
    cp_md_cell(out, text);
    cp_md_number(out, a->relative_l2);
    cp_md_number(out, a->max_dp);
    if (a->decided)
        (void)fprintf(out, " | %zu of %zu |\n", a->flips, a->decided);
    else
        (void)fputs(" | |\n", out);
}

static void put_words(FILE *out, const struct cp_answer *a) {
    char text[CP_REPORT_SUMMARY];
    cp_report_summary(a->candidate, text, sizeof text);
    (void)fputs("- ", out);
    cp_put_markdown(out, text);
    (void)fputc('\n', out);
}

static void put_answers(FILE *out, const struct cp_report *r, const struct cp_answer *answer) {
    (void)fputs("| candidate | verdict | first difference | reason | relative L2 | max \\|dp\\| | flips |\n"
                "| --- | --- | --- | --- | ---: | ---: | ---: |\n",
                out);
    for (size_t i = 0; i < r->candidates; i++)
        if (!answer[i].candidate->layerwise)
            put_row(out, &answer[i]);
    (void)fputc('\n', out);
    for (size_t i = 0; i < r->candidates; i++)
        if (!answer[i].candidate->layerwise)
            put_words(out, &answer[i]);
}

enum cp_status cp_md_answers(FILE *out, const struct cp_report *r, struct cp_error *err) {
    struct cp_arena arena = {0};
    struct cp_answer *answer;
    const enum cp_status status = cp_answers(r, &arena, &answer, err);
    if (status == CP_OK)
        put_answers(out, r, answer);
    cp_arena_free(&arena);
    return status;
}
