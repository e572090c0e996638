/* SPDX-License-Identifier: GPL-3.0-or-later
 * Includes point down only: which folder may include which, and which folder alone includes an outside
 * library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *folder, *includes, *libraries;
} floors[] = {
    {"harness/base", "base", "openssl"},
    {"harness/num", "base num", "gsl"},
    {"harness/io", "base io", "hdf5 hdf5_hl jansson libfyaml spng jpeglib jerror webp zlib"},
    {"harness/ops", "base ops", ""},
    {"harness/ops/*", "base ops", ""},
    {"harness/preprocess", "base io ops preprocess", ""},
    {"harness/model", "base io ops preprocess model tap/tap.h tap/operation.h", ""},
    {"harness/tap", "base io num tap", ""},
    {"harness/ledger", "base tap/operation.h oracle/oracle.h ledger", ""},
    {"reference/oracle", "base io model oracle tap/tap.h", "gsl"},
    {"harness/study", "base num io ops preprocess model tap ledger oracle study", ""},
    {"harness/report", "base num io tap study report", ""},
    {"harness/gate", "base num io model tap study report gate", ""},
    {"harness/cmd", "base io ops preprocess model study report gate cmd", "gsl/gsl_errno.h"},
};
enum { FLOORS = sizeof floors / sizeof floors[0] };

static const char *const libraries[] = {"openssl", "gsl",     "hdf5",   "hdf5_hl", "jansson", "libfyaml",
                                        "spng",    "jpeglib", "jerror", "webp",    "zlib"};

/* Whether a list of words holds the path itself or its first part. */
static bool allowed(const char *list, const char *path) {
    char words[128], *rest = NULL;
    const size_t first = strcspn(path, "/.");
    (void)snprintf(words, sizeof words, "%s", list);
    for (const char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        if (strcmp(word, path) == 0 || (strlen(word) == first && strncmp(word, path, first) == 0))
            return true;
    return false;
}

static bool is_library(const char *path) {
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++)
        if (allowed(libraries[i], path))
            return true;
    return false;
}

/* The number of includes; fails at the first that points up or out. */
static size_t check_file(const char *file, const char *includes, const char *outside) {
    char line[512], path[128];
    size_t found = 0;
    FILE *f = fopen(file, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        const bool own = sscanf(line, "#include \"%127[^\"]", path) == 1;
        if (!own && (sscanf(line, "#include <%127[^>]", path) != 1 || !is_library(path)))
            continue;
        if (!allowed(own ? includes : outside, path))
            fail_msg("%s may not include %s; it may: %s", file, path, own ? includes : outside);
        found++;
    }
    (void)fclose(f);
    return found;
}

static void includes_point_down(void **state) {
    (void)state;
    for (size_t i = 0; i < FLOORS; i++) {
        char pattern[128];
        glob_t files;
        size_t found = 0;
        (void)snprintf(pattern, sizeof pattern, "%s/*.[ch]", floors[i].folder);
        assert_int_equal(glob(pattern, 0, NULL, &files), 0);
        for (size_t f = 0; f < files.gl_pathc; f++)
            found += check_file(files.gl_pathv[f], floors[i].includes, floors[i].libraries);
        globfree(&files);
        assert_true(found > 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(includes_point_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
