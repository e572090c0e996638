/* SPDX-License-Identifier: GPL-3.0-or-later
 * Writing JSON (RFC 8259): commas, escapes, and null for what JSON has no number for. */
#ifndef CP_FORMAT_JSON_WRITE_H
#define CP_FORMAT_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct cp_json_writer {
    FILE *out;
    bool first; /* nothing yet in the object or list at hand */
};

/* A string by itself, in quotes; bytes that are not UTF-8 become U+FFFD. */
void cp_json_put_string(FILE *out, const char *text);
/* The same without any '<', for a script of HTML. */
void cp_json_put_script_string(FILE *out, const char *text);
/* name NULL: an element of a list. */
void cp_json_open(struct cp_json_writer *json, const char *name, char bracket);
void cp_json_close(struct cp_json_writer *json, char bracket);
/* Bytes that are not UTF-8 become U+FFFD; NULL is null. */
void cp_json_text(struct cp_json_writer *json, const char *name, const char *text);
/* Whole numbers in full, others to nine digits; null where it is not finite. */
void cp_json_number(struct cp_json_writer *json, const char *name, double value);
void cp_json_count(struct cp_json_writer *json, const char *name, size_t value);
void cp_json_bool(struct cp_json_writer *json, const char *name, bool value);
void cp_json_null(struct cp_json_writer *json, const char *name);

#endif
