/* SPDX-License-Identifier: GPL-3.0-or-later
 * The report as one self-contained page: no request, so that it can be mailed, archived and printed. The page
 * is complete without its scripts but for what needs a pointer; they are inline, and named by their digests
 * in the content security policy, so that nothing else can run. */
#include "report/html/html.h"
#include "report/data/form.h"

static enum cp_status put_report(const struct cp_report *r, FILE *out, struct cp_error *err) {
    cp_html_head(r, out);
    CP_TRY(cp_html_answers(r, out, err));
    cp_html_causes(r, out);
    cp_html_growth(r, out);
    cp_html_parts(r, out);
    cp_html_matrix(r, out);
    cp_html_attribution(r, out);
    cp_html_places(r, out);
    cp_html_decisions(r, out);
    cp_html_provenance(r, out);
    CP_TRY(cp_html_data(r, out, err));
    cp_html_scripts(out);
    return CP_OK;
}

const struct cp_report_form cp_report_form_html = {
    .option = "--html",
    .help = "a page, beside the result unless -o says otherwise",
    .ending = ".html",
    .beside = true,
    .file = {"a report's page", "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>", NULL},
    .write = put_report};
