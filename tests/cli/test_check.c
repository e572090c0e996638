/* SPDX-License-Identifier: GPL-3.0-or-later
 * check and accept on a small run: what passes, which changes are caught and where they are said to begin,
 * exit codes, forms, signals. */
#include "support/process.h"
#include "support/program.h"
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Twelve images and prompts, one candidate. */
#define SMALL                                                                                                \
    "experiments/gate/quickgelu-vs-gelu.yaml inputs.limit=18 local=1 inputs.labels=data/fashion-clip/"       \
    "labels.csv 'inputs.prompts=[a bag, a dress, a coat, a shirt, a sandal, a boot, a pullover, a sneaker, " \
    "a t-shirt, a hat, a sock, a glove, trousers, a belt, a scarf, a skirt, a jacket, a boot of leather]' "  \
    "'candidates={erf: {activation: erf}}' check='{}' "
#define BASELINE "--baseline $OUT.yaml "
#define OTHER "output=$OUT.other.h5 "

static char text[1 << 18];

static void shell(const char *command) {
    assert_int_equal(system(command), 0);
}

static void expect(int code, const char *arguments) {
    const int found = run_program(arguments, text, sizeof text);
    if (found != code)
        print_error("clip-parity %s: %d, %.2000s\n", arguments, found, text);
    assert_int_equal(found, code);
}

static void assert_says(const char *words) {
    if (!strstr(text, words))
        fail_msg("no '%s' in %.2000s", words, text);
}

static int accept_it(void **state) {
    (void)state;
    return run_program("accept " SMALL BASELINE "output=$OUT", text, sizeof text);
}

static int remove_all(void **state) {
    (void)state;
    return system("rm -f $OUT $OUT.*");
}

/* ---- judging ---- */

static void what_was_accepted_passes(void **state) {
    (void)state;
    expect(0, "check $OUT " BASELINE);
    assert_ptr_equal(strstr(text, "PASS  gate-quickgelu-vs-gelu: "), text);
    assert_says("\nPASS  baseline: ");
    assert_says("\nPASS  erf: ");
    expect(0, "check " SMALL BASELINE OTHER "threads=1 batch=5");
    expect(0, "check $OUT --all " BASELINE);
    assert_says("\n    visual.5.mlp.gelu: as accepted\n");
}

/* The first line of a spec's taps, behind what is said of its settings. */
static void assert_begins_at(const char *spec, const char *words) {
    char title[64];
    (void)snprintf(title, sizeof title, "FAIL  %s: ", spec);
    const char *line = strstr(text, title);
    assert_non_null(line);
    line = strstr(line, "\n    visual.");
    assert_non_null(line);
    if (strncmp(line + 5, words, strlen(words)) != 0)
        fail_msg("begins at %.200s", line);
}

static void changes_are_caught_where_they_begin(void **state) {
    static const struct {
        const char *setting, *told, *first;
        int without_bits;
    } cases[] = {
        {"baseline.attention.softmax=fp16", "attention.softmax: fp16, accepted fp32",
         "visual.0.attn.probs: error ", 1},
        {"baseline.norm.eps=1e-6", "norm.eps: 1e-06, accepted 1e-05",
         "visual.ln_pre: declared maths differ: ", 1},
        {"baseline.norm=one_pass", "norm: one_pass, accepted two_pass",
         "visual.ln_pre: other bits, as accurate as accepted", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char arguments[1024];
        (void)snprintf(arguments, sizeof arguments, "check " SMALL BASELINE OTHER "%s", cases[i].setting);
        expect(1, arguments);
        assert_says(cases[i].told);
        assert_begins_at("baseline", cases[i].first);
        expect(cases[i].without_bits, "check $OUT.other.h5 --no-bits " BASELINE);
    }
}

static void other_inputs_are_not_judged(void **state) {
    (void)state;
    expect(1, "check " SMALL BASELINE OTHER "inputs.limit=19 oracle=off local=off");
    assert_says("other inputs: 19 images, accepted 18\n");
    assert_says("other inputs: data/fashion-clip/images/00018-bag.png is new\n");
}

/* ---- what is refused ---- */

static void one_line_and_a_code(void **state) {
    static const struct {
        const char *arguments;
        int code;
        const char *says;
    } cases[] = {
        {"check", 4, "check: no experiment"},
        {"accept", 4, "accept: no experiment"},
        {"check --fast $OUT", 4, "check: unknown option '--fast'"},
        {"accept --junit x $OUT", 4, "accept: unknown option '--junit'"},
        {"accept $OUT --reason", 4, "accept: --reason without a value (expected --reason TEXT)"},
        {"check $OUT $OUT", 4, "check: a second file"},
        {"check $OUT --json - --junit -", 4, "both to standard output"},
        {"check $OUT inputs.limit=3 " BASELINE, 4, "'inputs.limit=3' beside a result"},
        {"check /nowhere.yaml", 3, "/nowhere.yaml"},
        {"check /nowhere.h5", 3, "/nowhere.h5: cannot be opened: No such file"},
        {"check $OUT --baseline /nowhere.yaml", 3, "/nowhere.yaml: is not there"},
        {"check $OUT --baseline README.md", 3, "README.md:"},
        {"check $OUT --baseline /tmp", 3, "/tmp: is a folder"},
        {"accept $OUT --baseline README.md", 3, "README.md:"},
        {"accept $OUT --baseline /dev/null", 3, "/dev/null"},
        {"check $OUT --junit /dev/null " BASELINE, 3, "/dev/null: is not a regular file"},
        {"check $OUT --json tests/ " BASELINE, 3, "tests/: is not a regular file"},
        {"check $OUT 'check.*={rato: 3}' " BASELINE, 3, "did you mean 'ratio'?"},
        {"check $OUT 'check.*={ratio: 0.5}' " BASELINE, 3, "ratio: '0.5' is out of range"},
        {"check $OUT 'check.a//b={ratio: 3}' " BASELINE, 3, "is not a rule"},
        {"check " SMALL BASELINE OTHER "'check.visual.nothing={ratio: 3}'", 3,
         "check: nothing matches '*/visual.nothing'"},
        {"check " SMALL BASELINE OTHER "'check.baseline/decisions={kl: off}'", 3,
         "check: nothing matches 'baseline/decisions'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect(cases[i].code, cases[i].arguments);
        assert_says(cases[i].says);
        if (strchr(text, '\n') != text + strlen(text) - 1)
            fail_msg("more than a line of %s: %s", cases[i].arguments, text);
    }
}

static void what_cannot_be_written_is_no_pass(void **state) {
    (void)state;
    expect(3, "check $OUT " BASELINE "2>&1 >/dev/full");
    expect(3, "check $OUT --junit README.md/y.xml " BASELINE);
    assert_says(
        "clip-parity: README.md/y.xml.partial: cannot open: Not a directory (expected a folder that can be "
        "written to)\n");
}

static void nothing_in_common_is_no_pass(void **state) {
    (void)state;
    shell("sed '/^      - / s/- /- x./' $OUT.yaml >$OUT.none.yaml");
    shell("sed -i '/^    decisions: /d' $OUT.none.yaml");
    expect(5, "check $OUT --baseline $OUT.none.yaml");
    assert_says("no tap was compared");
    expect(1, "accept $OUT --baseline $OUT.none.yaml");
}

static void a_looser_rule_needs_its_reason(void **state) {
    (void)state;
    expect(1, "check $OUT 'check.*.gelu={ratio: 4}' " BASELINE);
    assert_says("  check */*.gelu: ratio 4 is looser than auto (2), without reason\n");
    expect(0, "check $OUT 'check.*.gelu={ratio: 4, reason: measured}' " BASELINE);
}

/* ---- accepting ---- */

static void accepting_worse_needs_a_reason(void **state) {
    (void)state;
    shell("cp $OUT.yaml $OUT.b.yaml");
    expect(0, "accept $OUT --baseline $OUT.b.yaml");
    assert_says("unchanged ");
    shell("cmp $OUT.yaml $OUT.b.yaml");
    expect(0, "accept " SMALL OTHER "--baseline $OUT.b.yaml baseline.norm=welford");
    assert_says("  baseline: other bits at ");
    assert_says("norm: welford, accepted two_pass\n");
    expect(1, "check $OUT --baseline $OUT.b.yaml");
    shell("cp $OUT.yaml $OUT.b.yaml");
    expect(1, "accept " SMALL OTHER "--baseline $OUT.b.yaml baseline.attention.softmax=fp16");
    assert_says("allows less than this run needs (expected --reason TEXT");
    shell("cmp $OUT.yaml $OUT.b.yaml");
    expect(0, "accept $OUT.other.h5 --baseline $OUT.b.yaml --reason 'half is enough: \"yes\"'");
    expect(0, "check $OUT.other.h5 --baseline $OUT.b.yaml");
    shell("grep -qx 'reason: \"half is enough: \\\\\"yes\\\\\"\"' $OUT.b.yaml");
}

/* ---- forms ---- */

/* As its schema says it, where Python can tell. */
static void assert_json(void) {
    shell(
        "for p in python3 /usr/bin/python3; do $p tests/cli/validate.py $OUT.json data/schema/check-1.json; "
        "code=$?; test $code = 77 || exit $code; done");
}

static void forms_are_what_they_say(void **state) {
    (void)state;
    expect(0, "check $OUT --junit $OUT.xml --json $OUT.json " BASELINE);
    shell("xmllint --noout --schema tests/cli/junit.xsd $OUT.xml 2>/dev/null");
    shell("grep -q '\"passed\":true' $OUT.json");
    assert_json();
    expect(1, "check " SMALL BASELINE OTHER "baseline.norm.eps=1e-6 --junit $OUT.xml --json $OUT.json");
    shell("xmllint --noout --schema tests/cli/junit.xsd $OUT.xml 2>/dev/null");
    assert_json();
    shell("grep -q '\"worst\":{\"input\":[0-9]*,\"name\":\"000' $OUT.json");
    shell("test \"$(" CP_PROGRAM " check $OUT.other.h5 --junit - " BASELINE
          "2>$OUT.err | xmllint --noout --schema tests/cli/junit.xsd - 2>&1)\" = '- validates'");
    shell("grep -q '^FAIL  gate-' $OUT.err");
    shell("test \"$(" CP_PROGRAM " check $OUT.other.h5 --json - " BASELINE
          "2>/dev/null | head -c 31)\" = '{\"schema\":\"clip-parity-check/1\"'");
}

static void github_gets_annotations_and_a_table(void **state) {
    (void)state;
    shell("echo before >$OUT.md");
    assert_int_equal(setenv("GITHUB_ACTIONS", "true", 1), 0);
    (void)snprintf(text, sizeof text, "%s.md", scratch_output());
    assert_int_equal(setenv("GITHUB_STEP_SUMMARY", text, 1), 0);
    expect(0, "check $OUT " BASELINE);
    assert_null(strstr(text, "::error"));
    expect(1, "check " SMALL BASELINE OTHER "baseline.norm.eps=1e-6");
    assert_says("\n::error file=experiments/gate/quickgelu-vs-gelu.yaml,title=baseline%3A ");
    assert_int_equal(unsetenv("GITHUB_ACTIONS"), 0);
    assert_int_equal(unsetenv("GITHUB_STEP_SUMMARY"), 0);
    shell("grep -qx before $OUT.md && test $(grep -c '^### CLIP parity' $OUT.md) = 2");
}

/* ---- signals ---- */

static void stopped(int number, int code) {
    char other[96], baseline[96];
    (void)snprintf(other, sizeof other, "output=%s.stopped.h5", scratch_output());
    (void)snprintf(baseline, sizeof baseline, "%s.stopped.yaml", scratch_output());
    const char *const arguments[] = {"accept",
                                     "experiments/gate/quickgelu-vs-gelu.yaml",
                                     "inputs.limit=64",
                                     "batch=1",
                                     other,
                                     "--baseline",
                                     baseline,
                                     NULL};
    struct process process = start_program(arguments, NULL);
    struct ended ended = {.code = -1};
    assert_true(wait_for(&process, " inputs, ", &ended));
    assert_int_equal(kill(process.pid, number), 0);
    wait_until_ended(&process, &ended);
    assert_int_equal(ended.code, code);
    assert_non_null(strstr(ended.err, "stopped by "));
    assert_int_equal(access(baseline, F_OK), -1);
    shell("test ! -e $OUT.stopped.h5 && test ! -e $OUT.stopped.yaml.partial");
}

static void a_signal_leaves_no_baseline(void **state) {
    (void)state;
    stopped(SIGTERM, 143);
    stopped(SIGINT, 130);
}

/* ---- captures ---- */

/* Another system's pass is what is judged, from its own file, which is new every time. */
static void a_port_is_held_to_what_it_was(void **state) {
    static const char *const experiment =
        "{ echo 'experiment: port'; echo 'model: {config: reference/golden/captures/model.json, init: "
        "counter, "
        "seed: 915}'; echo \"inputs: {capture: $OUT.port}\"; echo 'baseline: {activation: quick}'; echo "
        "\"candidates: {port: {capture: $OUT.port, activation: quick}}\"; } > $OUT.yaml.port";
    (void)state;
    shell(experiment);
    shell("cp reference/golden/captures/quick-fp32.h5 $OUT.port");
    expect(0, "accept $OUT.yaml.port --baseline $OUT.accepted " OTHER);
    expect(0, "check $OUT.yaml.port --baseline $OUT.accepted " OTHER);
    assert_says("\nPASS  port: ");
    shell("cp reference/golden/captures/erf-fp32.h5 $OUT.port");
    expect(1, "check $OUT.yaml.port --baseline $OUT.accepted --json $OUT.json " OTHER);
    assert_says("\nPASS  baseline: 73 taps\n");
    assert_begins_at("port", "visual.0.mlp.gelu: does not compute what its settings say: no "
                             "rounding can\n    be that large (");
    assert_says("explained by: activation = erf;");
    shell("grep -q '\"contradicted\":{\"outcome\":\"fail\",' $OUT.json");
}

/* A fault that the settings do not declare is accepted with a reason alone, be it in the first baseline or in
 * another, and what was accepted passes from then on. */
static void what_contradicts_itself_needs_a_reason(void **state) {
    static const char accept[] = "accept $OUT.yaml.port --baseline $OUT.first " OTHER;
    (void)state;
    shell("rm -f $OUT.first");
    expect(1, accept);
    assert_says("would accept what contradicts itself at visual.transformer.resblocks.0.mlp.gelu (expected "
                "--reason TEXT, or settings that say what is computed)");
    assert_says("does not compute what its settings say; explained by: activation = erf\n");
    shell("test ! -e $OUT.first");
    expect(1, "accept $OUT.yaml.port --baseline $OUT.accepted " OTHER);
    assert_says("would accept what contradicts itself");
    expect(0, "accept $OUT.yaml.port --baseline $OUT.first --reason 'a known fault' " OTHER);
    expect(0, "check $OUT.yaml.port --baseline $OUT.first " OTHER);
    assert_says("\nPASS  port: ");
    shell("grep -q 'a known fault' $OUT.first");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_accepted_passes),
        cmocka_unit_test(changes_are_caught_where_they_begin),
        cmocka_unit_test(other_inputs_are_not_judged),
        cmocka_unit_test(one_line_and_a_code),
        cmocka_unit_test(what_cannot_be_written_is_no_pass),
        cmocka_unit_test(nothing_in_common_is_no_pass),
        cmocka_unit_test(a_looser_rule_needs_its_reason),
        cmocka_unit_test(accepting_worse_needs_a_reason),
        cmocka_unit_test(forms_are_what_they_say),
        cmocka_unit_test(github_gets_annotations_and_a_table),
        cmocka_unit_test(a_signal_leaves_no_baseline),
        cmocka_unit_test(a_port_is_held_to_what_it_was),
        cmocka_unit_test(what_contradicts_itself_needs_a_reason),
    };
    return cmocka_run_group_tests(tests, accept_it, remove_all);
}
