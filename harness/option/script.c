/* SPDX-License-Identifier: GPL-3.0-or-later
 * CP_SCRIPTS is the folder of the scripts; CMakeLists.txt names the files, so that a change rebuilds this. */
#include "option/script.h"

#include <stddef.h>
#include <string.h>

#define SCRIPT(symbol, file)                                                                                 \
    __asm__(".section .rodata\n"                                                                             \
            ".globl " #symbol "\n"                                                                           \
            ".type " #symbol ", @object\n" #symbol ":\n"                                                     \
            ".incbin \"" CP_SCRIPTS "/" file "\"\n"                                                          \
            ".byte 0\n"                                                                                      \
            ".size " #symbol ", . - " #symbol "\n"                                                           \
            ".text\n")

SCRIPT(cp_script_bash, "clip-parity.bash");
SCRIPT(cp_script_zsh, "_clip-parity");
SCRIPT(cp_script_fish, "clip-parity.fish");

extern const char cp_script_bash[], cp_script_zsh[], cp_script_fish[];
const char *const cp_completion_shells[] = {"bash", "zsh", "fish", NULL};
static const char *const scripts[] = {cp_script_bash, cp_script_zsh, cp_script_fish};

const char *cp_completion_script(const char *shell) {
    size_t s = 0;
    while (cp_completion_shells[s + 1] && strcmp(cp_completion_shells[s], shell) != 0)
        s++;
    return scripts[s];
}
