/* SPDX-License-Identifier: GPL-3.0-or-later
 * Functions compiled for several vector widths, of which the widest that the processor has is called. Only
 * for loops whose bits follow from the order written in the source: wider vectors then compute more of them
 * at once and nothing else (-ffp-contract=off keeps multiply and add apart in all clones). */
#ifndef CP_BASE_WIDE_H
#define CP_BASE_WIDE_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define CP_WIDE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CP_WIDE
#endif

#endif
