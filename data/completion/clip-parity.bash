# SPDX-License-Identifier: GPL-3.0-or-later
# Completion of clip-parity for bash: the program says what a word may be.

_clip_parity() {
    local piece line words=() word part candidates=() files=
    COMPREPLY=()
    # bash takes = and : for words of their own; the program is asked with whole ones.
    for piece in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
        if ((${#words[@]})) && [[ $piece == [=:]* || ${words[-1]} == *[=:] ]]; then
            words[-1]+=$piece
        else
            words+=("$piece")
        fi
    done
    word=${words[-1]} part=${COMP_WORDS[COMP_CWORD]}
    [[ $part == [=:]* ]] && part=
    while IFS= read -r line; do
        case $line in
        :files) files=1 ;;
        :nospace) compopt -o nospace 2>/dev/null ;;
        *) line=${line%%$'\t'*} && candidates+=("${line#"${word%"$part"}"}") ;;
        esac
    done < <("${COMP_WORDS[0]}" complete -- "${words[@]}" 2>/dev/null)
    COMPREPLY=("${candidates[@]}")
    if [[ $files && ${#candidates[@]} == 0 ]]; then
        compopt -o default 2>/dev/null
    elif [[ $files ]]; then
        mapfile -t -O "${#candidates[@]}" COMPREPLY < <(compgen -f -- "$part")
        compopt -o filenames 2>/dev/null
    fi
}

complete -F _clip_parity clip-parity
