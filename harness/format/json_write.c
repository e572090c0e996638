/* SPDX-License-Identifier: GPL-3.0-or-later
 * Every value goes to the stream at once: numbers in 9 digits, whole ones below 2^53 in all of theirs. */
#include "format/json_write.h"

#include "base/escape.h"

#include <math.h>

/* In a script of HTML no '<' may stand, which could end it. */
static void put_string(FILE *out, const char *text, bool script) {
    (void)fputc('"', out);
    while (*text) {
        unsigned code;
        bool utf8;
        const size_t length = cp_character(text, &code, &utf8);
        if (!utf8)
            (void)fputs("\\ufffd", out);
        else if (cp_is_hidden(code) || cp_is_log_command(text) || (script && code == '<'))
            (void)fprintf(out, "\\u%04x", code);
        else
            (void)fprintf(out, code == '"' || code == '\\' ? "\\%.*s" : "%.*s", (int)length, text);
        text += length;
    }
    (void)fputc('"', out);
}

void cp_json_put_string(FILE *out, const char *text) {
    put_string(out, text, false);
}

void cp_json_put_script_string(FILE *out, const char *text) {
    put_string(out, text, true);
}

/* What stands before a value. */
static void begin(struct cp_json_writer *json, const char *name) {
    if (!json->first)
        (void)fputc(',', json->out);
    json->first = false;
    if (!name)
        return;
    cp_json_put_string(json->out, name);
    (void)fputc(':', json->out);
}

void cp_json_open(struct cp_json_writer *json, const char *name, char bracket) {
    begin(json, name);
    (void)fputc(bracket, json->out);
    json->first = true;
}

void cp_json_close(struct cp_json_writer *json, char bracket) {
    (void)fputc(bracket, json->out);
    json->first = false;
}

void cp_json_text(struct cp_json_writer *json, const char *name, const char *text) {
    begin(json, name);
    if (text)
        cp_json_put_string(json->out, text);
    else
        (void)fputs("null", json->out);
}

void cp_json_number(struct cp_json_writer *json, const char *name, double value) {
    begin(json, name);
    if (!isfinite(value))
        (void)fputs("null", json->out);
    else
        (void)fprintf(json->out, fabs(value) < 0x1p53 && value == floor(value) ? "%.0f" : "%.9g", value);
}

void cp_json_count(struct cp_json_writer *json, const char *name, size_t value) {
    begin(json, name);
    (void)fprintf(json->out, "%zu", value);
}

void cp_json_bool(struct cp_json_writer *json, const char *name, bool value) {
    begin(json, name);
    (void)fputs(value ? "true" : "false", json->out);
}

void cp_json_null(struct cp_json_writer *json, const char *name) {
    begin(json, name);
    (void)fputs("null", json->out);
}
