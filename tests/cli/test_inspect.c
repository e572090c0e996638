/* SPDX-License-Identifier: GPL-3.0-or-later
 * inspect and convert: what they say of the demo models and of files without a config, what they refuse, and
 * that run honours what convert wrote. */
#include "support/folder.h"
#include "support/layout.h"
#include "support/program.h"
#include "support/test.h"

#include "base/digest.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEMO "data/fashion-clip"
#define CALIBRATION                                                                                          \
    " --images '" DEMO "/images/*.png' --classes " DEMO "/classes.txt --templates " DEMO "/templates.txt "   \
    "--labels " DEMO "/labels.csv"

static char text[1 << 16];

static void runs(const char *arguments, int code, const char *says) {
    const int got = run_program(arguments, text, sizeof text);
    if (got != code || !strstr(text, says))
        fail_msg("%s: exit code %d instead of %d, or no '%s':\n%s", arguments, got, code, says, text);
}

/* What shapes do not tell is said, and the rest told. */
static void the_rest_is_told_without_an_architecture(void **state) {
    (void)state;
    runs("inspect reference/golden/checkpoints/script.pt", 0,
         "architecture   not told by shapes: the text tower's 12 channels do not divide into heads of 64; "
         "--config or "
         "--name tells it\nparameters     15121: vision 10176, text 4944\n");
    runs("inspect reference/golden/checkpoints/script.pt --json", 0,
         "\"no_architecture\":\"the text tower's 12");
    runs("inspect reference/golden/checkpoints/script.pt --config reference/golden/captures/model.json", 0,
         "text           8 tokens of 64, 2 layers, width 12, 3 heads, MLP 48\n");
}

static void demo_models_are_described(void **state) {
    (void)state;
    runs("inspect " DEMO "/open_clip_model.safetensors --config " DEMO "/open_clip_config.json", 0,
         "layout         OpenAI CLIP\n");
    static const char *const lines[] = {
        "\nsha256         dec6f9cf9643e0b18ff8b872e51af7926cfc1fcf0ba20bce8615d77f3dfcf741\n",
        "parameters     4582209: vision 1211008, text 3371200\n",
        "logit_scale    2.527666, a factor of 12.5242\n",
        "not finite     none\n",
        "attention           40       462848  fp16               100.00 %",
        "activation     config says       quick\n",
        "identity says     nothing: no published file has its digest\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (!strstr(text, lines[i]))
            fail_msg("no '%s' in\n%s", lines[i], text);
}

/* 100 images do not tell the twins' activation, which moves their loss by less than its scatter; that is
 * said, and not guessed. */
static void too_few_images_are_said(void **state) {
    (void)state;
    runs("inspect " DEMO "/open_clip_model.safetensors" CALIBRATION, 0,
         "calibration       cannot tell: too few images, 320 are needed\n");
    /* By its class names alone, the loss of these 100 is clear beyond chance, and wrong. */
    runs("inspect " DEMO "/open_clip_model.safetensors --images '" DEMO "/images/*.png' --prompts " DEMO
         "/classes.txt --labels " DEMO "/labels.csv",
         0, "calibration       cannot tell: too few images, 320 are needed\n");
    runs("inspect data/fashion-clip-gelu/open_clip_model.safetensors --json --limit 40" CALIBRATION, 0,
         "\"says\":null,\"cannot_tell\":\"too few images, 320 are needed\"");
}

static void what_is_read_is_not_written_over(void **state) {
    (void)state;
    runs("convert " DEMO "/open_clip_model.safetensors $DIR/own.safetensors --config " DEMO
         "/open_clip_config.json",
         0, "");
    runs("convert $DIR/own.safetensors $DIR/own.safetensors", 3,
         "would overwrite an input (expected another name)");
    runs("run experiments/quickgelu-vs-gelu.yaml inputs.limit=1 output=$DIR/own.safetensors", 3,
         "exists, and is not a result (expected a new name, or that of a result to be replaced)");
    runs("convert " DEMO "/open_clip_model.safetensors $DIR/own.safetensors --config " DEMO
         "/open_clip_config.json",
         0, "");
}

static void a_config_of_other_shapes_is_refused(void **state) {
    (void)state;
    runs("inspect " DEMO "/open_clip_model.safetensors --name ViT-B-32", 3,
         "tensor visual.class_embedding: shape (128) does not match ViT-B-32, the first of 301 tensors that "
         "do not "
         "fit (expected (768); or fashion-clip, which has these shapes)");
}

/* A seeded model was trained with nothing. */
static void seeded_models_cannot_be_told(void **state) {
    static struct listing list;
    struct cp_model model;
    struct cp_clip_config config;
    struct cp_error err = {0};
    char path[128], command[1024];
    (void)state;
    assert_int_equal(cp_clip_config_named("fashion-clip", &config, &err), CP_OK);
    assert_int_equal(cp_model_counter(&config, 11, &model, &err), CP_OK);
    list_model(&list, &model);
    (void)snprintf(path, sizeof path, "%s/seeded.safetensors", folder);
    const int fd = open(path, O_RDWR | O_CREAT, 0600);
    write_stored(fd, list.tensors, list.count, NULL);
    (void)close(fd);
    cp_model_free(&model);
    (void)snprintf(command, sizeof command, "inspect %s" CALIBRATION, path);
    runs(command, 0, "calibration       cannot tell: accuracy ");
    if (!strstr(text, "is not clearly above chance, 10.0 %"))
        fail_msg("%s", text);
}

/* A converted file says how it is computed; run needs nothing else, and its bits are the same. */
static void run_honours_what_convert_wrote(void **state) {
#define INPUTS                                                                                               \
    " inputs.limit=3 oracle=off local=off floor=0 'candidates={erf: {activation: erf}}' baseline={} "        \
    "'record={\"*\": \"off\", \"*_features\": full}' output=$OUT"
    static const char with_config[] = "run experiments/quickgelu-vs-gelu.yaml" INPUTS;
    static const char without[] =
        "run experiments/quickgelu-vs-gelu.yaml" INPUTS " 'model={checkpoint: '$DIR/a.safetensors'}'";
    static float a[3 * 64], b[3 * 64];
    (void)state;
    runs("convert " DEMO "/open_clip_model.safetensors $DIR/a.safetensors --config " DEMO
         "/open_clip_config.json",
         0, "");
    runs("inspect $DIR/a.safetensors", 0, "file says         quick\n");
    runs(with_config, 0, "");
    const char *dataset = "/captures/baseline/image_features/value";
    assert_int_equal(read_dataset(scratch_output(), dataset, H5T_NATIVE_FLOAT, a, 3 * 64), 3 * 64);
    runs(without, 0, "");
    assert_int_equal(read_dataset(scratch_output(), dataset, H5T_NATIVE_FLOAT, b, 3 * 64), 3 * 64);
    assert_memory_equal(a, b, sizeof a);
    runs("run --dry-run -v experiments/quickgelu-vs-gelu.yaml" INPUTS
         " 'model={checkpoint: '$DIR/a.safetensors', config: data/fashion-clip-gelu/open_clip_config.json}'",
         0, "says that it was trained with activation quick, and the config has erf");
    (void)unlink(scratch_output());
}

/* Both files have these tensors with the same values. */
static void assert_same_tensors(struct cp_checkpoint *a, struct cp_checkpoint *b) {
    static float x[1 << 22], y[1 << 22];
    struct cp_error err = {0};
    assert_int_equal(cp_checkpoint_count(a), cp_checkpoint_count(b));
    for (size_t i = 0; i < cp_checkpoint_count(a); i++) {
        const struct cp_checkpoint_tensor *s = cp_checkpoint_at(a, i), *t = cp_checkpoint_find(b, s->name);
        const size_t elements = cp_checkpoint_elements(s);
        assert_true(elements <= sizeof x / sizeof x[0]);
        assert_non_null(t);
        assert_int_equal(s->rank, t->rank);
        assert_memory_equal(s->shape, t->shape, sizeof s->shape);
        assert_int_equal(cp_checkpoint_widen(a, s, x, &err), CP_OK);
        assert_int_equal(cp_checkpoint_widen(b, t, y, &err), CP_OK);
        assert_memory_equal(x, y, elements * sizeof *x);
    }
}

/* The HDF5 form has the same values and the same words, and run needs nothing else. */
static void hdf5_has_the_same_words(void **state) {
    struct cp_checkpoint *source, *copy;
    struct cp_error err = {0};
    char path[128];
    (void)state;
    runs("convert " DEMO "/open_clip_model.safetensors $DIR/a.h5 --activation erf", 0, "");
    (void)snprintf(path, sizeof path, "%s/a.h5", folder);
    assert_int_equal(cp_checkpoint_open(path, &copy, &err), CP_OK);
    assert_int_equal(cp_checkpoint_open(DEMO "/open_clip_model.safetensors", &source, &err), CP_OK);
    assert_same_tensors(source, copy);
    assert_string_equal(cp_checkpoint_metadata(copy, "clip_parity.activation"), "erf");
    cp_checkpoint_close(source);
    cp_checkpoint_close(copy);
    runs("inspect $DIR/a.h5", 0, "format         HDF5");
    runs("run --dry-run -v experiments/quickgelu-vs-gelu.yaml baseline={} 'candidates={tanh: {activation: "
         "tanh}}' "
         "'model={checkpoint: '$DIR/a.h5'}' inputs.limit=1",
         0, "# baseline\nactivation: erf\n");
    runs("inspect " DEMO "/../../reference/golden/captures/quick-fp32.h5", 3,
         "is HDF5 without /tensors (expected what `clip-parity convert` writes)");
}

/* Every form that PyTorch and NumPy write becomes a safetensors file of the same values. */
static void all_forms_convert(void **state) {
    static const char *const forms[] = {"model.safetensors.index.json",
                                        "state-fp32.pt",
                                        "training.pt",
                                        "views.pt",
                                        "strided.pt",
                                        "script.pt",
                                        "packed.npz",
                                        "state-fp64.pt"};
    struct cp_error err = {0};
    struct cp_checkpoint *single = NULL;
    char path[128], command[512];
    (void)state;
    assert_int_equal(cp_checkpoint_open("reference/golden/checkpoints/single.safetensors", &single, &err),
                     CP_OK);
    (void)snprintf(path, sizeof path, "%s/form.safetensors", folder);
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        struct cp_checkpoint *file = NULL;
        (void)snprintf(
            command, sizeof command,
            "convert reference/golden/checkpoints/%s %s --config reference/golden/captures/model.json",
            forms[f], path);
        runs(command, 0, "");
        assert_int_equal(cp_checkpoint_open(path, &file, &err), CP_OK);
        for (size_t i = 0; i < cp_checkpoint_count(single); i++) {
            const struct cp_checkpoint_tensor *a = cp_checkpoint_at(single, i),
                                              *b = cp_checkpoint_find(file, a->name);
            assert_non_null(b);
            const size_t count = cp_checkpoint_elements(a);
            float *x = malloc(count * sizeof *x), *y = malloc(count * sizeof *y);
            assert_true(x && y && cp_checkpoint_elements(b) == count);
            assert_int_equal(cp_checkpoint_widen(single, a, x, &err), CP_OK);
            assert_int_equal(cp_checkpoint_widen(file, b, y, &err), CP_OK);
            if (memcmp(x, y, count * sizeof *x) != 0)
                fail_msg("%s: %s", forms[f], a->name);
            free(x);
            free(y);
        }
        cp_checkpoint_close(file);
    }
    cp_checkpoint_close(single);
}

/* A demo model as people save it, with PyTorch where that is installed: no config, no metadata. */
static void resaved_by_pytorch(void **state) {
    static const char save[] =
        "PYTHONPATH=. /usr/bin/python3 -c \"import os, torch; from reference.pytorch import safetensors; "
        "torch.save(safetensors.load('" DEMO
        "/open_clip_model.safetensors'), os.environ['DIR'] + '/tmp.pt')\" "
        "2>/dev/null";
    (void)state;
    if (system("/usr/bin/python3 -c 'import torch' 2>/dev/null") != 0)
        skip();
    assert_int_equal(system(save), 0);
    runs("inspect $DIR/tmp.pt", 0, "format         PyTorch zip archive, ");
    assert_non_null(strstr(text, "config         shapes; the shapes are those of fashion-clip\n"));
    assert_non_null(strstr(text, "the activation cannot be known\n"));
    runs("run --dry-run -v experiments/founding-bug.yaml inputs.limit=1 model.checkpoint=$DIR/tmp.pt", 0,
         "# baseline\nactivation: quick\n");
    runs("run --dry-run -v experiments/founding-bug.yaml inputs.limit=1 candidates={} "
         "\"model={load_as: open_clip-2.24, name: fashion-clip, pretrained: $DIR/tmp.pt}\"",
         0, "# baseline\nactivation: erf\n");
}

static void refusals(void **state) {
    static const struct {
        const char *arguments;
        int code;
        const char *says;
    } rows[] = {
        {"inspect", 4, "inspect: no file"},
        {"inspect a b", 4, "a second file 'b'"},
        {"inspect a --config", 4, "--config without a value"},
        {"inspect a --images x", 4, "a calibration takes images and prompts"},
        {"inspect a --frob", 4, "unknown option '--frob'"},
        {"inspect /nowhere", 3, "/nowhere: "},
        {"inspect README.md", 3, "README.md: "},
        {"convert a", 4, "two files are needed"},
        {"convert a b", 4, "a name that ends in .safetensors or .h5"},
        {"convert " DEMO "/open_clip_model.safetensors $DIR/b.safetensors", 3,
         "nothing says which activation it was trained with"},
        {"convert " DEMO "/open_clip_model.safetensors $DIR/b.safetensors --activation relu", 4,
         "'relu' is not an activation"},
        {"convert " DEMO "/open_clip_model.safetensors $DIR/b.safetensors --name ViT-B-32", 3,
         "does not match the config"},
        {"convert $DIR/a.safetensors $DIR/b.safetensors --activation erf", 3,
         "says that its activation is quick, not erf"},
        {"convert " DEMO "/open_clip_model.safetensors /proc/nowhere/b.safetensors --activation quick", 3,
         "cannot make the folder: No such file or directory"},
        {"run --dry-run -v experiments/quickgelu-vs-gelu.yaml baseline={} "
         "'model={checkpoint: " DEMO "/open_clip_model.safetensors}'",
         3, "neither a config nor the file says which activation"},
    };
    struct stat info;
    char path[128];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        runs(rows[i].arguments, rows[i].code, rows[i].says);
    (void)snprintf(path, sizeof path, "%s/b.safetensors", folder);
    assert_int_not_equal(stat(path, &info), 0);
}

/* The founding case from the call that users made. */
static void founding_bug(void **state) {
    static const char *const lines[] = {
        "model: open_clip 2.24, create_model('fashion-clip', pretrained='openai') computes QuickGELU, as "
        "OpenAI's "
        "weights have it under any name; it gives no warning\n",
        "from-path: open_clip 2.24, create_model('fashion-clip', pretrained='tmp.pt') computes GELU, ",
        "openai-with-3: open_clip 3.0, create_model('fashion-clip', pretrained='openai') computes GELU, as "
        "the "
        "config of that name does not have QuickGELU; it warns: QuickGELU mismatch between final model "
        "config "
        "(quick_gelu=False) and pretrained tag 'openai' (quick_gelu=True).\n",
        "# baseline\nactivation: quick\n",
        "# from-path\nactivation: erf\n",
        "# from-path-forced\nactivation: quick\n",
        "# openai-with-3\nactivation: erf\n",
    };
    (void)state;
    runs("run --dry-run -v experiments/founding-bug.yaml inputs.limit=1", 0, "");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (!strstr(text, lines[i]))
            fail_msg("no '%s' in\n%s", lines[i], text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rest_is_told_without_an_architecture),
        cmocka_unit_test(demo_models_are_described),
        cmocka_unit_test(too_few_images_are_said),
        cmocka_unit_test(what_is_read_is_not_written_over),
        cmocka_unit_test(a_config_of_other_shapes_is_refused),
        cmocka_unit_test(seeded_models_cannot_be_told),
        cmocka_unit_test(run_honours_what_convert_wrote),
        cmocka_unit_test(hdf5_has_the_same_words),
        cmocka_unit_test(all_forms_convert),
        cmocka_unit_test(resaved_by_pytorch),
        cmocka_unit_test(refusals),
        cmocka_unit_test(founding_bug),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
