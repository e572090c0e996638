/* SPDX-License-Identifier: GPL-3.0-or-later
 * A graft makes of other inputs what the capture's inputs gave: from every tap of a capture of ours, the same
 * bits downstream. What lies before the graft is other images and other words, so that nothing agrees by
 * itself. */
#include "support/program.h"
#include "support/test.h"

#include "analysis/analyses.h"

#include "base/digest.h"
#include "format/file.h"
#include "run/captured/graft.h"
#include "run/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPTURES "reference/golden/captures/"

enum { INPUTS = 16 };

static struct cp_arena arena;
static char folder[] = "/tmp/clip-parity-graft-XXXXXX";

/* The golden inputs' files with other contents: pixels with the other sign; words other than the padding and
 * the end, which stays where it is. */
static void write_other(const char *from, bool pixels) {
    struct cp_file file;
    struct cp_error err = {0};
    char path[96];
    assert_int_equal(cp_file_read(from, 1 << 20, &arena, &file, &err), CP_OK);
    const size_t start = 10 + (unsigned char)file.text[8] + 256u * (unsigned char)file.text[9];
    for (size_t at = start; at + 4 <= file.size; at += 4) {
        int32_t word;
        memcpy(&word, file.text + at, 4);
        if (pixels)
            word ^= INT32_MIN;
        else if (word != 0 && word != 63)
            word = word % 62 + 1;
        memcpy(file.text + at, &word, 4);
    }
    (void)snprintf(path, sizeof path, "%s/%s", folder, pixels ? "pixels.npy" : "tokens.npy");
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(file.text, 1, file.size, out), file.size);
    assert_int_equal(fclose(out), 0);
}

struct run {
    struct cp_experiment experiment;
    struct cp_study study;
};

static void start(struct run *run, const char *inputs, const char *name, const char *graft) {
    char text[2048];
    struct cp_error err = {0};
    const int size =
        snprintf(text, sizeof text,
                 "experiment: graft\nmodel: {init: counter, seed: 915, config: " CAPTURES "model.json}\n"
                 "inputs: {images: %s/pixels.npy, prompts: %s/tokens.npy}\nbaseline: {activation: quick}\n"
                 "candidates: {erf: {activation: erf, precision: bf16}}\noracle: off\nthreads: 1\n"
                 "record: {'*': %s}\noutput: %s/%s.h5\n%s",
                 inputs, inputs, strcmp(name, "whole") == 0 ? "full" : "digest", folder, name, graft);
    if (cp_experiment_parse("test", text, (size_t)size, NULL, 0, &run->experiment, &err) != CP_OK ||
        cp_study_create(&run->experiment, "test", cp_analyses, &run->study, &err) != CP_OK)
        fail_msg("%s: %s (%s)", err.where, err.what, err.expected);
}

static void finish(struct run *run) {
    const struct cp_run_options silent = {0};
    struct cp_error err = {0};
    char digest[65];
    if (cp_run_study(&run->study, &silent, digest, &err) != CP_OK)
        fail_msg("%s: %s", err.where, err.what);
}

static void end(struct run *run) {
    cp_study_free(&run->study);
    cp_experiment_free(&run->experiment);
}

/* The digests of a tap; false where it was not recorded. */
static bool digests(const char *name, const char *spec, const char *tap, uint8_t digest[INPUTS * 32]) {
    char file[96], path[256];
    (void)snprintf(file, sizeof file, "%s/%s.h5", folder, name);
    (void)snprintf(path, sizeof path, "/captures/%s/%s/digest", spec, tap);
    return read_dataset(file, path, H5T_NATIVE_UINT8, digest, INPUTS * 32) == INPUTS * 32;
}

/* Of a picture, which these inputs are not. */
static bool is_step(const struct cp_site *site) {
    return site->point < CP_PIXELS_NORMALIZED || site->point == CP_TOKENS;
}

/* The taps of the graft's tower behind it: how many. Where the towers join the other one has its part. */
static size_t compare(const struct cp_study *study, size_t graft, const char *spec) {
    size_t same = 0;
    for (size_t i = 0; i < study->sites.count; i++) {
        const struct cp_site *site = &study->sites.list[i];
        uint8_t whole[INPUTS * 32], grafted[INPUTS * 32];
        if (site->tower != study->sites.list[graft].tower || is_step(site))
            continue;
        assert_true(digests("whole", spec, site->name, whole));
        const bool there = digests("grafted", spec, site->name, grafted);
        assert_int_equal(there, i >= graft);
        if (there && memcmp(whole, grafted, sizeof whole) != 0)
            fail_msg("%s, grafted at %s: other bits at %s", spec, study->sites.list[graft].name, site->name);
        same += there;
    }
    return same;
}

static size_t last_of(const struct cp_study *study, enum cp_tower tower) {
    size_t last = 0;
    for (size_t i = 0; i < study->sites.count; i++)
        if (study->sites.list[i].tower == tower)
            last = i;
    return last;
}

static void every_tap_of_our_own_capture(void **state) {
    struct run whole, grafted;
    size_t sites;
    (void)state;
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    start(&whole, "reference/golden/captures", "whole", "");
    finish(&whole);
    sites = whole.study.sites.count;
    assert_int_equal(sites, 76);
    for (size_t i = 0; i < sites; i++) {
        const struct cp_site *site = &whole.study.sites.list[i];
        if (is_step(site))
            continue;
        for (int spec = 0; spec < (i % 4 == 0 ? 2 : 1); spec++) { /* in half precision now and then */
            char graft[256];
            (void)snprintf(graft, sizeof graft, "graft: {from: '%s/whole.h5:%s', at: %s}\n", folder,
                           spec ? "erf" : "baseline", site->name);
            start(&grafted, folder, "grafted", graft);
            finish(&grafted);
            const size_t same = compare(&grafted.study, i, spec ? "erf" : "baseline");
            assert_int_equal(same, last_of(&whole.study, site->tower) - i + 1);
            end(&grafted);
        }
    }
    end(&whole);
}

/* Other inputs do differ, or the test above would prove nothing. */
static void other_inputs_differ(void **state) {
    uint8_t whole[INPUTS * 32], other[INPUTS * 32];
    struct run run;
    (void)state;
    start(&run, folder, "other", "");
    finish(&run);
    end(&run);
    static const char *const taps[] = {"visual.conv1", "image_features", "token_embedding", "text_features"};
    for (size_t t = 0; t < 4; t++) {
        assert_true(digests("whole", "baseline", taps[t], whole) &&
                    digests("other", "baseline", taps[t], other));
        for (size_t i = 0; i < INPUTS; i++)
            assert_int_not_equal(memcmp(whole + 32 * i, other + 32 * i, 32), 0);
    }
}

static void what_is_missing_is_named(void **state) {
    struct cp_capture capture = {.path = "x.h5", .taps = 1};
    struct cp_capture_tap tap = {
        .name = "transformer.resblocks.1.attn.q", .rank = 3, .shape = {INPUTS, 8, 12}, .arithmetic = CP_FP32};
    struct cp_error err = {0};
    struct run run;
    (void)state;
    start(&run, "reference/golden/captures", "whole", "");
    run.experiment.graft_at.text = tap.name;
    capture.tap = &tap;
    run.study.graft.from = &capture;
    assert_int_equal(cp_graft_find(&run.study, &err), CP_BAD_INPUT);
    assert_string_equal(err.what, "has no transformer.resblocks.0, which continues beside the branch");
    run.study.graft = (struct cp_graft){.from = &capture};
    tap.shape[1] = 9;
    assert_int_equal(cp_graft_find(&run.study, &err), CP_BAD_INPUT);
    assert_string_equal(err.what, "transformer.resblocks.1.attn.q has another shape: 9 along dimension 1");
    run.study.graft.from = NULL;
    end(&run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tap_of_our_own_capture),
        cmocka_unit_test(other_inputs_differ),
        cmocka_unit_test(what_is_missing_is_named),
    };
    char command[128];
    if (!mkdtemp(folder))
        return 1;
    write_other(CAPTURES "pixels.npy", true);
    write_other(CAPTURES "tokens.npy", false);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    cp_arena_free(&arena);
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) != 0 || failed;
}
