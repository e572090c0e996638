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
        {"frobnicate", 4, "unknown command 'frobnicate' (expected one of run, diff"},
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
        const int code = run_program(cases[i].arguments, text, sizeof text);
        if (code != cases[i].code || !strstr(text, cases[i].says))
            print_error("clip-parity %s: %d, %s\n", cases[i].arguments, code, text);
        assert_int_equal(code, cases[i].code);
        assert_non_null(strstr(text, cases[i].says));
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

/* The whole help, and each command's, which is a part of it. */
static void help_fits_a_terminal(void **state) {
    static const char *const commands[] = {"run",     "diff",       "bisect",   "report",
                                           "check",   "accept",     "classify", "inspect",
                                           "convert", "preprocess", "tokenize", "list"};
    static char whole[1 << 14], part[1 << 14];
    char arguments[64];
    (void)state;
    assert_int_equal(run_program("--help", whole, sizeof whole), 0);
    for (const char *line = whole; *line; line += strcspn(line, "\n") + 1)
        if (strcspn(line, "\n") > 80)
            fail_msg("more than 80 columns: %.*s", (int)strcspn(line, "\n"), line);
    for (size_t c = 0; c < sizeof commands / sizeof commands[0]; c++) {
        (void)snprintf(arguments, sizeof arguments, "%s --help", commands[c]);
        assert_int_equal(run_program(arguments, part, sizeof part), 0);
        const char *own = strstr(part, "\n\n  ");
        assert_non_null(own);
        assert_int_equal(strncmp(own + 4, commands[c], strlen(commands[c])), 0);
        assert_non_null(strstr(whole, own + 2));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_each),
        cmocka_unit_test(help_fits_a_terminal),
        cmocka_unit_test(a_model_that_is_not_its_config),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
