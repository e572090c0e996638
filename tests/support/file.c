/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reading a whole file. */
#include "support/file.h"

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>

char *read_whole(const char *path) {
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20);
    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    assert_int_equal(fclose(file), 0);
    return text;
}
