# SPDX-License-Identifier: GPL-3.0-or-later
# Completion of clip-parity for bash: commands, and keys of experiments with their values as `clip-parity list keys` has them;
# files otherwise. Source it, or install it where bash-completion looks.

# Words that a key may have as its value: on, off, auto, ...
_clip_parity_values() {
    "$1" list keys 2>/dev/null |
        sed -n "s/^$2: \(.* | .*\|.*, or .*\)/\1/p" |
        sed 's/ (.*//; s/.*, or /|/; s/ | /\n/g; s/|//g' |
        grep -x '[a-z0-9_]*'
}

_clip_parity() {
    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "$("$program" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p')" -- "$word")
        return
    fi
    case ${COMP_WORDS[1]} in
    run | check | accept | bisect) ;;
    *) return ;;
    esac
    # bash takes = for a word of its own.
    if [[ $word == = ]]; then
        mapfile -t COMPREPLY < <(_clip_parity_values "$program" "$before")
    elif [[ $before == = ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_clip_parity_values "$program" "${COMP_WORDS[COMP_CWORD - 2]}")" -- "$word")
    elif [[ -n $word && $word != -* ]]; then
        mapfile -t COMPREPLY < <(
            compgen -W "$("$program" list keys 2>/dev/null | sed -n '/: a mapping of the keys below/d; s/^\([a-z_.]*\): .*/\1=/p')" -- "$word"
            compgen -f -- "$word"
        )
        compopt -o filenames 2>/dev/null
        [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
    fi
}

complete -o default -F _clip_parity clip-parity
