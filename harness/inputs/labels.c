/* SPDX-License-Identifier: GPL-3.0-or-later
 * One label for each image: by file name from CSV, by position from IDX. */
#include "inputs/load.h"

#include "picture/image.h"

#include <stdlib.h>
#include <string.h>

/* Rows file,label[,class] after a header; a row is for the image whose file name is that of `file`. */
static enum cp_status read_label_csv(struct cp_inputs_loader *l, const char *path) {
    struct cp_run_inputs *in = l->in;
    char *text = NULL, *rest = NULL;
    int number = 1;
    CP_TRY(cp_inputs_read_text(l, path, &text));
    char *line = strtok_r(text, "\r\n", &rest); /* the header */
    while (line && (line = strtok_r(NULL, "\r\n", &rest)) != NULL) {
        char *comma = strchr(line, ','), *end = NULL;
        const long label = comma ? strtol(comma + 1, &end, 10) : -1;
        number++;
        if (!comma || end == comma + 1 || (*end && *end != ',') || label < 0 || label > 1000000)
            return cp_fail(l->err, CP_BAD_INPUT, path, "line %d: '%.60s'", number, line),
                   cp_expected(l->err, "file,label[,class] with label a whole number from 0");
        *comma = '\0';
        const char *base = strrchr(line, '/') ? strrchr(line, '/') + 1 : line;
        for (size_t i = 0; i < in->images; i++)
            if (strcmp(in->image_names[i], base) == 0)
                in->labels[i] = (int32_t)label;
    }
    return CP_OK;
}

static enum cp_status read_label_idx(struct cp_inputs_loader *l, const char *path) {
    struct cp_array array;
    CP_TRY(cp_inputs_add_file(l, path));
    CP_TRY(cp_idx_read(path, l->arena, &array, l->err));
    if (array.rank != 1 || array.shape[0] < l->in->images)
        return cp_fail(l->err, CP_BAD_INPUT, path, "has no label for each of %zu images", l->in->images),
               cp_expected(l->err, "unsigned bytes (images)");
    for (size_t i = 0; i < l->in->images; i++)
        l->in->labels[i] = ((const uint8_t *)array.data)[i];
    return CP_OK;
}

/* A label is the index of a class, or of a prompt where there are no classes: one that has none would count as an
 * image that is decided wrongly. */
static enum cp_status check_range(struct cp_inputs_loader *l, const char *path) {
    const struct cp_run_inputs *in = l->in;
    const size_t columns = in->classes ? in->classes : in->prompts;
    const char *const what = in->classes ? "classes" : "prompts";
    for (size_t i = 0; i < in->images; i++)
        if (columns && (size_t)in->labels[i] >= columns)
            return cp_fail(l->err, CP_BAD_INPUT, path, "has label %d for image %s, of %zu %s",
                           (int)in->labels[i], in->image_names[i], columns, what),
                   cp_expected(
                       l->err,
                       "labels from 0 to %zu, in the order of the %s; inputs.labels=off where there are none",
                       columns - 1, what);
    return CP_OK;
}

enum cp_status cp_inputs_labels(struct cp_inputs_loader *l) {
    const char *path = l->experiment->inputs.labels.text;
    if (!path || strcmp(path, "off") == 0)
        return CP_OK;
    CP_TRY(CP_ARENA_ALLOC(l->arena, l->in->labels, l->in->images, l->err, "", "the inputs"));
    for (size_t i = 0; i < l->in->images; i++)
        l->in->labels[i] = -1;
    if (cp_inputs_ends_with(path, ".csv"))
        CP_TRY(read_label_csv(l, path));
    else if (read_label_idx(l, path) != CP_OK)
        return cp_expected(l->err,
                           "FILE.csv with rows file,label[,class], or IDX of unsigned bytes (images)");
    for (size_t i = 0; i < l->in->images; i++)
        if (l->in->labels[i] < 0)
            return cp_fail(l->err, CP_BAD_INPUT, path, "has no label for image %s", l->in->image_names[i]),
                   cp_expected(l->err, "a row for every image");
    return check_range(l, path);
}
