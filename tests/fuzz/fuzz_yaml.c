/* SPDX-License-Identifier: GPL-3.0-or-later
 * YAML files: experiments and baselines. */
#include "support/fuzz.h"

#include "format/yaml.h"

/* libfyaml 0.7.12 itself loses 2 KiB in some files that it refuses. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:libfyaml.so";
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct cp_arena arena = {0};
    struct cp_yaml *root;
    struct cp_error err = {0};
    (void)fuzz_answer(cp_yaml_parse(&arena, "fuzz.yaml", (const char *)bytes, size, &root, &err), &err);
    cp_arena_free(&arena);
    return 0;
}
