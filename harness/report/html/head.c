/* SPDX-License-Identifier: GPL-3.0-or-later
 * Everything up to <main>: styles, contents and the policy that admits only our own scripts. */
#include "base/base64.h"
#include "base/digest.h"
#include "report/html/assets.h"
#include "report/html/html.h"

#include <stdlib.h>
#include <string.h>

static const char *const styles[] = {cp_asset_uplot_css, cp_asset_page_css};
static const char *const scripts[] = {cp_asset_uplot_js,  cp_asset_common_js, cp_asset_charts_js,
                                      cp_asset_matrix_js, cp_asset_places_js, cp_asset_tap_js,
                                      cp_asset_start_js};
enum { STYLES = sizeof styles / sizeof styles[0], SCRIPTS = sizeof scripts / sizeof scripts[0] };

/* 'sha256-...' of what an element holds (Content Security Policy Level 3, section 2.3.1). Without memory for
 * a digest there is none, and a browser then runs nothing: the page stays readable. */
static void put_hash(FILE *out, const char *content) {
    struct cp_digest *digest;
    struct cp_error err = {0};
    char hex[CP_DIGEST_HEX], text[(CP_DIGEST_BYTES + 2) / 3 * 4 + 1];
    uint8_t bytes[CP_DIGEST_BYTES];
    if (cp_digest_start(&digest, &err) != CP_OK)
        return;
    cp_digest_add(digest, content, strlen(content));
    cp_digest_finish_hex(digest, hex);
    for (size_t i = 0; i < CP_DIGEST_BYTES; i++) {
        const char byte[] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (uint8_t)strtoul(byte, NULL, 16);
    }
    cp_base64(bytes, sizeof bytes, text);
    cp_print_html(out, " 'sha256-%s'", text);
}

static void put_policy(FILE *out) {
    (void)fputs(
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; img-src data:; base-uri "
        "'none'; form-action 'none'; style-src",
        out);
    for (size_t i = 0; i < STYLES; i++)
        put_hash(out, styles[i]);
    (void)fputs("; script-src", out);
    for (size_t i = 0; i < SCRIPTS; i++)
        put_hash(out, scripts[i]);
    (void)fputs("\">", out);
}

static void put_contents(FILE *out, const struct cp_report *r) {
    (void)fputs("<nav aria-label=Contents>", out);
    if (cp_html_has_causes(r))
        (void)fputs("<a href=#causes>Causes</a>", out);
    (void)fputs("<a href=#growth>Error over depth</a><a href=#parts>Function and error</a><a "
                "href=#verdicts>Verdicts</a>",
                out);
    if (cp_html_has_attribution(r))
        (void)fputs("<a href=#attribution>Attribution</a>", out);
    if (r->patch_grid && r->thumbnails)
        (void)fputs("<a href=#where>On the images</a>", out);
    if (r->candidate[0].counts.images)
        (void)fputs("<a href=#decisions>Decisions</a>", out);
    (void)fputs("<a href=#provenance>Provenance</a></nav>\n", out);
}

static void put_asset(FILE *out, const char *element, const char *content) {
    cp_print_html(out, "<%s>", element);
    (void)fputs(content, out);
    cp_print_html(out, "</%s>\n", element);
}

void cp_html_head(const struct cp_report *r, FILE *out) {
    (void)fputs("<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>"
                "<meta name=viewport content=\"width=device-width, initial-scale=1\">",
                out);
    put_policy(out);
    (void)fputs("<title>", out);
    cp_put_html(out, r->name);
    (void)fputs(" &ndash; clip-parity</title>\n<!-- Charts: uPlot 1.6.32.\n", out);
    (void)fputs(cp_asset_uplot_licence, out);
    (void)fputs("-->\n", out);
    for (size_t i = 0; i < STYLES; i++)
        put_asset(out, "style", styles[i]);
    (void)fputs("</head>\n<body><a class=skip href=#verdicts>To the verdicts</a><header><p "
                "class=kicker>clip-parity report</p><h1>",
                out);
    cp_put_html(out, r->name);
    (void)fputs("</h1>", out);
    if (r->hypothesis) {
        (void)fputs("<p class=lead>Hypothesis: ", out);
        cp_put_html(out, r->hypothesis);
        (void)fputs("</p>\n", out);
    }
    put_contents(out, r);
    (void)fputs("</header>\n<main>\n", out);
}

void cp_html_scripts(FILE *out) {
    for (size_t i = 0; i < SCRIPTS; i++)
        put_asset(out, "script", scripts[i]);
    (void)fputs("</body></html>\n", out);
}
