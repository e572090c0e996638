# SPDX-License-Identifier: GPL-3.0-or-later
# Completion of clip-parity for fish: the program says what a word may be.

function __clip_parity_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    $program complete -- $words (commandline -ct) 2>/dev/null
end

complete -c clip-parity -f -n 'not contains -- :files (__clip_parity_complete)'
complete -c clip-parity -k -a '(__clip_parity_complete | string match -v -r "^:")'
