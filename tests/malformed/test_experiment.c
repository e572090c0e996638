/* SPDX-License-Identifier: GPL-3.0-or-later
 * What people get wrong in experiment files and overrides: one line, with its place. */
#include "experiment/experiment.h"

#include "support/experiment_example.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

#define ROOT_KEYS                                                                                            \
    "(expected one of experiment, hypothesis, model, inputs, baseline, candidates, sweep, factorial, "       \
    "layerwise, record, oracle, ledger, local, floor, graft, threads, batch, isa, output, verdict, check"

/* The error line of text with an override (or NULL), "" if there is no error. */
static const char *error_line(const char *text, size_t size, const char *override) {
    static char line[1600];
    struct cp_experiment experiment;
    struct cp_error err = {0};
    const enum cp_status status =
        cp_experiment_parse("e.yaml", text, size, &override, override != NULL, &experiment, &err);
    line[0] = '\0';
    if (status == CP_OK) {
        cp_experiment_free(&experiment);
        return line;
    }
    assert_int_equal(status, CP_BAD_INPUT);
    assert_int_equal(err.status, CP_BAD_INPUT);
    cp_error_line(&err, line, sizeof line);
    assert_true(line[0] != '\0');
    return line;
}

static void assert_line(const char *found, const char *expected, const char *of) {
    if (strcmp(found, expected) != 0)
        fail_msg("%s\n  gives    %s\n  expected %s", of, found, expected);
}

/* The example with the first `from` replaced by `to`. */
static void edit(const char *from, const char *to, char *text, size_t size) {
    const char *at = strstr(EXPERIMENT_EXAMPLE, from);
    assert_non_null(at);
    (void)snprintf(text, size, "%.*s%s%s", (int)(at - EXPERIMENT_EXAMPLE), EXPERIMENT_EXAMPLE, to,
                   at + strlen(from));
}

static void edits_are_located(void **state) {
    static const struct {
        const char *from, *to, *line;
    } rows[] = {
        {"baseline:", "baselin:",
         "e.yaml:10:1: unknown key 'baselin' in the experiment; did you mean 'baseline'? " ROOT_KEYS ")"},
        {"experiment:", "zzz: 1\nexperiment:",
         "e.yaml:1:1: unknown key 'zzz' in the experiment " ROOT_KEYS ")"},
        {"threads: 2", "output: x", "e.yaml:19:1: duplicate key 'output', first at line 18"},
        {"experiment: quickgelu-vs-gelu", "threads: 2",
         "e.yaml:18:1: duplicate key 'threads', first at line 1"},
        {"experiment: quickgelu-vs-gelu\n", "",
         "e.yaml:1:1: no key 'experiment' (expected the keys experiment, model and inputs at least)"},
        {"quickgelu-vs-gelu", "a/b",
         "e.yaml:1:13: experiment: 'a/b' is not a name (expected at most 255 letters, digits, _, - and dots, "
         "no dot "
         "first)"},
        {"quickgelu-vs-gelu", "..",
         "e.yaml:1:13: experiment: '..' is not a name (expected at most 255 letters, digits, _, - and dots, "
         "no dot "
         "first)"},
        {"quickgelu-vs-gelu", "''", "e.yaml:1:13: experiment: \"\" is empty (expected text)"},
        {"quickgelu-vs-gelu", "", "e.yaml:1:1: experiment: no value (expected text)"},
        {"  checkpoint:", "  chekpoint:",
         "e.yaml:4:3: unknown key 'chekpoint' in model; did you mean 'checkpoint'? (expected one of "
         "checkpoint, config, init, seed, name, load_as, pretrained, force_quick_gelu, image_size)"},
        {"  checkpoint: data", "  init: counter\n  checkpoint: data",
         "e.yaml:4:3: model: both checkpoint and init (expected one of them)"},
        {"  checkpoint: data/fashion-clip/open_clip_model.safetensors\n", "",
         "e.yaml:4:3: model: neither checkpoint nor init (expected one of them)"},
        {"  config: data", "  seed: 3\n  config: data",
         "e.yaml:5:3: model.seed beside checkpoint (expected a seed only with init)"},
        {"checkpoint: data/fashion-clip/open_clip_model.safetensors", "init: threefry",
         "e.yaml:4:9: model.init: 'threefry' is not allowed (expected one of counter, open_clip)"},
        {"checkpoint: data/fashion-clip/open_clip_model.safetensors", "init: counter\n  seed: -1",
         "e.yaml:5:9: model.seed: '-1' is out of range (expected an integer, at least 0)"},
        {"  images: data/fashion-clip/images/*.png", "  images: [a.png, [b.png]]",
         "e.yaml:7:19: inputs.images: a list is not text (expected text)"},
        {"data/fashion-clip/images/*.png", "*.png",
         "e.yaml:7:11: anchors and aliases are not allowed (expected the value written out; quotes around a "
         "text that "
         "begins with * or &)"},
        {"  images: data/fashion-clip/images/*.png\n", "",
         "e.yaml:8:11: inputs: labels or limit without images (expected images)"},
        {"classes: data/fashion-clip/classes.txt, ", "",
         "e.yaml:8:12: inputs.prompts: no classes (expected file, or classes and templates)"},
        {"classes: data/fashion-clip/classes.txt", "classes: []",
         "e.yaml:8:22: inputs.prompts.classes: a list without items (expected at least one)"},
        {"classes: data/fashion-clip/classes.txt", "classes: {a: b}",
         "e.yaml:8:22: inputs.prompts.classes: a mapping is not text (expected a list, or the path of a file "
         "of lines)"},
        {"classes: data", "clases: data",
         "e.yaml:8:13: unknown key 'clases' in inputs.prompts; did you mean 'classes'? (expected one of "
         "file, classes, templates)"},
        {"  labels:", "  synthetic: {images: 3}\n  labels:",
         "e.yaml:9:3: inputs: synthetic beside other keys (expected synthetic alone, or files)"},
        {"  labels:", "  truncate: 3\n  labels:",
         "e.yaml:9:13: inputs.truncate: '3' is not allowed (expected one of off, on, false, true, no, yes)"},
        {"  prompts: {classes: data/fashion-clip/classes.txt, templates: [\"a photo of a {}\", \"a picture "
         "of a "
         "{}, a fashion item\"]}\n",
         "  truncate: on\n", "e.yaml:8:13: inputs: truncate without texts (expected prompts as texts)"},
        {"  labels:", "  limit: 0\n  labels:",
         "e.yaml:9:10: inputs.limit: '0' is out of range (expected an integer from 1 to 2147483647)"},
        {"{activation: quick}", "quick",
         "e.yaml:10:11: baseline: 'quick' is not a mapping (expected KEY: VALUE, ...)"},
        {"{activation: quick}", "{activation: [quick, erf]}",
         "e.yaml:10:24: activation: a list is not text (expected text)"},
        {"{activation: quick}", "{activation: }", "e.yaml:10:12: activation: no value (expected text)"},
        {"activation@visual.4-5", "activation@visual 4",
         "e.yaml:14:16: last-two: malformed address 'activation@visual 4' (expected "
         "component[.knob][@layers], such as "
         "attention.compute@visual.4-5)"},
        {"activation@visual.4-5", "activation@",
         "e.yaml:14:16: last-two: malformed address 'activation@' (expected component[.knob][@layers], such "
         "as "
         "attention.compute@visual.4-5)"},
        {"  erf:", "  erf/2:",
         "e.yaml:12:3: candidates: 'erf/2' is not a name (expected at most 255 letters, digits, _, - and +)"},
        {"  erf:", "  v1.0:",
         "e.yaml:12:3: candidates: 'v1.0' is not a name (expected at most 255 letters, digits, _, - and +)"},
        {"  erf:", "  a=b/c:",
         "e.yaml:12:3: candidates: 'a=b/c' is not a name (expected at most 255 printable ASCII characters, "
         "no blank and "
         "no /)"},
        {"  erf:", "  oracle:", "e.yaml:12:3: candidates: 'oracle' is reserved (expected another name)"},
        {"  last-two:", "  erf:", "e.yaml:14:3: duplicate key 'erf', first at line 12"},
        {"  erf:        {activation: erf}",
         "  erf:", "e.yaml:12:3: erf: no value (expected KEY: VALUE, ...)"},
        {"record:", "sweep: {norm: [a, b, a]}\nrecord:", "e.yaml:15:8: candidates: two are named 'norm=a'"},
        {"record:", "sweep: {norm: [a, {b: c}]}\nrecord:",
         "e.yaml:15:19: norm: a mapping is not text (expected text)"},
        {"record:", "sweep: {norm: []}\nrecord:",
         "e.yaml:15:15: norm: a list without values (expected at least one value)"},
        {"record:", "factorial: {a: {}, b: {norm: x}}\nrecord:",
         "e.yaml:15:13: factorial: 'a' changes nothing (expected ADDRESS: VALUE, ...)"},
        {"record:", "factorial: {a.b: {norm: x}}\nrecord:",
         "e.yaml:15:13: factorial: 'a.b' is not a name (expected at most 255 letters, digits, _ and -)"},
        {"record:", "factorial: {a: {norm: x}, a+b: {norm: y}}\nrecord:",
         "e.yaml:15:27: factorial: 'a+b' is not a name (expected at most 255 letters, digits, _ and -)"},
        {"record:", "factorial: {a: {norm: x}, b: norm}\nrecord:",
         "e.yaml:15:30: b: 'norm' is not a mapping (expected KEY: VALUE, ...)"},
        {"record:", "factorial: {a: {no rm: x}}\nrecord:",
         "e.yaml:15:17: a: malformed address 'no rm' (expected component[.knob][@layers], such as "
         "attention.compute@visual.4-5)"},
        {"record:", "factorial: {x: {norm: x}, erf: {norm: y}}\nrecord:",
         "e.yaml:15:27: candidates: two are named 'erf'"},
        {"record:", "factorial: {oracle: {norm: x}}\nrecord:",
         "e.yaml:15:13: candidates: 'oracle' is reserved (expected another name)"},
        {"record:",
         "factorial: {a: {x: x}, b: {x: x}, c: {x: x}, d: {x: x}, e: {x: x}, f: {x: x}, g: {x: x}, h: {x: "
         "x}}\n"
         "record:",
         "e.yaml:15:12: factorial: 8 factors (expected at most 7, each NAME: {ADDRESS: VALUE, ...})"},
        {"record:", "layerwise: {norm: [a, b]}\nrecord:",
         "e.yaml:15:19: norm: a list is not text (expected text)"},
        {"record:", "layerwise: {norm: rmsnorm, activation@visual.0: erf}\nrecord:",
         "e.yaml:15:28: layerwise: 'activation@visual.0' names layers (expected component[.knob] alone, "
         "which "
         "is swapped in one layer after the other)"},
        {"record:", "layerwise: {norm: a/b}\nrecord:",
         "e.yaml:15:19: layerwise: 'a/b' is not a value (expected a variant or a knob's value)"},
        {"record:", "layerwise: {norm: ''}\nrecord:",
         "e.yaml:15:19: layerwise: '' is not a value (expected a variant or a knob's value)"},
        {"*_features\": full", "*_features\": ful",
         "e.yaml:15:56: *_features: 'ful' is not allowed; did you mean 'full'? (expected one of off, digest, "
         "stats, full)"},
        {"*_features", "a feature",
         "e.yaml:15:42: record: 'a feature' is not a tap glob (expected a tap's name, in which * is any run "
         "of "
         "characters and ? any one)"},
        {"oracle: on", "oracle: onn",
         "e.yaml:16:9: oracle: 'onn' is not allowed; did you mean 'on'? (expected auto, on, off or a number "
         "of "
         "inputs)"},
        {"oracle: on", "ledger: most",
         "e.yaml:16:9: ledger: 'most' is not allowed (expected auto, on, off or a number of inputs)"},
        {"oracle: on", "ledger: 0",
         "e.yaml:16:9: ledger: '0' is out of range (expected an integer from 1 to 2147483647)"},
        {"alpha: 0.05", "rtol: -1",
         "e.yaml:17:23: verdict.rtol: '-1' is out of range (expected a number of 0 or more)"},
        {"alpha: 0.05", "atol: nan",
         "e.yaml:17:23: verdict.atol: 'nan' is not a number (expected a finite decimal number)"},
        {"oracle: on", "oracle: 1.5",
         "e.yaml:16:9: oracle: '1.5' is not an integer (expected an integer from 1 to 2147483647)"},
        {"k: 2", "k: 1", "e.yaml:17:14: verdict.k: '1' is out of range (expected a number above 1, or auto)"},
        {"k: 2", "k: nan",
         "e.yaml:17:14: verdict.k: 'nan' is not a number (expected a finite decimal number)"},
        {"0.05", "1",
         "e.yaml:17:24: verdict.alpha: '1' is out of range (expected a number from 1e-6 to 0.5; smaller "
         "p-values are not known well enough)"},
        {"0.05", "9.99e-7",
         "e.yaml:17:24: verdict.alpha: '9.99e-7' is out of range (expected a number from 1e-6 to 0.5; "
         "smaller "
         "p-values are not known well enough)"},
        {"alpha", "alfa",
         "e.yaml:17:17: unknown key 'alfa' in verdict (expected one of k, alpha, rtol, atol)"},
        {"threads: 2", "threads: two",
         "e.yaml:18:10: threads: 'two' is not an integer (expected an integer from 1 to 1024)"},
        {"threads: 2", "threads: 0",
         "e.yaml:18:10: threads: '0' is out of range (expected an integer from 1 to 1024)"},
        {"threads: 2", "batch: 65537",
         "e.yaml:18:8: batch: '65537' is out of range (expected an integer from 1 to 65536)"},
        {"threads: 2", "isa: axv2",
         "e.yaml:18:6: isa: 'axv2' is not allowed; did you mean 'avx2'? (expected one of auto, scalar, avx2, "
         "avx512)"},
        {"threads: 2", "threads:\t2\n\tbatch: 3", "e.yaml:18:10: invalid multiline plain key"},
        {"results/runs/quickgelu-vs-gelu.h5", "''", "e.yaml:19:9: output: \"\" is empty (expected text)"},
    };
    char text[2048];
    (void)state;
    assert_line(error_line(EXPERIMENT_EXAMPLE, strlen(EXPERIMENT_EXAMPLE), NULL), "", "the example");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        edit(rows[i].from, rows[i].to, text, sizeof text);
        assert_line(error_line(text, strlen(text), NULL), rows[i].line, rows[i].to);
    }
}

static void whole_files_are_located(void **state) {
    static const struct {
        const char *text, *line;
    } rows[] = {
        {"[1, 2]", "e.yaml:1:1: the experiment: a list is not a mapping (expected KEY: VALUE, ...)"},
        {"text", "e.yaml:1:1: the experiment: 'text' is not a mapping (expected KEY: VALUE, ...)"},
        {"experiment: e\nmodel:\n  init: counter\ninputs: {images: a}\n",
         "e.yaml:3:3: model: no config (expected the config file of the model that init makes)"},
        {"experiment: e\nmodel: {checkpoint: m}\ninputs: {}\n",
         "e.yaml:3:9: inputs: none (expected images, prompts or both, or synthetic)"},
        {"experiment: e\nmodel: {checkpoint: m}\ninputs: {synthetic: {images: 9}, limit: 3}\n",
         "e.yaml:3:41: inputs: limit beside synthetic (expected the number as inputs.synthetic.images)"},
        {"experiment: e\nmodel: {checkpoint: m}\ninputs: {synthetic: {images: 0}}\n",
         "e.yaml:3:21: inputs.synthetic: no input (expected images or prompts above 0)"},
        {"experiment: e\nmodel: {checkpoint: m}\n",
         "e.yaml:1:1: no key 'inputs' (expected the keys experiment, model and inputs at least)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_line(error_line(rows[i].text, strlen(rows[i].text), NULL), rows[i].line, rows[i].text);
}

/* One more candidate, or record rule besides the default one, than there may be. */
static void crowds_are_refused(void **state) {
    static char text[32768];
    (void)state;
    for (int record = 0; record < 2; record++) {
        const int most = record ? CP_YAML_KEYS - 1 : CP_CANDIDATES_MAX;
        int used =
            snprintf(text, sizeof text, "{experiment: e, model: {checkpoint: m}, inputs: {images: a}, %s: {",
                     record ? "record" : "candidates");
        for (int i = 0; i < most; i++)
            used += snprintf(text + used, sizeof text - (size_t)used, "k%d: %s, ", i, record ? "off" : "{}");
        (void)snprintf(text + used, sizeof text - (size_t)used, "}}");
        assert_line(error_line(text, strlen(text), NULL), "", "the most");
        (void)snprintf(text + used, sizeof text - (size_t)used, "last: %s}}", record ? "off" : "{}");
        assert_line(error_line(text, strlen(text), NULL),
                    record ? "e.yaml:1:70: record: 1024 globs (expected fewer than 1024)"
                           : "e.yaml:1:74: 1001 candidates (expected at most 1000)",
                    "one more");
    }
}

/* Factors fill the table of candidates, which has room for 7 of 1000 left. */
static void cells_are_counted(void **state) {
    static char text[32768];
    int used = snprintf(text, sizeof text,
                        "{experiment: e, model: {checkpoint: m}, inputs: {images: a}, candidates: {");
    (void)state;
    for (int i = 0; i < CP_CANDIDATES_MAX - 7; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "k%d: {}, ", i);
    (void)snprintf(text + used, sizeof text - (size_t)used, "}}");
    assert_line(error_line(text, strlen(text), "factorial={a: {x: x}, b: {x: x}, c: {x: x}}"), "",
                "the most");
    assert_line(error_line(text, strlen(text), "factorial={a: {x: x}, b: {x: x}, c: {x: x}, d: {x: x}}"),
                "command line: factorial={a: {x: x}, b: {x: x}, c: {x: x}, d: {x: x}}: factorial: too many "
                "candidates (expected at most 1000, the 15 cells of the factorial included)",
                "one more");
}

static void overrides_name_themselves(void **state) {
    static const struct {
        const char *override, *line;
    } rows[] = {
        {"threads", "threads: no '=' (expected key=value)"},
        {"threads=", "threads=: empty (expected a YAML document)"},
        {"threads=0", "threads=0: threads: '0' is out of range (expected an integer from 1 to 1024)"},
        {"thraeds=1",
         "thraeds=1: unknown key 'thraeds' in the experiment; did you mean 'threads'? " ROOT_KEYS ")"},
        {"model.sed=3",
         "model.sed=3: unknown key 'sed' in model; did you mean 'seed'? (expected one of "
         "checkpoint, config, init, seed, name, load_as, pretrained, force_quick_gelu, image_size)"},
        {"model.load_as=open_clip-2.24", "model.load_as=open_clip-2.24: model: load_as without pretrained "
                                         "(expected load_as: open_clip-2.24, name: "
                                         "NAME, pretrained: TAG or PATH)"},
        {"model.pretrained=openai", "model.pretrained=openai: model.pretrained without load_as (expected the "
                                    "version of open_clip that is "
                                    "called so)"},
        {"model.force_quick_gelu=on", "model.force_quick_gelu=on: model.force_quick_gelu without load_as "
                                      "(expected the version of open_clip that "
                                      "is called so)"},
        {"model.name=ViT-B-32", "model.name=ViT-B-32: model: both config and name (expected one of them)"},
        {"modle.seed=3",
         "modle.seed=3: unknown key 'modle' in the experiment; did you mean 'model'? " ROOT_KEYS ")"},
        {"threads.x=1", "threads.x=1: threads is not a mapping"},
        {"=1", "=1: unknown key '' in the experiment " ROOT_KEYS ")"},
        {"baseline.=erf",
         "baseline.=erf: baseline: malformed address '' (expected component[.knob][@layers], such as "
         "attention.compute@visual.4-5)"},
        {"baseline.a b=erf",
         "baseline.a b=erf: baseline: malformed address 'a b' (expected component[.knob][@layers], "
         "such as attention.compute@visual.4-5)"},
        {"candidates.erf=3", "candidates.erf=3: erf: '3' is not a mapping (expected KEY: VALUE, ...)"},
        {"candidates.baseline.norm=a",
         "candidates.baseline.norm=a: candidates: 'baseline' is reserved (expected another name)"},
        {"candidates..norm=a",
         "candidates..norm=a: candidates: '' is not a name (expected at most 255 letters, "
         "digits, _, - and +)"},
        {"record.*=ful", "record.*=ful: *: 'ful' is not allowed; did you mean 'full'? (expected one of off, "
                         "digest, stats, full)"},
        {"factorial.a.no rm=x", "factorial.a.no rm=x: a: malformed address 'no rm' (expected "
                                "component[.knob][@layers], such as attention.compute@visual.4-5)"},
        {"factorial.a=x", "factorial.a=x: a: 'x' is not a mapping (expected KEY: VALUE, ...)"},
        {"factorial.erf.norm=x", "factorial.erf.norm=x: candidates: two are named 'erf'"},
        {"layerwise.norm@visual=x", "layerwise.norm@visual=x: layerwise: 'norm@visual' names layers "
                                    "(expected component[.knob] alone, which "
                                    "is swapped in one layer after the other)"},
        {"layerwise=norm", "layerwise=norm: layerwise: 'norm' is not a mapping (expected KEY: VALUE, ...)"},
        {"sweep.norm=[a, a]", "sweep.norm=[a, a]: candidates: two are named 'norm=a'"},
        {"inputs.images=[a", "inputs.images=[a: flow sequence without a closing bracket"},
        {"inputs.images=*.png",
         "inputs.images=*.png: anchors and aliases are not allowed (expected the value written "
         "out; quotes around a text that begins with * or &)"},
        {"inputs.prompts=a cat", "inputs.prompts=a cat: inputs.prompts: 'a cat' is one text (expected a "
                                 "list, {file: PATH}, {classes: PATH or "
                                 "list, templates: PATH or list}, or token ids in a .npy file)"},
        {"inputs.prompts.file=p",
         "inputs.prompts.file=p: inputs.prompts: file beside other keys (expected file alone, "
         "or classes and templates)"},
        {"output=a\x01",
         "output=a\\x01: byte 0x01 at offset 1 (expected UTF-8 text without control characters)"},
        {"output=a\nb: c\nb: d", "output=a\\x0ab: c\\x0ab: d: invalid multiline plain key"},
    };
    char expected[1600];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(expected, sizeof expected, "command line: %s", rows[i].line);
        assert_line(error_line(EXPERIMENT_EXAMPLE, strlen(EXPERIMENT_EXAMPLE), rows[i].override), expected,
                    rows[i].override);
    }
}

/* Nine times ten aliases of aliases, a billion words if they were followed: refused at the first anchor. */
static void case_76_alias_bomb(void **state) {
    char text[4096] = "experiment: a\nmodel:\n  l0: &l0 [x]\n";
    size_t used = strlen(text);
    (void)state;
    for (int level = 1; level < 10; level++)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "  l%d: &l%d [*l%d, *l%d, *l%d, *l%d, *l%d, *l%d, *l%d, *l%d, *l%d, *l%d]\n",
                                 level, level, level - 1, level - 1, level - 1, level - 1, level - 1,
                                 level - 1, level - 1, level - 1, level - 1, level - 1);
    const char *line = error_line(text, used, NULL);
    if (!strstr(line, "e.yaml:3:") || !strstr(line, "anchors and aliases are not allowed"))
        fail_msg("%s", line);
}

static void case_77_override_of_an_unknown_key(void **state) {
    static const char *const overrides[] = {"thraeds=1", "model.chekpoint=a", "inputs.imags=a",
                                            "verdict.beta=1", "graft.form=a"};
    (void)state;
    for (size_t i = 0; i < sizeof overrides / sizeof overrides[0]; i++) {
        const char *line = error_line(EXPERIMENT_EXAMPLE, strlen(EXPERIMENT_EXAMPLE), overrides[i]);
        if (strncmp(line, "command line: ", 14) != 0 || !strstr(line, ": unknown key '") ||
            !strstr(line, " (expected one of "))
            fail_msg("%s: %s", overrides[i], line);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits_are_located),
        cmocka_unit_test(whole_files_are_located),
        cmocka_unit_test(crowds_are_refused),
        cmocka_unit_test(cells_are_counted),
        cmocka_unit_test(overrides_name_themselves),
        cmocka_unit_test(case_76_alias_bomb),
        cmocka_unit_test(case_77_override_of_an_unknown_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
