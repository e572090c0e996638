/* SPDX-License-Identifier: GPL-3.0-or-later
 * The last section: the facts of the result's origin, and the resolved experiment folded away. */
#include "report/html/html.h"

void cp_html_provenance(const struct cp_report *r, FILE *out) {
    (void)fputs(
        "<section><h2 id=provenance>Provenance</h2><div class=scroll><table class=\"plain facts\"><tbody>",
        out);
    for (size_t f = 0; f < r->facts; f++) {
        cp_print_html(out, "<tr><td>%s<td>", r->fact[f].name);
        cp_put_html(out, r->fact[f].value);
    }
    (void)fputs("<tr><td>result<td>", out);
    cp_put_html(out, r->path);
    (void)fputs("</table></div><details><summary>the resolved experiment and its specs</summary><pre>", out);
    cp_put_html(out, r->experiment);
    (void)fputs(
        "</pre></details></section>\n</main>\n<dialog id=detail aria-labelledby=detail-title></dialog>\n",
        out);
}
