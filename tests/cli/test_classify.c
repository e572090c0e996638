/* SPDX-License-Identifier: GPL-3.0-or-later
 * classify: its probabilities against PyTorch's (reference/golden/classify), its table, and what it refuses.
 */
#include "support/folder.h"
#include "support/layout.h"
#include "support/program.h"
#include "support/test.h"

#include <ctype.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEMO "data/fashion-clip"
#define MODEL "classify --model " DEMO
#define PROMPTS " --prompt 'a photo of a T-shirt' 'a photo of a dress' 'a photo of a bag'"
#define DRESS " --image data/fashion-clip/images/00029-dress.png"

enum { COUNT = 3 };

static char text[1 << 16];

static int create_in_folder(const char *name) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    const int fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    return fd;
}

static void runs(const char *arguments, int code, const char *says) {
    const int got = run_program(arguments, text, sizeof text);
    if (got != code || !strstr(text, says))
        fail_msg("%s: exit code %d instead of %d, or no '%s':\n%s", arguments, got, code, says, text);
}

/* ---- numbers ---- */

static void read_numbers(const char *from, double numbers[COUNT]) {
    for (int i = 0; i < COUNT; i++) {
        char *end;
        numbers[i] = strtod(from, &end);
        assert_true(end > from);
        from = end + 1;
    }
}

/* The first row of a spec's probabilities in JSON. */
static void read_spec(const char *spec, double numbers[COUNT]) {
    char key[64];
    (void)snprintf(key, sizeof key, "{\"name\":\"%s\"", spec);
    const char *at = strstr(text, key);
    at = at ? strstr(at, "\"probabilities\":[[") : NULL;
    if (!at)
        fail_msg("no probabilities of %s in %s", spec, text);
    else
        read_numbers(at + strlen("\"probabilities\":[["), numbers);
}

static void numbers_equal_pytorch(void **state) {
    FILE *golden = fopen("reference/golden/classify/probabilities.csv", "r");
    char line[512], command[1024];
    int compared = 0;
    double worst = 0;
    (void)state;
    assert_non_null(golden);
    assert_non_null(fgets(line, sizeof line, golden));
    while (fgets(line, sizeof line, golden)) {
        double want[COUNT], got[COUNT];
        char *activation = strchr(line, ','), *numbers = activation ? strchr(activation + 1, ',') : NULL;
        assert_non_null(numbers);
        *activation++ = *numbers++ = '\0';
        if (line[0] == '/' && access(line, R_OK) != 0)
            continue; /* a photo of another package, which need not be here */
        (void)snprintf(command, sizeof command,
                       MODEL " --json --image %s" PROMPTS " --compare x:activation=%s", line, activation);
        runs(command, 0, "\"activation\":\"quick\"");
        read_numbers(numbers, want);
        read_spec(strcmp(activation, "quick") == 0 ? "baseline" : "x", got);
        for (int i = 0; i < COUNT; i++)
            worst = fmax(worst, fabs(got[i] - want[i]));
        if (!(worst <= 1e-5))
            fail_msg("%s, %s: %g from PyTorch's", line, activation, worst);
        compared++;
    }
    (void)fclose(golden);
    print_message("%d rows, at most %.2g from PyTorch's\n", compared, worst);
    assert_in_range(compared, 8, 12);
}

/* More images than a batch: each is what it is alone. */
static void batches_do_not_matter(void **state) {
    double alone[COUNT], among[COUNT];
    (void)state;
    runs(MODEL " --json --image data/fashion-clip/images/*.png" PROMPTS " --compare activation=erf", 0, "");
    const char *at = strstr(text, "\"probabilities\":[["), *end = at ? strstr(at, "]]") : NULL;
    assert_non_null(end);
    while (end > at && *end != '[')
        end--;
    read_numbers(end + 1, among);
    runs(MODEL " --json --image $(ls data/fashion-clip/images/*.png | tail -1)" PROMPTS, 0, "");
    read_spec("baseline", alone);
    assert_memory_equal(alone, among, sizeof alone);
}

/* ---- the table ---- */

static void check_width(void) {
    for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
        end = strchr(line, '\n') ? strchr(line, '\n') : line + strlen(line);
        if (end - line > 80 || (end > line && isblank((unsigned char)end[-1])))
            fail_msg("%d characters, or a blank at the end: %.*s", (int)(end - line), (int)(end - line),
                     line);
    }
}

static void specs_stand_side_by_side(void **state) {
    (void)state;
    runs(MODEL DRESS PROMPTS " --compare activation=erf", 0, "baseline  activation=erf\n");
    check_width();
    runs(MODEL DRESS PROMPTS " --compare activation=erf eps:norm.eps=1e-3,attention.compute=bf16", 0,
         "  top-1 changed: eps\n");
    check_width();
    static const char *const lines[] = {
        "baseline: activation quick, as its config says\n",
        "baseline  activation=erf      eps\n",
        "\n00029-dress.png\n",
        " 0.4930          0.4642  *0.50",
        " *0.4967         *0.5262   0.48",
        "activation=erf\n  top-1 changed for 0 of 1 images; largest |dp| 2.9",
        "  at 00029-dress.png           a photo of a dress\n",
        "eps\n  top-1 changed for 1 of 1 images; largest |dp| 1.",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (!strstr(text, lines[i]))
            fail_msg("no '%s' in\n%s", lines[i], text);
}

/* Names that do not fit have numbers; more specs than fit are in several tables. */
static void many_specs_fit(void **state) {
    (void)state;
    runs(MODEL DRESS PROMPTS
         " --compare activation=erf activation=tanh precision=fp16 precision=bf16 attention.compute=fp16"
         " linear.compute=bf16 norm.eps=1e-6 --prompt 'one more, which is longer than what is left for it'",
         0, "(1) activation=erf\n");
    check_width();
    if (!strstr(text, "baseline      (1)      (2)") || !strstr(text, "baseline      (6)      (7)\n"))
        fail_msg("no second table in\n%s", text);
    assert_non_null(strstr(text, "  one more, which is lo..."));
}

/* ---- models ---- */

static void settings_may_say_what_the_config_does_not(void **state) {
#define BARE "classify --model data/fashion-clip/open_clip_model.safetensors" DRESS PROMPTS
    (void)state;
    runs(BARE, 3, "neither a config nor the file says which activation it was trained with");
    runs(BARE " --baseline activation=erf", 0, "baseline: activation erf, as asked\n");
    runs(BARE " --config data/fashion-clip-gelu/open_clip_config.json", 0, "baseline: activation erf");
    runs(BARE " --name fashion-clip-quickgelu", 0, "baseline: activation quick");
    runs(BARE " --name ViT-B-32", 3, "does not match the config");
    runs(BARE " --name fashion-clip --config x.json", 4, "both --config and --name");
}

/* What transformers' save_pretrained leaves, with the demo model's weights: the same numbers. */
static void hugging_face_folder(void **state) {
    static const char config[] =
        "{\"model_type\": \"clip\", \"projection_dim\": 64, \"logit_scale_init_value\": 2.6592,\n"
        "\"vision_config\": {\"hidden_size\": 128, \"intermediate_size\": 512, \"num_hidden_layers\": 6, "
        "\"num_attention_heads\": 2, \"image_size\": 28, \"patch_size\": 4, \"hidden_act\": "
        "\"quick_gelu\"},\n"
        "\"text_config\": {\"hidden_size\": 64, \"intermediate_size\": 256, \"num_hidden_layers\": 4, "
        "\"num_attention_heads\": 1, \"hidden_act\": \"quick_gelu\"}}\n";
    static struct listing list;
    struct cp_clip_config demo;
    struct cp_model model;
    struct cp_error err = {0};
    double ours[COUNT], theirs[COUNT];
    (void)state;
    assert_int_equal(cp_clip_config_named("fashion-clip-quickgelu", &demo, &err), CP_OK);
    assert_int_equal(cp_model_load(DEMO "/open_clip_model.safetensors", &demo, &model, &err), CP_OK);
    list_model(&list, &model);
    as_hugging_face(&list);
    const int weights = create_in_folder("model.safetensors"), said = create_in_folder("config.json");
    write_stored(weights, list.tensors, list.count, NULL);
    assert_int_equal(write(said, config, sizeof config - 1), sizeof config - 1);
    (void)close(weights);
    (void)close(said);
    cp_model_free(&model);
    runs(MODEL DRESS PROMPTS " --json", 0, "");
    read_spec("baseline", ours);
    runs("classify --model $DIR" DRESS PROMPTS " --json", 0, "");
    read_spec("baseline", theirs);
    assert_memory_equal(ours, theirs, sizeof ours);
    runs("classify --model $(mv $DIR/model.safetensors $DIR/model.fp16.safetensors; echo $DIR)" DRESS PROMPTS
         " --json",
         0, "");
    read_spec("baseline", theirs);
    assert_memory_equal(ours, theirs, sizeof ours);
    runs("classify --model $(cp $DIR/model.fp16.safetensors $DIR/model.bf16.safetensors; echo $DIR)" DRESS
             PROMPTS,
         3,
         ": the folder has model.bf16.safetensors and model.fp16.safetensors (expected one of these files by "
         "its "
         "own path, with --config)");
}

/* A picture is told by its bytes where its name says nothing. */
static void a_picture_needs_no_ending(void **state) {
    double named[COUNT], nameless[COUNT];
    (void)state;
    runs(MODEL DRESS PROMPTS " --json", 0, "");
    read_spec("baseline", named);
    runs(MODEL " --image $(cp " DEMO "/images/00029-dress.png $DIR/upload; echo $DIR/upload)" PROMPTS
               " --json",
         0, "");
    read_spec("baseline", nameless);
    assert_memory_equal(named, nameless, sizeof named);
}

/* Position embeddings in two ways, from one line. */
static void pictures_of_another_size(void **state) {
    (void)state;
    runs(MODEL DRESS PROMPTS " --image-size 56 --compare position=huggingface", 0,
         "position embeddings of a grid of 7 x 7 are resized to 14 x 14, for images of 56 x 56");
    assert_null(strstr(text, "every probability is the same"));
    runs(MODEL DRESS PROMPTS " --compare position=huggingface", 0, "every probability is the same");
}

static void one_prompt_is_said(void **state) {
    (void)state;
    runs(MODEL DRESS " --prompt bag", 0, "one prompt: its probability is 1 whatever the image\n");
    assert_non_null(strstr(text, "*1.0000\n"));
}

static void what_is_wrong_is_said(void **state) {
    static const struct {
        const char *arguments;
        int code;
        const char *says;
    } cases[] = {
        {"classify --model nope" DRESS PROMPTS, 3, "nope: No such file or directory"},
        {"classify --model tests" DRESS PROMPTS, 3, "tests: the folder has no model"},
        {"classify" DRESS PROMPTS, 4, "classify: no --model"},
        {MODEL PROMPTS, 4, "classify: no --image"},
        {MODEL DRESS, 4, "classify: no --prompt"},
        {MODEL DRESS " --prompt", 4, "classify: --prompt without a value"},
        {MODEL DRESS PROMPTS " --baseline", 4, "classify: --baseline without a value"},
        {MODEL DRESS PROMPTS " --image-size 3", 3,
         "--image-size: model.image_size: 3 is smaller than patch_size 4"},
        {MODEL DRESS PROMPTS " --image-size 1028", 3,
         "1028 is more than 256 patches a side (expected at most 1024)"},
        {MODEL DRESS PROMPTS " --image-size 3x", 3, "--image-size: '3x' is not a size"},
        {MODEL DRESS PROMPTS " --imag x", 4, "classify: unknown option '--imag'"},
        {MODEL " x" DRESS PROMPTS, 4, "classify: no option before 'x'"},
        {MODEL " --image nope.png" PROMPTS, 3, "nope.png: No such file or directory"},
        {MODEL " --image README.md" PROMPTS, 3,
         "README.md: is not a known image format, by its first bytes (expected PNG, JPEG, WebP, .npy, or "
         "IDX of unsigned bytes)"},
        {MODEL " --image reference/golden/pictures/refused-truncated.jpg" PROMPTS, 3,
         "refused-truncated.jpg: "},
        {MODEL DRESS " --prompt \"$(printf 'a\\377')\"", 3, "--prompt: prompt 1 has byte 0xff at 1"},
        {MODEL DRESS " --prompt \"$(seq -s ' ' 99)\"", 3, "at most 77, the context length"},
        {MODEL DRESS PROMPTS " --compare activaton=erf", 3,
         "--compare activaton=erf: unknown component or knob 'activaton'; did you mean 'activation'?"},
        {MODEL DRESS PROMPTS " --compare x:activation=erff", 3, "unknown variant 'erff' of activation"},
        {MODEL DRESS PROMPTS " --compare activation", 3, "'activation' is not a setting"},
        {MODEL DRESS PROMPTS " --compare activation=erf,", 3, "'' is not a setting"},
        {MODEL DRESS PROMPTS " --compare baseline:activation=erf", 3, "'baseline' is not the name of a spec"},
        {MODEL DRESS PROMPTS " --compare a:activation=erf a:activation=tanh", 3, "two specs are named 'a'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        runs(cases[i].arguments, cases[i].code, cases[i].says);
        const char *end = strchr(text, '\n');
        if (!end || end[1] || strncmp(text, "clip-parity: ", 13) != 0)
            fail_msg("%s: not one line:\n%s", cases[i].arguments, text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_equal_pytorch),
        cmocka_unit_test(batches_do_not_matter),
        cmocka_unit_test(specs_stand_side_by_side),
        cmocka_unit_test(many_specs_fit),
        cmocka_unit_test(settings_may_say_what_the_config_does_not),
        cmocka_unit_test(hugging_face_folder),
        cmocka_unit_test(a_picture_needs_no_ending),
        cmocka_unit_test(pictures_of_another_size),
        cmocka_unit_test(one_prompt_is_said),
        cmocka_unit_test(what_is_wrong_is_said),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
