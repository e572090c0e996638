/* SPDX-License-Identifier: GPL-3.0-or-later
 * The schema of results: docs/result.md has every row of it and docs/metrics.md every column, as well as those of a
 * report's CSV, and nothing in harness/ repeats it.
 */
#include "support/file.h"
#include "support/test.h"

#include "analysis/agreement.h"
#include "analysis/attribution/attribution.h"
#include "analysis/bracket.h"
#include "analysis/ledger/ledger.h"
#include "analysis/teacher_forcing.h"
#include "analysis/verdict.h"
#include "gate/gate.h"
#include "report/forms/forms.h"
#include "result/schema.h"

#include <ftw.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- docs/result.md ---- */

static const char *type_of(const struct cp_schema_row *row) {
    static const char *const stored[] = {
        [CP_FP32] = "float32", [CP_FP64] = "float64", [CP_INT64] = "int64",
        [CP_INT32] = "int32",  [CP_UINT8] = "uint8",  [CP_DTYPE_COUNT] = NULL};
    static const char *const kinds[] = {[CP_SCHEMA_IS_GROUP] = "group",
                                        [CP_SCHEMA_IS_DOCUMENT] = "text",
                                        [CP_SCHEMA_IS_TEXT] = "attribute, text",
                                        [CP_SCHEMA_IS_INTEGER] = "attribute, integer"};
    return row->kind == CP_SCHEMA_IS_VARIABLE ? stored[row->dtype] : kinds[row->kind];
}

/* A cell and its end; "|" would end it. */
static void put(FILE *out, const char *text) {
    for (const char *c = text; *c; c++)
        (void)fprintf(out, *c == '|' ? "\\%c" : "%c", *c);
    (void)fprintf(out, "%s|", *text ? " " : "");
}

static char *line_of(const struct cp_schema_row *row) {
    char *text = NULL, dims[128] = "", path[128];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    (void)snprintf(path, sizeof path, "`%s%s%s`", row->path, row->attribute ? "@" : "",
                   row->attribute ? row->attribute : "");
    for (int d = 0; d < CP_MAX_RANK && row->dims[d]; d++)
        (void)snprintf(dims + strlen(dims), sizeof dims - strlen(dims), "%s%s", d ? ", " : "", row->dims[d]);
    const char *const cells[] = {path, dims, type_of(row), row->units ? row->units : "",
                                 row->long_name ? row->long_name : "what the tap is"};
    (void)fputc('|', out);
    for (size_t c = 0; c < sizeof cells / sizeof cells[0]; c++) {
        (void)fputc(' ', out);
        put(out, cells[c]);
    }
    assert_int_equal(fclose(out), 0);
    return text;
}

static bool is_row(const char *line) {
    return strncmp(line, "| `/", 4) == 0 || strncmp(line, "| `VARIABLE", 11) == 0;
}

/* One line for each row, in its order, and no other. */
static void the_page_has_the_rows(void **state) {
    char *page = read_whole("docs/result.md"), *rest = NULL;
    size_t row = 0;
    (void)state;
    for (const char *line = strtok_r(page, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (!is_row(line))
            continue;
        if (row == CP_SCHEMA_COUNT)
            fail_msg("docs/result.md has a row too many: %s", line);
        char *expected = line_of(&cp_schema[row++]);
        assert_string_equal(line, expected);
        free(expected);
    }
    assert_int_equal(row, CP_SCHEMA_COUNT);
    free(page);
}

static size_t count_of(const char *const *names) {
    size_t count = 0;
    while (names[count])
        count++;
    return count;
}

/* ---- docs/metrics.md ---- */

/* The first cells of the table under a heading: these, in this order, and no others. */
static void check_columns(const char *page, const char *title, const char *const *names, size_t count) {
    char heading[64], cell[64];
    (void)snprintf(heading, sizeof heading, "\n### %s\n", title);
    const char *at = strstr(page, heading);
    if (!at)
        fail_msg("docs/metrics.md has no heading '%s'", title);
    at += strlen(heading) - 1; /* at the line's end */
    const char *const next = strstr(at, "\n#"), *const end = next ? next : at + strlen(at);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(cell, sizeof cell, "\n| `%s` |", names[i]);
        at = strstr(at, "\n| `");
        if (!at || at >= end || strncmp(at, cell, strlen(cell)) != 0)
            fail_msg("docs/metrics.md: '%s' lacks '%s' at place %zu", title, names[i], i);
        at++;
    }
    at = strstr(at, "\n| `");
    if (at && at < end)
        fail_msg("docs/metrics.md: '%s' has a row too many: %.60s", title, at);
}

static void the_page_has_the_columns(void **state) {
    static const struct {
        const char *title;
        const char *const *names; /* NULL: the row's */
        size_t count;
        enum cp_schema_id row;
    } lists[] = {
        {"part", cp_part_names, CP_PART_COUNT, CP_SCHEMA_METRICS},
        {"metric", cp_metric_names, CP_METRIC_COUNT, CP_SCHEMA_METRICS},
        {"field of verdicts", cp_verdict_field_names, CP_VERDICT_FIELDS, CP_SCHEMA_VERDICTS},
        {"failing_field", cp_failing_field_names, CP_FAILING_FIELDS, CP_SCHEMA_FAILING_IMAGES},
        {"decision", cp_decision_names, CP_DECISION_COUNT, CP_SCHEMA_DECISIONS},
        {"propagation_field", cp_propagation_names, CP_PROPAGATION_FIELDS, CP_SCHEMA_PROPAGATION},
        {"error", NULL, CP_STAGE_ERRORS, CP_SCHEMA_STAGE_ERRORS},
        {"bound", NULL, CP_BOUND_COUNT, CP_SCHEMA_BRACKET},
        {"ledger_field", cp_ledger_field_names, CP_LEDGER_FIELDS, CP_SCHEMA_RESIDUAL},
        {"slope_sum", NULL, sizeof(struct cp_slope) / sizeof(double), CP_SCHEMA_SLOPE},
        {"operation_field", cp_operation_field_names, CP_OPERATION_FIELD_COUNT, CP_SCHEMA_OPERATIONS},
        {"field of effects", NULL, CP_EFFECT_FIELDS, CP_SCHEMA_EFFECTS},
        {"shapley_field", NULL, CP_SHAPLEY_FIELDS, CP_SCHEMA_SHAPLEY},
        {"response", cp_response_names, CP_RESPONSES, CP_SCHEMA_EFFECTS},
        {"statistic", cp_stat_names, CP_STAT_COUNT, CP_SCHEMA_MOMENTS},
        {"side", NULL, 2, CP_SCHEMA_SIZE},
        {"colour", NULL, 3, CP_SCHEMA_THUMBNAIL},
        {"verdict", cp_verdict_names, CP_VERDICT_COUNT, CP_SCHEMA_VERDICTS},
        {"ledger verdict", cp_ledger_verdict_names, CP_LEDGER_VERDICTS, CP_SCHEMA_RESIDUAL},
        {"basis", cp_ledger_basis_names, CP_BASIS_COUNT, CP_SCHEMA_RESIDUAL},
        {"cause", cp_cause_names, CP_CAUSE_COUNT, CP_SCHEMA_LOCAL_VERDICTS},
        {"own part", cp_own_kind_names, CP_OWN_KINDS, CP_SCHEMA_OPERATIONS},
        {"kind", cp_gate_kind_names, CP_GATE_KINDS, CP_SCHEMA_VERDICTS}};
    char *page = read_whole("docs/metrics.md");
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const char *const *columns = cp_schema[lists[i].row].columns;
        if (!lists[i].names)
            assert_int_equal(count_of(columns), lists[i].count);
        check_columns(page, lists[i].title, lists[i].names ? lists[i].names : columns, lists[i].count);
    }
    free(page);
}

/* The header of a CSV, as the page has it: its columns of metrics are two rows there. */
static void the_page_has_the_csv(void **state) {
    enum { MOST = 64 };
    const struct cp_report nothing = {0};
    struct cp_error err;
    const char *names[MOST];
    char *page = read_whole("docs/metrics.md"), *header = NULL, *rest = NULL;
    size_t size = 0, count = 0, metrics = 0;
    FILE *out = open_memstream(&header, &size);
    (void)state;
    assert_int_equal(cp_report_form_csv.write(&nothing, out, &err), CP_OK);
    assert_int_equal(fclose(out), 0);
    for (char *name = strtok_r(header, ",\n", &rest); name; name = strtok_r(NULL, ",\n", &rest)) {
        static const char *const of[] = {"mean_of_", "worst_of_"};
        static const char *const shown[] = {"mean_of_METRIC", "worst_of_METRIC"};
        const char *const prefix = of[metrics % 2];
        assert_true(count < MOST);
        if (strncmp(name, prefix, strlen(prefix)) != 0) {
            names[count++] = name;
            continue;
        }
        assert_string_equal(name + strlen(prefix), cp_metric_names[metrics / 2]);
        if (metrics++ < 2)
            names[count++] = shown[metrics - 1];
    }
    assert_int_equal(metrics, 2 * CP_METRIC_COUNT);
    check_columns(page, "CSV", names, count);
    free(header);
    free(page);
}

/* ---- nothing repeats it ---- */

static regex_t path, label;

/* A path of the schema: the first part of one, after a slash. */
static void compile(void) {
    char tops[512] = "", pattern[640];
    for (int id = 0; id < CP_SCHEMA_COUNT; id++) {
        char top[64];
        if (sscanf(cp_schema[id].path, "/%63[a-z]", top) != 1)
            continue;
        (void)snprintf(tops + strlen(tops), sizeof tops - strlen(tops), "%s%s", tops[0] ? "|" : "", top);
    }
    (void)snprintf(pattern, sizeof pattern, "(^|[^a-z]|%%s)/(%s)([/ :,;)]|$)", tops);
    assert_int_equal(regcomp(&path, pattern, REG_EXTENDED | REG_NOSUB), 0);
    assert_int_equal(regcomp(&label, "(units|long_name) = *(\"|$)", REG_EXTENDED | REG_NOSUB), 0);
}

/* The next text in double quotes from *at on; whether there is one. */
static bool next_text(const char **at, char text[512]) {
    const char *from = strchr(*at, '"');
    size_t size = 0;
    if (!from)
        return false;
    for (from++; *from && *from != '"' && size < 510; from++) {
        if (*from == '\\' && from[1])
            text[size++] = *from++;
        text[size++] = *from;
    }
    text[size] = '\0';
    *at = *from ? from + 1 : from;
    return true;
}

static bool repeats(const char *line) {
    char text[512];
    if (strstr(line, "#include"))
        return false;
    for (const char *at = line; next_text(&at, text);)
        if (regexec(&path, text, 0, NULL, 0) == 0)
            return true;
    return regexec(&label, line, 0, NULL, 0) == 0;
}

static int look(const char *name, const struct stat *info, int type, struct FTW *where) {
    const char *end = strrchr(name, '.');
    int line = 0;
    (void)info;
    (void)where;
    if (type != FTW_F || !end || (strcmp(end, ".c") != 0 && strcmp(end, ".h") != 0) ||
        strncmp(name, "harness/result/schema.", strlen("harness/result/schema.")) == 0)
        return 0;
    char *text = read_whole(name), *rest = text;
    for (char *at = strsep(&rest, "\n"); at; at = strsep(&rest, "\n")) {
        line++;
        if (repeats(at))
            fail_msg("%s:%d: belongs into harness/result/schema.c: %s", name, line, at);
    }
    free(text);
    return 0;
}

static void nothing_repeats_it(void **state) {
    (void)state;
    compile();
    assert_true(repeats("    cp_reader_has(reader, \"/inputs/label\")"));
    assert_true(repeats("    \"/metrics/%s\""));
    assert_true(repeats("    cp_reader_groups(reader, \"/captures\", &arena)"));
    assert_true(repeats("    \"%s has no /inputs/tokens, from which\""));
    assert_true(repeats("    .units = \"1\","));
    assert_true(repeats("    .long_name ="));
    assert_true(repeats("    \"%s/captures/%s\""));
    assert_false(repeats("    \"reference/golden/captures/quick-fp32.h5\""));
    assert_false(repeats("#include \"run/inputs/inputs.h\""));
    assert_false(repeats("    fopen(\"/proc/cpuinfo\", \"r\") /* /metrics */"));
    assert_false(repeats("    .units = cp_gate_kept_units(kept)"));
    assert_int_equal(nftw("harness", look, 16, FTW_PHYS), 0);
    regfree(&path);
    regfree(&label);
}

/* ---- rows into paths ---- */

static void rows_make_paths(void **state) {
    char text[CP_SCHEMA_PATH], *name = calloc(1, 2 * CP_SCHEMA_PATH);
    (void)state;
    assert_string_equal(cp_schema_path(CP_SCHEMA_LABEL, NULL, text), "/inputs/label");
    assert_string_equal(cp_schema_path(CP_SCHEMA_SCHEMA, NULL, text), "/");
    assert_string_equal(cp_schema_path(CP_SCHEMA_VALUE, CP_NAMES("erf", "visual.conv1"), text),
                        "/captures/erf/visual.conv1/value");
    assert_string_equal(cp_schema_path(CP_SCHEMA_TENSOR, CP_NAMES("A/B"), text), "/tensors/A/B");
    assert_string_equal(cp_schema_scale(CP_SCHEMA_VERDICTS, 0, CP_NAMES("erf"), text), "/metrics/erf/tap");
    assert_string_equal(cp_schema_scale(CP_SCHEMA_METRICS, 0, CP_NAMES("erf", "probs", "image"), text),
                        "/metrics/erf/probs/image");
    assert_string_equal(cp_schema_link(CP_SCHEMA_FILES), "provenance/files");
    assert_string_equal(cp_schema_name(CP_SCHEMA_VALUE), "value");
    memset(name, 'x', 2 * CP_SCHEMA_PATH - 1);
    assert_int_equal(strlen(cp_schema_path(CP_SCHEMA_VALUE, CP_NAMES(name, name), text)), CP_SCHEMA_PATH - 1);
    free(name);
}

static void names_that_are_taken(void **state) {
    (void)state;
    assert_true(cp_schema_is_taken(CP_SCHEMA_METRICS, "verdicts"));
    assert_true(cp_schema_is_taken(CP_SCHEMA_METRICS, "image"));
    assert_true(cp_schema_is_taken(CP_SCHEMA_RESIDUAL, "operations"));
    assert_true(cp_schema_is_taken(CP_SCHEMA_RESIDUAL, "operation_field"));
    assert_false(cp_schema_is_taken(CP_SCHEMA_RESIDUAL, "verdicts"));
    assert_false(cp_schema_is_taken(CP_SCHEMA_METRICS, "probs"));
    assert_false(cp_schema_is_taken(CP_SCHEMA_METRICS, "text"));
    assert_false(cp_schema_is_taken(CP_SCHEMA_LABEL, "visual"));
}

static void rows_make_variables(void **state) {
    char text[CP_SCHEMA_PATH];
    const struct cp_variable v = cp_schema_variable(CP_SCHEMA_FLOOR, CP_NAMES("probs"), text);
    (void)state;
    assert_string_equal(v.group, "/floor/probs");
    assert_string_equal(v.name, "rel_l2");
    assert_int_equal(v.dtype, CP_FP64);
    assert_int_equal(v.rank, 2);
    assert_string_equal(v.dims[1].name, "run");
    assert_int_equal(cp_schema_variable(CP_SCHEMA_PATCH_GRID, NULL, text).rank, 0);
    assert_int_equal(cp_schema_variable(CP_SCHEMA_VALUE, CP_NAMES("a", "b"), text).rank, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_has_the_rows), cmocka_unit_test(the_page_has_the_columns),
        cmocka_unit_test(the_page_has_the_csv),  cmocka_unit_test(nothing_repeats_it),
        cmocka_unit_test(rows_make_paths),       cmocka_unit_test(names_that_are_taken),
        cmocka_unit_test(rows_make_variables)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
