/* SPDX-License-Identifier: GPL-3.0-or-later
 * Whether a run had the inputs that were accepted: other inputs have other errors, whatever the code. */
#include "gate/judge.h"

#include <string.h>

static enum cp_status note(const struct cp_judging *j, const char *line) {
    return cp_judge_note(j, &j->verdict->input, &j->verdict->inputs, line);
}

static enum cp_status compare_counts(const struct cp_judging *j, const char *what, size_t now,
                                     size_t accepted) {
    char line[128];
    (void)snprintf(line, sizeof line, "%zu %s, accepted %zu", now, what, accepted);
    return now == accepted ? CP_OK : note(j, line);
}

static const struct cp_gate_file *named(const struct cp_gate_samples *s, const char *name) {
    for (size_t f = 0; f < s->files; f++)
        if (strcmp(s->file[f].name, name) == 0)
            return &s->file[f];
    return NULL;
}

static bool has_digest(const struct cp_gate_samples *s, const char *digest) {
    for (size_t f = 0; f < s->files; f++)
        if (strcmp(s->file[f].digest, digest) == 0)
            return true;
    return false;
}

/* A file that only moved is the same. */
static enum cp_status compare_files(const struct cp_judging *j, const struct cp_gate_samples *of,
                                    const struct cp_gate_samples *with, const char *lone) {
    char line[512];
    for (size_t f = 0; f < of->files; f++) {
        const struct cp_gate_file *file = &of->file[f], *other = named(with, file->name);
        const bool changed = other && strcmp(other->digest, file->digest) != 0;
        (void)snprintf(line, sizeof line, "%.400s %s", file->name, other ? "changed" : lone);
        if (changed ? of == j->verdict->samples : !other && !has_digest(with, file->digest))
            CP_TRY(note(j, line));
    }
    return CP_OK;
}

enum cp_status cp_judge_inputs(const struct cp_judging *j) {
    const struct cp_gate_samples *now = j->verdict->samples, *accepted = j->verdict->accepted;
    char line[640];
    (void)snprintf(line, sizeof line, "experiment %.255s, accepted %.255s", now->name, accepted->name);
    if (strcmp(now->name, accepted->name) != 0)
        CP_TRY(note(j, line));
    CP_TRY(compare_counts(j, "images", now->images, accepted->images));
    CP_TRY(compare_counts(j, "prompts", now->prompts, accepted->prompts));
    if (accepted->first_prompts && now->kept.templates > 1)
        CP_TRY(note(
            j,
            "the accepted errors are of the first prompts, not of every template and class; accept again"));
    CP_TRY(compare_files(j, now, accepted, "is new"));
    return compare_files(j, accepted, now, "is missing");
}
