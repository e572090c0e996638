/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which inputs are the same, and which belong together. */
#include "support/test.h"

#include "analysis/units.h"

static void alike(void **state) {
    static const uint64_t hash[] = {7, 3, 7, 0, 9, 3, 0, 7};
    static const size_t expected[] = {0, 1, 0, 3, 4, 1, 6, 0};
    size_t first[8];
    (void)state;
    assert_true(cp_units_alike(hash, 8, first));
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(first[i], expected[i]);
    assert_true(cp_units_alike(hash, 0, first));
}

/* Three templates of two classes, class by class; two prompts have the same token ids. */
static void prompts_of_templates_and_classes(void **state) {
    static int32_t tokens[] = {1, 2, 1, 3, 1, 4, 2, 2, 1, 3, 2, 4};
    static const size_t template[] = {0, 1, 2, 0, 1, 2}, class[] = {0, 0, 0, 1, 1, 1},
                        first[] = {0, 1, 2, 3, 1, 5};
    struct cp_study study = {.modelled = true, .inputs = {.prompts = 6, .classes = 2, .tokens = tokens}};
    struct cp_lockstep ls = {.study = &study};
    struct cp_arena arena = {0};
    struct cp_units units;
    struct cp_error err;
    (void)state;
    study.model.config.text.context_length = 2;
    assert_int_equal(cp_units_find(&ls, &arena, &units, &err), CP_OK);
    const struct cp_verdict_units *of = &units.of[CP_DIM_PROMPT];
    assert_true(of->templates == 3 && of->classes == 2);
    assert_memory_equal(of->template, template, sizeof template);
    assert_memory_equal(of->class, class, sizeof class);
    assert_memory_equal(of->first, first, sizeof first);
    assert_null(units.of[CP_DIM_IMAGE].first);
    study.inputs.classes = 0; /* prompts that were written out one by one */
    assert_int_equal(cp_units_find(&ls, &arena, &units, &err), CP_OK);
    assert_true(!of->template && !of->class && of->first);
    cp_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(alike),
                                       cmocka_unit_test(prompts_of_templates_and_classes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
