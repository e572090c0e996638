/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a command takes, as tables. From these rows its arguments are parsed, and its help, its man page, its messages
 * and what a shell completes are made: nothing about an option is said anywhere else. */
#ifndef CP_OPTION_OPTION_H
#define CP_OPTION_OPTION_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* What a word of the command line is, for a shell that completes it. */
enum cp_word_kind {
    CP_WORD_TEXT, /* anything */
    CP_WORD_FILE, /* or a folder */
    CP_WORD_CHOICE,
    CP_WORD_SETTINGS, /* ADDRESS=VALUE,... of components and knobs */
    CP_WORD_KEY,      /* KEY=VALUE of an experiment */
    CP_WORD_TAP,
    CP_WORD_OUTPUT, /* a tap that is an output of the model */
    CP_WORD_MODEL,  /* a name of one of open_clip's configs */
    CP_WORD_ACTIVATION,
    CP_WORD_TOKENIZER,
    CP_WORD_KINDS
};

/* Several words, which the parser allocates. */
struct cp_words {
    const char **word; /* [count] */
    size_t count;
};

enum cp_value_type {
    CP_VALUE_FLAG, /* bool: true where it is given */
    CP_VALUE_TEXT, /* const char *: the last one given */
    CP_VALUE_LIST  /* struct cp_words: every one given; an option's go on to the next option */
};

/* The type and the place of a member of a command's arguments. */
#define CP_INTO(arguments, member)                                                                           \
    .type = _Generic(((arguments *)0)->member,                                                               \
        bool : CP_VALUE_FLAG,                                                                                \
        const char * : CP_VALUE_TEXT,                                                                        \
        struct cp_words : CP_VALUE_LIST),                                                                    \
    .at = offsetof(arguments, member)

/* An option that stands for an override of a key: the list of overrides, and the key. */
#define CP_OVERRIDE(arguments, member, path) CP_INTO(arguments, member), .key = (path)

struct cp_option {
    const char *name;  /* "--output" */
    char letter;       /* 'o' for -o; 0: none */
    const char *value; /* what its value is called, "FILE"; NULL: it takes none */
    enum cp_word_kind kind;
    const char *help;
    enum cp_value_type type;
    size_t at;                  /* offset in the command's arguments */
    const char *const *choices; /* CP_WORD_CHOICE: all that is allowed, ending with NULL */
    const char *key; /* the value overrides this key of the experiment; at: the list of overrides */
    bool required;
    /* Instead of storing it; value is NULL where it takes none. */
    enum cp_status (*take)(void *arguments, const struct cp_option *option, const char *value,
                           struct cp_error *err);
};

/* A word that belongs to no option. Rows are filled in their order; a list takes all that is left. */
struct cp_argument {
    const char *name; /* "EXPERIMENT.yaml" */
    enum cp_word_kind kind;
    const char *help;
    enum cp_value_type type;
    size_t at;
    const char *const *choices;
    const char *missing, *expected; /* the error without it: "no experiment", "a YAML file"; NULL: optional */
    bool (*takes)(const char *word); /* a list of these words alone, wherever they stand; NULL: any */
};

enum cp_command_group {
    CP_COMMANDS_EXPERIMENT,
    CP_COMMANDS_GATE,
    CP_COMMANDS_MODEL,
    CP_COMMANDS_INPUT,
    CP_COMMANDS_REFERENCE,
    CP_COMMAND_GROUPS,
    CP_COMMANDS_HIDDEN = CP_COMMAND_GROUPS /* for scripts alone */
};

struct cp_example {
    const char *what, *command;
};

struct cp_command {
    const char *name;
    enum cp_command_group group;
    const char *summary;                /* for the overview: one line */
    const char *about;                  /* paragraphs, each ending with a line feed */
    const struct cp_example *example;   /* ends with {0}; each works in the repository */
    const struct cp_argument *argument; /* ends with {0}; NULL: none */
    const char *excess, *expected;      /* the error for one word more: "a third file", "two captures" */
    const struct cp_option *option;     /* ends with {0}; NULL: none */
    bool (*further)(size_t index, struct cp_option *option); /* rows of another table; NULL: none */
    unsigned common;     /* which of option/common.h's, into the arguments' struct cp_common, */
    size_t common_at;    /* at this offset */
    size_t size;         /* of the arguments, */
    const void *initial; /* and how they start; NULL: cleared */
    enum cp_status (*run)(void *arguments, struct cp_error *err);
};

/* The command's options by index, its own first and the common ones last; false behind the last. */
bool cp_command_option(const struct cp_command *command, size_t index, struct cp_option *option);
/* The option of that name, of which length bytes count: "--output", "-o". */
bool cp_command_find_option(const struct cp_command *command, const char *name, size_t length,
                            struct cp_option *option);
/* Of commands that end with NULL; NULL: none is called so. */
const struct cp_command *cp_command_find(const struct cp_command *const *commands, const char *name);

/* For cp_argument.takes: KEY=VALUE. */
bool cp_is_assignment(const char *word);

#endif
