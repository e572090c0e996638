/* SPDX-License-Identifier: GPL-3.0-or-later
 * The keys of an experiment file, a row each. The same rows read a file and refuse what is not allowed, give
 * defaults, print the resolved experiment, and are `clip-parity list keys` and docs/experiment.md.
 *
 * A key of a plain kind is one member of struct cp_experiment and one row of field.c. What a row cannot say,
 * such as which keys go together, is a function beside it. */
#ifndef CP_EXPERIMENT_FIELD_H
#define CP_EXPERIMENT_FIELD_H

#include "experiment/experiment.h"

enum cp_key_kind {
    CP_KEY_STRING,  /* const char *: any text */
    CP_KEY_NAME,    /* const char *: usable as a file's name */
    CP_KEY_TEXT,    /* struct cp_marked_text: text that is not empty */
    CP_KEY_CAPTURE, /* the same; errors name the key without its section */
    CP_KEY_INTEGER, /* int from least to most, or `word` */
    CP_KEY_SEED,    /* int64_t of 0 or more */
    CP_KEY_NUMBER,  /* double in a range, or `word` */
    CP_KEY_BOOLEAN, /* bool: on, off */
    CP_KEY_COUNT,   /* int: on (CP_ALL), off (0), a number of inputs, or `word` */
    CP_KEY_CHOICE,  /* const char *: one of choices */
    CP_KEY_SECTION, /* a mapping of the keys whose paths begin with its own */
    CP_KEY_SPECIAL  /* by its functions; without them, part of the row that it belongs to */
};

typedef enum cp_status (*cp_key_reader)(struct cp_experiment *experiment, const struct cp_yaml *section,
                                        const struct cp_yaml *value, struct cp_error *err);
typedef enum cp_status (*cp_section_reader)(struct cp_experiment *experiment, const struct cp_yaml *section,
                                            struct cp_error *err);

struct cp_key {
    const char *path; /* "verdict.alpha"; a section before its keys, in the order in which errors list them */
    const char *help; /* one line */
    enum cp_key_kind kind;
    size_t at;           /* offset in struct cp_experiment */
    const char *initial; /* the default as a file would have it; NULL: none, and not printed where absent */
    bool required, late; /* late: printed after the other keys of its section */
    bool how;            /* no bit of a result depends on it: how it is computed, and where it is written */
    /* what is allowed */
    const char *form;           /* special: what is expected, in words */
    const char *const *choices; /* end with NULL */
    const char *word;           /* in the place of a number; an integer then is `other` */
    int other;                  /* without a default: an integer where the key is absent */
    int least, most;
    double low, high; /* high 0: no limit */
    bool above;       /* low itself is not allowed */
    const char *why;  /* why that is the range */
    /* a section */
    bool flow; /* printed in one line */
    int parts; /* not 0: its keys are addresses or names; parts of an override's key that end at a dot */
    cp_section_reader before, after; /* which keys go together, before and after they are read */
    /* special; value is NULL where the key is absent */
    cp_key_reader read;
    void (*print)(FILE *out, const struct cp_experiment *experiment);
    bool (*shown)(const struct cp_experiment *experiment); /* whether it is printed; NULL: by its kind */
};

extern const struct cp_key cp_keys[];
extern const size_t cp_key_count;

/* The part of a path behind its last dot. */
const char *cp_key_leaf(const struct cp_key *key);
/* Whether a key stands in the section of that path, "" for the top level. */
bool cp_key_in(const struct cp_key *key, const char *section);

/* Fills in every default. */
enum cp_status cp_keys_initial(struct cp_experiment *experiment, struct cp_error *err);
/* Fails unless node is a mapping in which every key is one of the section's; called `name` in errors. */
enum cp_status cp_keys_known(const struct cp_yaml *node, const char *section, const char *name,
                             struct cp_error *err);
/* Reads the keys of a section; each may be absent. */
enum cp_status cp_keys_read(struct cp_experiment *experiment, const char *section, const struct cp_yaml *node,
                            struct cp_error *err);

/* Prints the keys of a section as YAML, those that are shown; without those of how, if what alone is asked for. */
enum cp_keys_of { CP_KEYS_ALL, CP_KEYS_WHAT };
void cp_keys_print(FILE *out, const struct cp_experiment *experiment, const char *section,
                   enum cp_keys_of which);
/* Whether a key of the top level, or its section, is one of how. */
bool cp_key_is_how(const char *path);
/* One of the top level. */
void cp_key_print(FILE *out, const struct cp_experiment *experiment, const char *path);

/* Writes what a number's range is: "a number from 1e-6 to 0.5". */
void cp_key_put_range(FILE *out, const struct cp_key *key);
/* Writes every key with what is allowed, its default and its help: for a terminal, or as the table of
 * docs/experiment.md. */
void cp_keys_list(FILE *out);
void cp_keys_markdown(FILE *out);

#endif
