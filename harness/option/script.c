/* SPDX-License-Identifier: GPL-3.0-or-later
 * The scripts that the program prints, embedded when it is built. */
#include "option/script.h"

#include "base/embed.h"

#include <stddef.h>
#include <string.h>

CP_EMBED(cp_script_bash, "data/completion/clip-parity.bash");
CP_EMBED(cp_script_zsh, "data/completion/_clip-parity");
CP_EMBED(cp_script_fish, "data/completion/clip-parity.fish");

extern const char cp_script_bash[], cp_script_zsh[], cp_script_fish[];
const char *const cp_completion_shells[] = {"bash", "zsh", "fish", NULL};
static const char *const scripts[] = {cp_script_bash, cp_script_zsh, cp_script_fish};

const char *cp_completion_script(const char *shell) {
    size_t s = 0;
    while (cp_completion_shells[s + 1] && strcmp(cp_completion_shells[s], shell) != 0)
        s++;
    return scripts[s];
}
