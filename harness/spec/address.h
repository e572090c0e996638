/* SPDX-License-Identifier: GPL-3.0-or-later
 * Addresses of a spec, parsed. Private to model/spec*.c. */
#ifndef CP_SPEC_ADDRESS_H
#define CP_SPEC_ADDRESS_H

#include "spec/spec.h"

struct cp_spec_address {
    enum cp_component_id component; /* CP_COMPONENT_COUNT: the shorthand `precision` */
    int knob;                       /* -1: the component's variant */
    bool tower[2];
    int first, last; /* layers; -1, -1: all, and what is outside the blocks */
    bool outer;      /* only what is outside the blocks */
    bool joint;
};

/* "component[.knob][@layers]"; layers that the config does not have are refused. */
enum cp_status cp_spec_parse_address(const struct cp_clip_config *config, const char *text,
                                     struct cp_spec_address *out, struct cp_error *err);
bool cp_spec_covers(const struct cp_spec_address *address, enum cp_tower tower, int layer);

#endif
