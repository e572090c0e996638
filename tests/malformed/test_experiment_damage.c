/* SPDX-License-Identifier: GPL-3.0-or-later
 * Random damage to an experiment file or an override: accepted or refused in one line, and never a crash. */
#include "experiment/experiment.h"

#include "support/experiment_example.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t seed;

static size_t draw(size_t below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(seed >> 33) % below;
}

/* Damages text (capacity: twice the example) in one place. */
static size_t damage(char *text, size_t size) {
    static const char tokens[] = "{}[]:,&*!|>'\"%@`#?-\n\t ~\\\0\xff\xc3\x80"
                                 "019aon";
    const size_t at = draw(size), length = 1 + draw(size - at < 40 ? size - at : 40);
    switch (draw(5)) {
    case 0:
        text[at] = (char)draw(256);
        break;
    case 1:
        text[at] = tokens[draw(sizeof tokens)];
        break;
    case 2: /* cut a piece out */
        memmove(text + at, text + at + length, size - at - length);
        return size - length;
    case 3: /* repeat a piece */
        memmove(text + at + length, text + at, size - at);
        return size + length;
    default: /* move a piece to the front of another */
        memmove(text + draw(size - length + 1), text + at, length);
        break;
    }
    return size;
}

/* Whether text is accepted: then it prints as text that prints the same again. If not, the error is one line.
 */
static bool check(const char *source, const char *text, size_t size, const char *override,
                  const char *printed) {
    struct cp_experiment experiment;
    struct cp_error err = {0};
    char line[1600];
    const enum cp_status status =
        cp_experiment_parse(source, text, size, &override, override != NULL, &experiment, &err);
    if (status == CP_OK) {
        const char *print = cp_experiment_print(&experiment, &experiment.arena);
        assert_non_null(print);
        if (printed)
            assert_string_equal(print, printed);
        else
            assert_true(check("printed", print, strlen(print), NULL, print));
        cp_experiment_free(&experiment);
        return true;
    }
    assert_int_equal(status, CP_BAD_INPUT);
    assert_int_equal(err.status, CP_BAD_INPUT);
    cp_error_line(&err, line, sizeof line);
    assert_true(strlen(line) > strlen(err.where));
    for (const char *c = line; *c; c++)
        assert_true((unsigned char)*c >= ' ' && *c != 0x7f);
    return false;
}

/* Runs body with the descriptor of stderr in a file, which must stay empty. */
static void silently(void (*body)(void)) {
    FILE *file = tmpfile();
    struct stat info;
    assert_non_null(file);
    const int kept = dup(STDERR_FILENO);
    assert_true(kept >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    body();
    (void)fflush(stderr);
    const int status = fstat(fileno(file), &info);
    (void)dup2(kept, STDERR_FILENO);
    (void)close(kept);
    (void)fclose(file);
    assert_int_equal(status, 0);
    assert_int_equal(info.st_size, 0);
}

static size_t accepted, refused;

static void damage_files(void) {
    static char text[2 * sizeof EXPERIMENT_EXAMPLE];
    for (int trial = 0; trial < 5000; trial++) {
        size_t size = sizeof EXPERIMENT_EXAMPLE - 1;
        memcpy(text, EXPERIMENT_EXAMPLE, sizeof EXPERIMENT_EXAMPLE);
        for (size_t times = 1 + draw(4); times > 0; times--)
            size = damage(text, size);
        *(check("damaged", text, size, NULL, NULL) ? &accepted : &refused) += 1;
    }
}

static void damage_overrides(void) {
    static const char *const overrides[] = {"model.seed=3",
                                            "candidates.erf.activation@visual.4-5=tanh",
                                            "record.*.mlp.gelu=off",
                                            "sweep={norm: [a, b], x.y: 1}",
                                            "factorial={a: {norm: x}, b: {x.y: 1, norm: y}}",
                                            "layerwise={norm: rmsnorm, norm.eps: 1e-6}",
                                            "inputs.prompts=[a, b]",
                                            "verdict={k: 2, alpha: 0.1}"};
    for (int trial = 0; trial < 5000; trial++) {
        char text[256];
        const char *override = overrides[draw(sizeof overrides / sizeof overrides[0])];
        size_t size = (size_t)snprintf(text, sizeof text, "%s", override);
        for (size_t times = 1 + draw(3); times > 0 && size > 2; times--)
            size = damage(text, size);
        text[size] = '\0';
        (void)check("damaged", EXPERIMENT_EXAMPLE, strlen(EXPERIMENT_EXAMPLE), text, NULL);
    }
}

static void random_damage_gives_one_line(void **state) {
    (void)state;
    seed = 1;
    silently(damage_files);
    assert_true(accepted > 500 && refused > 500); /* the damage reaches both sides of the parser */
}

static void random_overrides_give_one_line(void **state) {
    (void)state;
    seed = 2;
    silently(damage_overrides);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_damage_gives_one_line),
        cmocka_unit_test(random_overrides_give_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
