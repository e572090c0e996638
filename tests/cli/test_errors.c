/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the program says and returns when it is asked for something wrong: one line, the documented exit code.
 */
#include "support/program.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEMO "run experiments/quickgelu-vs-gelu.yaml output=$OUT "
#define SHORT DEMO "'model={init: counter, config: tests/cli/short_context.json}' "

static void one_line_each(void **state) {
    static const struct {
        const char *arguments;
        int code;
        const char *says;
    } cases[] = {
        {"frobnicate", 4, "unknown command 'frobnicate' (expected one of run, report"},
        {"inspet x.pt", 4, "unknown command 'inspet'; did you mean 'inspect'?"},
        {"run", 4, "no experiment"},
        {"run --fast x.yaml", 4, "unknown option '--fast'"},
        {"run /nowhere/x.yaml", 3, "/nowhere/x.yaml"},
        {DEMO "baselin={}", 3, "did you mean 'baseline'?"},
        {DEMO "baseline.activation=quik", 3, "did you mean 'quick'?"},
        {DEMO "baseline.activaton=quick", 3, "did you mean 'activation'?"},
        {DEMO "baseline.norm.eps=-1", 3, "not a positive number"},
        {DEMO "baseline.activation@visual.9=erf", 3, "layer 9"},
        {DEMO "record.nothing=full", 3, "no tap matches 'nothing'"},
        {DEMO "factorial.a.norm=rmsnorm record.image_features=off", 3,
         "record is off for image_features, whose divergence it attributes (expected record: "
         "{image_features"},
        {DEMO "inputs='{prompts: [a cat]}' factorial.a.norm=rmsnorm record.text_features=off", 3,
         "record is off for text_features"},
        {DEMO "factorial.a.norm=rmsnrm", 3, "did you mean 'rmsnorm'?"},
        {DEMO "layerwise.norm=rmsnorm record.text_features=off", 3,
         "layerwise: record is off for text_features"},
        {DEMO "layerwise.norm=rmsnrm", 3, "did you mean 'rmsnorm'?"},
        {DEMO "layerwise.precision=fp16 'candidates={precision=fp16@visual.3: {}}'", 3,
         "layerwise: a candidate is named 'precision=fp16@visual.3'"},
        {DEMO "inputs.images=/nowhere/*.png", 3, "nothing matches"},
        {DEMO "inputs.labels=/nowhere.csv", 3,
         "/nowhere.csv: cannot be opened: No such file or directory (expected a file that can be read)"},
        {DEMO "'inputs.prompts=[a cat, a dog]'", 3,
         "labels.csv: has label 9 for image 00000-ankle-boot.png, of 2 prompts (expected labels from 0 to 1, "
         "in the order of "
         "the prompts; inputs.labels=off where there are none)"},
        {DEMO "inputs.labels=no.csv", 3,
         "(expected a file that can be read; paths are relative to the current directory)"},
        {DEMO "model.config=no.json", 3,
         "no.json: cannot be opened: No such file or directory (expected a file "
         "that can be read; paths are relative to the current directory)"},
        {DEMO "inputs.prompts='{file: no.txt}'", 3, "relative to the current directory)"},
        {DEMO "model.checkpoint=no.safetensors", 3, "relative to the current directory)"},
        {DEMO "model.checkpoint=/nowhere.safetensors", 3, "/nowhere.safetensors: cannot be opened"},
        {DEMO "model.checkpoint=README.md", 3, "README.md: is a text that begins with '# clip-parity'"},
        {DEMO "model.config=README.md", 3, "README.md: line 1"},
        {DEMO "inputs.labels=off inputs.prompts='[caf\xc3\x83\xc2\xa9]'", 3, "a wrong encoding"},
        {SHORT "'inputs={prompts: [a cat]}'", 3, "OpenAI's tokenizer, the model has bert-base-uncased"},
        {SHORT "'inputs={synthetic: {prompts: 1}}'", 3, "synthetic prompts of 2 tokens out of 100"},
        {DEMO "isa=avx1024", 3, "isa"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[4096];
        run_saying(cases[i].arguments, cases[i].code, cases[i].says, text, sizeof text);
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
        assert_int_equal(access(scratch_output(), F_OK), -1);
        char partial[80];
        (void)snprintf(partial, sizeof partial, "%s.partial", scratch_output());
        assert_int_equal(access(partial, F_OK), -1);
    }
}

static void a_model_that_is_not_its_config(void **state) {
    char text[4096];
    (void)state;
    assert_int_equal(run_program("run experiments/quickgelu-vs-gelu.yaml output=$OUT "
                                 "model.config=tests/cli/wrong_config.json",
                                 text, sizeof text),
                     3);
    assert_non_null(strstr(text, "tensor visual.transformer.resblocks.5.ln_1.bias: unexpected tensor"));
}

/* A value is behind its option or behind '='; behind -- no word is an option; of two values the last counts. */
static void arguments_are_told_apart(void **state) {
    static const struct {
        const char *arguments;
        int code;
        const char *says;
    } cases[] = {
        {"run --forse x.yaml", 4,
         "run: unknown option '--forse'; did you mean '--force'? (expected one of --dry"},
        {"run --forse=1 x.yaml", 4, "did you mean '--force'?"},
        {"run -x x.yaml", 4, "run: unknown option '-x'"},
        {"run --force=on x.yaml", 4, "run: --force with a value 'on' (expected --force by itself)"},
        {"run x.yaml --at", 4, "run: --at without a value (expected --at TAP)"},
        {"run x.yaml -o", 4, "run: -o without a value (expected -o FILE)"},
        {"run --color=blue x.yaml", 4, "run: unknown --color 'blue' (expected one of auto, always, never)"},
        {"run -- --force", 3, "--force"},
        {"diff a.h5 b.h5 --rtol=-1", 3, ""},
        {"preprocess a.png --png=b.png --png=c.png c.png", 4, "a second picture 'c.png'"},
        {"list tap", 4, "list: unknown argument 'tap'; did you mean 'taps'?"},
        {"list taps --markdown", 4, "list: --markdown with taps"},
        {"list taps keys", 4, "list: a second argument 'keys'"},
        {"completion tcsh", 4, "expected one of bash, zsh, fish"},
        {"completion", 4, "no shell"},
        {"classify --image --json", 4, "classify: --image without a value (expected --image FILE)"},
        {"tokenize --context=5 --context=x a", 4, "a context of 'x'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[4096];
        run_saying(cases[i].arguments, cases[i].code, cases[i].says, text, sizeof text);
    }
}

/* The same command in every spelling says the same. */
static void spellings_are_equal(void **state) {
    static const char *const same[][2] = {
        {"tokenize --context 7 --pad a", "tokenize --context=9 --pad --context=7 --pad -- a"},
        {"list", "list components"},
        {"run experiments/norm-variants.yaml batch=32 --dry-run output=$OUT | grep -v ^time",
         "run --dry-run experiments/norm-variants.yaml batch=32 --output=$OUT | grep -v ^time"},
        {"run experiments/norm-variants.yaml batch=32 --dry-run output=$OUT | grep -v ^time",
         "run experiments/norm-variants.yaml batch=32 -o $OUT --dry-run | grep -v ^time"},
        {"run experiments/norm-variants.yaml batch=32 --dry-run -v output=$OUT | grep -v time",
         "run --verbose experiments/norm-variants.yaml batch=32 --dry-run -- output=$OUT | grep -v time"},
    };
    static char first[1 << 16], second[1 << 16];
    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        assert_int_equal(run_program(same[i][0], first, sizeof first), 0);
        assert_int_equal(run_program(same[i][1], second, sizeof second), 0);
        assert_string_equal(first, second);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_each),
        cmocka_unit_test(arguments_are_told_apart),
        cmocka_unit_test(spellings_are_equal),
        cmocka_unit_test(a_model_that_is_not_its_config),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
