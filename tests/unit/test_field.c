/* SPDX-License-Identifier: GPL-3.0-or-later
 * The rows of experiment/field.c: docs/experiment.md shows them, and each gives its default, its range and its
 * place in what is printed. */
#include "experiment/field.h"

#include "support/experiment.h"
#include "support/file.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *listed(void (*list)(FILE *out)) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    list(out);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* ---- the page ---- */

static void the_page_has_the_table(void **state) {
    char *page = read_whole("docs/experiment.md"), *table = listed(cp_keys_markdown);
    const char *from = strstr(page, "| key | value |");
    (void)state;
    assert_non_null(from);
    assert_string_equal(from, table);
    free(page);
    free(table);
}

/* ---- the rows ---- */

static const struct cp_key *find(const char *path) {
    for (size_t k = 0; k < cp_key_count; k++)
        if (strcmp(cp_keys[k].path, path) == 0)
            return &cp_keys[k];
    return NULL;
}

/* The path of the section that a key is in. */
static const char *section_of(const struct cp_key *key, char text[64]) {
    const char *leaf = cp_key_leaf(key);
    const size_t length = leaf == key->path ? 0 : (size_t)(leaf - key->path) - 1;
    (void)snprintf(text, 64, "%.*s", (int)length, key->path);
    return text;
}

static void rows_are_whole(void **state) {
    (void)state;
    for (size_t k = 0; k < cp_key_count; k++) {
        const struct cp_key *key = &cp_keys[k];
        char section[64];
        assert_ptr_equal(find(key->path), key); /* the only one of its name */
        assert_true(cp_key_in(key, section_of(key, section)));
        if (section[0] && (!find(section) || find(section) > key))
            fail_msg("%s stands before its section", key->path);
        if (!key->help[0] || strlen(key->help) > 100 || strchr(key->help, '\n'))
            fail_msg("%s: its help is no line", key->path);
        if (key->kind == CP_KEY_SPECIAL && !key->form)
            fail_msg("%s: what may it be?", key->path);
    }
}

static void a_key_is_in_its_section_alone(void **state) {
    (void)state;
    assert_true(cp_key_in(find("threads"), ""));
    assert_false(cp_key_in(find("model.seed"), ""));
    assert_true(cp_key_in(find("model.seed"), "model"));
    assert_false(cp_key_in(find("model.seed"), "mode"));
    assert_false(cp_key_in(find("model.seed"), "verdi"));
    assert_false(cp_key_in(find("inputs.synthetic.seed"), "inputs"));
    assert_string_equal(cp_key_leaf(find("inputs.synthetic.seed")), "seed");
}

static void lists_say_what_is_allowed(void **state) {
    static const char *const lines[] = {
        "experiment: a name (required)\n",
        "verdict.alpha: a number from 1e-6 to 0.5 (default 0.05)\n      significance level of the tests\n",
        "verdict.k: a number above 1, or auto (default auto)\n",
        "threads: an integer from 1 to 1024, or auto (default auto)\n",
        "inputs.limit: an integer of 1 or more\n",
        "ledger: auto | on | off | a number of inputs (default auto)\n",
        "isa: auto | scalar | avx2 | avx512 (default auto)\n",
        "inputs.truncate: on | off (default off)\n"};
    char *list = listed(cp_keys_list);
    (void)state;
    for (size_t l = 0; l < sizeof lines / sizeof lines[0]; l++)
        if (!strstr(list, lines[l]))
            fail_msg("no line '%s' in\n%s", lines[l], list);
    free(list);
}

/* ---- what they do ---- */

#define SMALL "{experiment: e, model: {config: c.json, init: counter}, inputs: {synthetic: {images: 32}}}"

static void defaults_are_printed(void **state) {
    (void)state;
    parse_experiment(SMALL, NULL);
    assert_string_equal(cp_experiment_print(&experiment, &experiment_arena),
                        "experiment: e\n"
                        "model:\n"
                        "  config: c.json\n"
                        "  init: counter\n"
                        "  seed: 0\n"
                        "inputs:\n"
                        "  synthetic: {images: 32, prompts: 0, seed: 0}\n"
                        "baseline: {}\n"
                        "candidates: {}\n"
                        "record:\n"
                        "  \"*\": stats\n"
                        "  limit: 2 GB\n"
                        "oracle: auto\n"
                        "ledger: auto\n"
                        "local: off\n"
                        "floor: 0\n"
                        "threads: auto\n"
                        "batch: auto\n"
                        "isa: auto\n"
                        "output: results/runs/e.h5\n"
                        "verdict:\n"
                        "  k: auto\n"
                        "  alpha: 0.05\n"
                        "check:\n"
                        "  \"*\": {bits: on, maths: on, ratio: auto, worst_token: auto, ulp: auto, "
                        "inconclusive: fail}\n"
                        "  decisions: {flips: auto, kl: auto}\n");
}

static void assert_printed(const char *text) {
    const char *printed = cp_experiment_print(&experiment, &experiment_arena);
    if (!strstr(printed, text))
        fail_msg("no\n%s\nin\n%s", text, printed);
}

/* Whatever order the file has them in. */
static void sections_are_printed_in_order(void **state) {
    (void)state;
    parse_experiment(
        "graft: {at: visual.conv1, map: m.yaml, from: c.h5}\n"
        "verdict: {atol: 2, alpha: 1e-6, k: 3}\n"
        "inputs: {limit: 3, labels: l.csv, truncate: on, prompts: [a], images: [i.png]}\n"
        "model: {image_size: 64, force_quick_gelu: on, pretrained: openai, load_as: open_clip-2.24, "
        "name: ViT-B-32, checkpoint: c.pt}\n"
        "experiment: e\n"
        "hypothesis: h\n",
        NULL);
    assert_printed("experiment: e\nhypothesis: h\n"
                   "model:\n  checkpoint: c.pt\n  name: ViT-B-32\n  load_as: open_clip-2.24\n"
                   "  pretrained: openai\n  force_quick_gelu: on\n  image_size: 64\n"
                   "inputs:\n  images:\n    - i.png\n  prompts:\n    - a\n  truncate: on\n  labels: l.csv\n"
                   "  limit: 3\nbaseline: {}\n");
    assert_printed("floor: 0\ngraft:\n  from: c.h5\n  map: m.yaml\n  at: visual.conv1\nthreads: auto\n");
    assert_printed("verdict:\n  k: 3\n  alpha: 1e-06\n  rtol: 0\n  atol: 2\ncheck:\n");
    PARSE_EXAMPLE("inputs={limit: 3, map: m.yaml, capture: c.h5}");
    assert_printed("inputs:\n  capture: c.h5\n  map: m.yaml\n  limit: 3\nbaseline:\n");
    assert_string_equal(cp_experiment_print_model(&experiment, &experiment_arena),
                        "model:\n  checkpoint: data/fashion-clip/open_clip_model.safetensors\n"
                        "  config: data/fashion-clip/open_clip_config.json\n");
}

static bool is_accepted(const char *override, struct cp_error *err) {
    struct cp_experiment read;
    if (cp_experiment_parse("e.yaml", SMALL, strlen(SMALL), &override, 1, &read, err) != CP_OK)
        return false;
    cp_experiment_free(&read);
    return true;
}

/* The last value that is allowed at each end, and the first that is not. */
static void ranges_end_where_they_should(void **state) {
    static const struct {
        const char *override;
        bool accepted;
    } rows[] = {{"threads=1", true},
                {"threads=0", false},
                {"threads=1024", true},
                {"threads=1025", false},
                {"batch=1", true},
                {"batch=0", false},
                {"batch=65536", true},
                {"batch=65537", false},
                {"floor=0", true},
                {"floor=-1", false},
                {"floor=64", true},
                {"floor=65", false},
                {"floor=auto", false},
                {"model.image_size=1", true},
                {"model.image_size=0", false},
                {"model.image_size=65536", true},
                {"model.image_size=65537", false},
                {"model.seed=0", true},
                {"model.seed=-1", false},
                {"model.seed=9223372036854775807", true},
                {"model.seed=9223372036854775808", false},
                {"inputs.synthetic.images=0", false}, /* no input then */
                {"inputs.synthetic.images=-1", false},
                {"inputs.synthetic.prompts=2147483647", true},
                {"inputs.synthetic.prompts=2147483648", false},
                {"inputs.synthetic.seed=-1", false},
                {"inputs={images: a, limit: 1}", true},
                {"inputs={images: a, limit: 0}", false},
                {"oracle=1", true},
                {"oracle=0", false},
                {"oracle=auto", true},
                {"ledger=auto", true},
                {"local=2147483647", true},
                {"local=2147483648", false},
                {"verdict.k=1.0000001", true},
                {"verdict.k=1", false},
                {"verdict.k=1e300", true},
                {"verdict.k=auto", true},
                {"verdict.alpha=1e-6", true},
                {"verdict.alpha=9.99e-7", false},
                {"verdict.alpha=0.5", true},
                {"verdict.alpha=0.51", false},
                {"verdict.alpha=auto", false},
                {"verdict.rtol=0", true},
                {"verdict.rtol=-1e-9", false},
                {"verdict.atol=0", true},
                {"verdict.atol=-1e-9", false},
                {"record.limit=5MB", true},
                {"record.limit=1.5 GB", true},
                {"record.limit=1000", true},
                {"record.limit=off", true},
                {"record.limit=0", false},
                {"record.limit=-1 MB", false},
                {"record.limit=1e9", true},
                {"record.limit=5 MiB", false},
                {"record.limit=[1]", false},
                {"record.limit={}", false},
                {"isa=scalar", true},
                {"isa=sse", false},
                {"model.init=open_clip", true},
                {"model.init=auto", false}};
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct cp_error err = {0};
        if (is_accepted(rows[r].override, &err) != rows[r].accepted)
            fail_msg("%s is %s: %s", rows[r].override, rows[r].accepted ? "refused" : "accepted", err.what);
    }
}

static void auto_is_the_default(void **state) {
    (void)state;
    PARSE_EXAMPLE("threads=auto", "batch=auto", "isa=auto", "ledger=auto", "verdict.k=auto");
    assert_int_equal(experiment.threads, 0);
    assert_int_equal(experiment.batch, 0);
    assert_true(experiment.verdict_k == 0);
    assert_printed("ledger: auto\n");
    assert_printed("threads: auto\nbatch: auto\nisa: auto\n");
}

/* An unknown key in each section lists the known ones, in the table's order. */
static void sections_list_their_keys(void **state) {
    static const struct {
        const char *override, *expected;
    } rows[] = {{"model.zzz=1",
                 "one of checkpoint, config, init, seed, name, load_as, pretrained, force_quick_gelu, "
                 "image_size"},
                {"inputs.zzz=1", "one of images, prompts, truncate, labels, limit, synthetic, capture, map"},
                {"inputs.synthetic.zzz=1", "one of images, prompts, seed"},
                {"inputs={prompts: {zzz: 1}}", "one of file, classes, templates"},
                {"graft.zzz=1", "one of from, at, map"},
                {"verdict.zzz=1", "one of k, alpha, rtol, atol"}};
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct cp_error err = {0};
        assert_false(is_accepted(rows[r].override, &err));
        assert_string_equal(err.expected, rows[r].expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_has_the_table),        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(a_key_is_in_its_section_alone), cmocka_unit_test(lists_say_what_is_allowed),
        cmocka_unit_test(defaults_are_printed),          cmocka_unit_test(sections_are_printed_in_order),
        cmocka_unit_test(ranges_end_where_they_should),  cmocka_unit_test(auto_is_the_default),
        cmocka_unit_test(sections_list_their_keys)};
    return cmocka_run_group_tests(tests, NULL, free_experiment);
}
