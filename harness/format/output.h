/* SPDX-License-Identifier: GPL-3.0-or-later
 * Texts that a command writes beside its result: a file is replaced by what is of the same form, and by nothing else. */
#ifndef CP_FORMAT_OUTPUT_H
#define CP_FORMAT_OUTPUT_H

#include "base/status.h"

#include <stdio.h>

struct cp_output_form {
    const char *name;  /* "an XML file" */
    const char *start; /* its first characters; NULL: it cannot be told, and replaces nothing */
    const char *has;   /* what stands in it besides; NULL: nothing that is asked for */
};
extern const struct cp_output_form cp_output_json, cp_output_xml;

/* "-" */
int cp_output_is_stdout(const char *path);

/* Where text for people goes beside a form that goes to path: to standard error where that takes standard output. NULL: no
 * form. */
FILE *cp_output_beside(const char *path);

/* Found before long work: whether path can name a file to write, and what is there already, unless it is empty, is of the
 * form. NULL and "-" are allowed. */
enum cp_status cp_output_check(const char *path, const struct cp_output_form *form, struct cp_error *err);

/* The same where nothing may be replaced, whatever it is, but with force. */
enum cp_status cp_output_check_new(const char *path, int force, struct cp_error *err);

/* Writes what put writes, to a file as a whole or not at all, or to standard output. */
typedef enum cp_status cp_output_put(const void *context, FILE *out, struct cp_error *err);
enum cp_status cp_output_write(const char *path, cp_output_put *put, const void *context,
                               struct cp_error *err);

#endif
