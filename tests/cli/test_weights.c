/* SPDX-License-Identifier: GPL-3.0-or-later
 * Passes with a checkpoint of their own, in experiments and in diff: what is computed with which weights,
 * what is said of them, and files that are the same under two names. */
#include "support/program.h"
#include "support/test.h"

#include "base/status.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODEL "data/fashion-clip/open_clip_model.safetensors"
#define CONFIG "data/fashion-clip/open_clip_config.json"
#define GELU "data/fashion-clip-gelu/open_clip_model.safetensors"
#define LAST "visual.transformer.resblocks.5.mlp.c_proj.weight" /* in the file */

static char text[1 << 16];
static char folder[64];

/* A shell's command in which $D is the test's folder, $P the program. */
static int shell(const char *command) {
    char line[4096];
    (void)snprintf(line, sizeof line, "{ %s\n} 2>&1", command);
    FILE *pipe = popen(line, "r");
    size_t used = 0;
    for (size_t got; pipe && (got = fread(text + used, 1, sizeof text - 1 - used, pipe)) > 0;)
        used += got;
    text[used] = '\0';
    const int status = pipe ? pclose(pipe) : -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect(const char *command, int code, const char *says) {
    const int got = shell(command);
    if (got != code || (says && !strstr(text, says)))
        fail_msg("%s\nexit code %d, expected %d and\n%s\n---\n%s", command, got, code, says ? says : "",
                 text);
}

#define RUN "$P run -v --force $D/e.yaml output=$D/"

/* $D/edited.safetensors: the model with the sign of its last value flipped; copies of its files. */
static int prepare(void **state) {
    char path[96];
    uint8_t byte;
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/clip-parity-weights-%ld", (long)getpid());
    (void)setenv("D", folder, 1);
    (void)setenv("P", CP_PROGRAM, 1);
    (void)snprintf(path, sizeof path, "%.60s/edited.safetensors", folder);
    const int failed =
        shell("mkdir -p $D && cp " MODEL " $D/edited.safetensors && cp " MODEL
              " $D/copy.safetensors && cp " CONFIG " $D/copy.json && "
              "ln -s $PWD/" MODEL " $D/link.safetensors && "
              "cat > $D/e.yaml <<'EOF'\n"
              "experiment: e\nmodel: {checkpoint: " MODEL ", config: " CONFIG "}\n"
              "inputs: {images: data/fashion-clip/images/00000-ankle-boot.png, prompts: [a bag]}\n"
              "baseline: {}\noracle: off\nrecord: {'*': full}\nEOF\n");
    const int fd = open(path, O_RDWR);
    const off_t end = lseek(fd, -1, SEEK_END);
    const int edited = pread(fd, &byte, 1, end) == 1 && (byte ^= 0x80, pwrite(fd, &byte, 1, end) == 1);
    return failed || fd < 0 || close(fd) != 0 || !edited;
}

static int clean_up(void **state) {
    (void)state;
    return shell("rm -r $D");
}

/* All before the edited tensor is the baseline's to the bit; its own rounding is of its own weights. */
static void candidates_with_weights(void **state) {
    (void)state;
    expect(RUN "c.h5 oracle=on 'candidates={same: {}}' candidates.mine.checkpoint=$D/edited.safetensors "
               "candidates.gelu.checkpoint=" GELU " candidates.gelu.activation=erf local=on",
           CP_OK, "\nmine\n");
    assert_non_null(strstr(text, "  different weights from visual.5.mlp.c_proj on\n"));
    assert_non_null(strstr(text, "  visual.5.mlp.c_proj  the weights differ ("));
    assert_non_null(
        strstr(text, "different functions or weights from visual.conv1 and token_embedding on\n"));
    const char *mine = strstr(text, "\nmine\n");
    assert_non_null(strstr(mine, "  visual.3                  identical bits\n"));
    assert_non_null(strstr(mine, "  text_features             identical bits\n"));
    expect("$P diff --environment $D/c.h5 $D/c.h5", CP_OK, "/edited.safetensors ");
    /* The run of its weights alone has the same bits. */
    expect(RUN "alone.h5 model.checkpoint=$D/edited.safetensors", CP_OK, NULL);
    expect("$P diff -v --force $D/alone.h5 $D/c.h5:mine -o $D/d.h5", CP_OK, "identical bits");
    assert_null(strstr(text, "weights differ"));
}

/* A candidate without a checkpoint has the baseline's. */
static void weights_of_the_baseline(void **state) {
    (void)state;
    expect(RUN
           "b.h5 oracle=on baseline.checkpoint=$D/edited.safetensors 'candidates={other: {norm: welford}}' "
           "candidates.model.checkpoint=$D/copy.safetensors",
           CP_OK, "\nother\n");
    const char *model = strstr(text, "\nmodel\n");
    assert_non_null(model);
    assert_non_null(strstr(model, "different weights from visual.5.mlp.c_proj on"));
    assert_true(strstr(text, "no different function is declared") < model);
    expect("$P diff --force $D/b.h5 $D/b.h5:model -o $D/d.h5", CP_PARITY_FAILURE,
           "weights differ: " LAST " from element [127, 511] on: ");
}

/* Weights that are equal are the same, whatever the file is called. */
static void equal_weights_change_nothing(void **state) {
    (void)state;
    expect(RUN "s.h5 oracle=on candidates.link.checkpoint=$D/link.safetensors "
               "candidates.copy.checkpoint=$D/copy.safetensors",
           CP_OK, "no different function is declared");
    assert_null(strstr(text, "different weights"));
    assert_null(strstr(text, "e-0")); /* no divergence */
}

static const struct row {
    const char *arguments;
    int code;
    const char *says;
} refusals[] = {
    {RUN "x.h5 candidates.a.checkpoint=nothing.safetensors", CP_BAD_INPUT,
     "nothing.safetensors: cannot be opened"},
    {RUN "x.h5 candidates.a.checkpoint=README.md", CP_BAD_INPUT,
     "README.md: is a text that begins with '# clip-parity'"},
    {RUN "x.h5 candidates.a.checkpoint=[1]", CP_BAD_INPUT, "checkpoint"},
    {RUN "x.h5 'model={init: counter, name: ViT-B-32}' candidates.a.checkpoint=" MODEL, CP_BAD_INPUT,
     "candidates.a.checkpoint=" MODEL ": " MODEL
     ": tensor visual.class_embedding: shape (128) does not match "
     "the config, the first of 301 tensors that do not fit (expected (768))"},
    {RUN "x.h5 oracle=on model.image_size=56 candidates.a.checkpoint=$D/edited.safetensors", CP_OK,
     "different weights from"},
    {RUN "edited.safetensors candidates.a.checkpoint=$D/edited.safetensors", CP_BAD_INPUT,
     "edited.safetensors: would overwrite an input"},
    {"$P bisect $D/e.yaml a candidates.a.checkpoint=$D/edited.safetensors", CP_BAD_INPUT,
     "bisect: a has weights of its own (expected a candidate with the baseline's checkpoint"},
};

static void what_does_not_fit_is_refused(void **state) {
    (void)state;
    for (size_t r = 0; r < sizeof refusals / sizeof refusals[0]; r++)
        expect(refusals[r].arguments, refusals[r].code, refusals[r].says);
}

/* ---- diff ---- */

#define DIFF(a, b) "$P diff -v --force $D/" a ".h5 $D/" b ".h5 -o $D/d.h5 "
#define EDITED "weights differ: " LAST " from element [127, 511] on: "

/* Captures of the model under its names, of the edited one, of the one that GELU trained. */
static int capture_all(void **state) {
    (void)state;
    return shell(
        RUN "model.h5 && " RUN "spelled.h5 model.checkpoint=$D/link.safetensors model.config=$PWD/" CONFIG
            " && " RUN "copy.h5 model.checkpoint=$D/copy.safetensors model.config=$D/copy.json && " RUN
            "edited.h5 model.checkpoint=$D/edited.safetensors baseline.linear.permute=3 && " RUN
            "gelu.h5 model.checkpoint=" GELU " model.config=data/fashion-clip-gelu/open_clip_config.json");
}

static const struct row diffs[] = {
    {DIFF("model", "spelled"), CP_OK, "no different function is declared"},
    {DIFF("spelled", "copy"), CP_OK, "no different function is declared"},
    {DIFF("model", "edited"), CP_PARITY_FAILURE, EDITED},
    {DIFF("edited", "copy"), CP_PARITY_FAILURE, EDITED},
    /* Their configs differ in the activation alone, which is B's. */
    {DIFF("model", "gelu"), CP_PARITY_FAILURE, "weights differ: 126 more tensors"},
    {DIFF("model", "model") "--model-b $D/edited.safetensors", CP_PARITY_FAILURE, EDITED},
    {DIFF("model", "model") "--model-a $D/edited.safetensors", CP_PARITY_FAILURE, EDITED},
    {DIFF("model", "edited") "--model-a $D/copy.safetensors --model-b $D/edited.safetensors",
     CP_PARITY_FAILURE, EDITED},
    {DIFF("edited", "edited") "--model-a $D/link.safetensors --model-b $D/copy.safetensors", CP_BAD_INPUT,
     "is not the model of these files"},
    {DIFF("model", "model") "--model-b nothing.safetensors", CP_BAD_INPUT,
     "nothing.safetensors: cannot be opened"},
    {DIFF("model", "model") "--model-b README.md", CP_BAD_INPUT,
     "README.md: is a text that begins with '# clip-parity'"},
    /* A copy that has gone is the file that has its digest. */
    {"rm $D/copy.json; " DIFF("copy", "model"), CP_OK, "no different function is declared"},
    {"rm $D/copy.safetensors; " DIFF("model", "copy"), CP_OK, "no different function is declared"},
    {DIFF("copy", "model"), CP_OK, "no different function is declared"},
    {DIFF("copy", "copy"), CP_OK, "no oracle: "},
    {"rm $D/edited.safetensors; " DIFF("model", "edited"), CP_PARITY_FAILURE,
     "edited.safetensors is not here; --model and --config say where the model is"},
};

static void a_checkpoint_for_each_side(void **state) {
    (void)state;
    for (size_t r = 0; r < sizeof diffs / sizeof diffs[0]; r++) {
        expect(diffs[r].arguments, diffs[r].code, diffs[r].says);
        if (diffs[r].code == CP_OK && strstr(text, "weights differ"))
            fail_msg("%s\n%s", diffs[r].arguments, text);
    }
    expect(DIFF("model", "gelu"), CP_PARITY_FAILURE, "different functions or weights");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidates_with_weights),
        cmocka_unit_test(weights_of_the_baseline),
        cmocka_unit_test(equal_weights_change_nothing),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test_setup(a_checkpoint_for_each_side, capture_all),
    };
    return cmocka_run_group_tests(tests, prepare, clean_up);
}
