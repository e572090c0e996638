/* SPDX-License-Identifier: GPL-3.0-or-later
 * Where failures begin: the first tap of each tower that fails in a kind. Those behind it fail because it does. */
#include "gate/gate.h"

#include <string.h>

/* count: of the tower's that fail in the kind. */
static const struct cp_gate_finding *first_of(const struct cp_gate_judged *judged, enum cp_tower tower,
                                              enum cp_gate_kind kind, size_t *count) {
    const struct cp_gate_finding *first = NULL;
    *count = 0;
    for (size_t i = 0; i < judged->findings; i++) {
        const struct cp_gate_finding *f = &judged->finding[i];
        if (f->tower != tower || !cp_gate_tells(f, kind))
            continue;
        first = first ? first : f;
        ++*count;
    }
    return first;
}

bool cp_gate_follows(const struct cp_gate_judged *judged, const struct cp_gate_judged *baseline) {
    size_t count;
    for (int tower = CP_VISUAL; tower <= CP_JOINT; tower++)
        for (int kind = 0; kind < CP_GATE_KINDS; kind++) {
            const struct cp_gate_finding *own =
                first_of(judged, (enum cp_tower)tower, (enum cp_gate_kind)kind, &count);
            const struct cp_gate_finding *other =
                first_of(baseline, (enum cp_tower)tower, (enum cp_gate_kind)kind, &count);
            if (!own != !other || (own && strcmp(own->name, other->name) != 0))
                return false;
        }
    return judged != baseline && judged->failed > 0;
}

unsigned cp_gate_first_kinds(const struct cp_gate_judged *judged, const struct cp_gate_finding *finding,
                             size_t *most) {
    unsigned kinds = 0;
    *most = 0;
    for (int kind = 0; kind < CP_GATE_KINDS; kind++) {
        size_t count;
        if (first_of(judged, finding->tower, (enum cp_gate_kind)kind, &count) != finding)
            continue;
        kinds |= 1u << kind;
        *most = count > *most ? count : *most;
    }
    return kinds;
}

const struct cp_gate_finding *cp_gate_begins(const struct cp_gate_judged *judged,
                                             const struct cp_gate_finding *finding) {
    size_t count;
    for (int kind = 0; kind < CP_GATE_KINDS; kind++)
        if (cp_gate_tells(finding, (enum cp_gate_kind)kind))
            return first_of(judged, finding->tower, (enum cp_gate_kind)kind, &count);
    return NULL;
}
