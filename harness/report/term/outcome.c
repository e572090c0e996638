/* SPDX-License-Identifier: GPL-3.0-or-later
 * The last thing that a run says. */
#include "base/escape.h"
#include "base/sentence.h"
#include "report/term/term.h"

static void put_title(const struct cp_report *r, FILE *out) {
    const struct cp_screen screen = cp_screen_of(out);
    cp_screen_ink(&screen, CP_INK_BOLD);
    cp_print(out, "%s: %zu image%s, %zu prompt%s", r->name, r->images.count, cp_plural(r->images.count),
             r->prompts.count, cp_plural(r->prompts.count));
    cp_screen_ink(&screen, CP_INK_PLAIN);
    (void)fputc('\n', out);
}

enum cp_status cp_term_outcome(const struct cp_report *r, const struct cp_term_result *result, FILE *out,
                               struct cp_error *err) {
    (void)fputc('\n', out);
    if (r) {
        put_title(r, out);
        CP_TRY(cp_term_answers(r, result->reasons, out, err));
    } else {
        (void)fputs("no candidate, so nothing was compared; the taps are recorded as `record` asks\n", out);
    }
    cp_print(out, "\nresult  %s\ncontent %s\n", result->path, result->digest);
    return CP_OK;
}
