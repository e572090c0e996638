/* SPDX-License-Identifier: GPL-3.0-or-later
 * The machine of checkpoint/pickle.c; its stack is checkpoint/pickle_stack.c, opcodes of values
 * checkpoint/pickle_plain.c and checkpoint/pickle_container.c, what names stand for checkpoint/pickle_build.c,
 * and the walk at the end checkpoint/pickle_walk.c. */
#ifndef CP_CHECKPOINT_PICKLE_INTERNAL_H
#define CP_CHECKPOINT_PICKLE_INTERNAL_H

#include "checkpoint/pickle.h"

enum { CP_PICKLE_MARKS = 1024 };

struct cp_pickle {
    const struct cp_pickle_source *source;
    const char *where;
    const unsigned char *bytes;
    size_t size, at;
    size_t start;     /* of the opcode at work */
    size_t frame_end; /* 0: in no frame */
    size_t values, tensors;
    struct cp_pickle_value **stack; /* one pushed value at most for each opcode: it cannot overflow */
    size_t depth;
    size_t marks[CP_PICKLE_MARKS]; /* depths */
    size_t mark_count;
    struct cp_pickle_value **memo;                   /* (memo_size) */
    size_t memo_size, memoized;                      /* places, and those that are taken */
    struct cp_pickle_value *none, *yes, *no, *empty; /* values that are the same every time */
    struct cp_arena *arena;
    struct cp_error *err;
};

/* A name that a pickle may use. */
struct cp_pickle_name {
    const char *module, *name;
    /* What a REDUCE of it gives, or NULL. */
    enum cp_status (*call)(struct cp_pickle *m, const struct cp_pickle_value *arguments,
                           struct cp_pickle_value **result);
    bool is_storage, is_dtype, script;
    enum cp_dtype dtype;
};

/* Fails at the opcode at work. */
enum cp_status cp_pickle_bad(const struct cp_pickle *m, const char *expected, const char *format, ...)
    CP_PRINTF(3, 4);
/* Makes that opcode the place of an error that is known already. */
void cp_pickle_place(const struct cp_pickle *m);
/* A new value, cleared. */
enum cp_status cp_pickle_make(struct cp_pickle *m, enum cp_pickle_kind kind, struct cp_pickle_value **value);

/* The next bytes of the pickle, or of its frame. */
enum cp_status cp_pickle_take(struct cp_pickle *m, size_t count, const unsigned char **bytes);
/* A little-endian number of count <= 8 bytes. */
enum cp_status cp_pickle_take_size(struct cp_pickle *m, size_t count, size_t *number);
/* Up to a line feed, which is taken too. */
enum cp_status cp_pickle_take_line(struct cp_pickle *m, struct cp_pickle_value *text);

enum cp_status cp_pickle_push(struct cp_pickle *m, struct cp_pickle_value *value);
/* The value on the stack, which is left there, or taken. A mark hides what is below it. */
enum cp_status cp_pickle_top(struct cp_pickle *m, struct cp_pickle_value **value);
enum cp_status cp_pickle_pop(struct cp_pickle *m, struct cp_pickle_value **value);
/* Takes the topmost mark and what is above it, which stays readable until the next push. */
enum cp_status cp_pickle_pop_mark(struct cp_pickle *m, struct cp_pickle_value ***items, size_t *count);

/* Every value once, however often it is held: linear in the pickle. */
enum cp_status cp_pickle_check_nesting(struct cp_pickle *m, struct cp_pickle_value *root);

/* The value of GLOBAL and STACK_GLOBAL. */
enum cp_status cp_pickle_name(struct cp_pickle *m, const struct cp_pickle_value *module,
                              const struct cp_pickle_value *name, struct cp_pickle_value **result);
/* That of REDUCE, NEWOBJ and BINPERSID. */
enum cp_status cp_pickle_call(struct cp_pickle *m, const struct cp_pickle_value *callable,
                              const struct cp_pickle_value *arguments, struct cp_pickle_value **result);
enum cp_status cp_pickle_new(struct cp_pickle *m, const struct cp_pickle_value *class,
                             const struct cp_pickle_value *arguments, struct cp_pickle_value **result);
enum cp_status cp_pickle_persistent(struct cp_pickle *m, const struct cp_pickle_value *id,
                                    struct cp_pickle_value **result);
/* BUILD: gives an object its state. */
enum cp_status cp_pickle_set_state(struct cp_pickle *m, struct cp_pickle_value *object,
                                   struct cp_pickle_value *state);

/* One opcode, behind its byte. */
typedef enum cp_status cp_pickle_opcode(struct cp_pickle *m);
extern cp_pickle_opcode cp_pickle_run_none, cp_pickle_run_true, cp_pickle_run_false, cp_pickle_run_binint,
    cp_pickle_run_binint1, cp_pickle_run_binint2, cp_pickle_run_long1, cp_pickle_run_short_bytes,
    cp_pickle_run_bytes, cp_pickle_run_long_bytes, cp_pickle_run_binfloat, cp_pickle_run_short_text,
    cp_pickle_run_text, cp_pickle_run_long_text;
extern cp_pickle_opcode cp_pickle_run_empty_tuple, cp_pickle_run_empty_list, cp_pickle_run_empty_dict,
    cp_pickle_run_tuple, cp_pickle_run_tuple1, cp_pickle_run_tuple2, cp_pickle_run_tuple3,
    cp_pickle_run_frozenset, cp_pickle_run_append, cp_pickle_run_appends, cp_pickle_run_setitem,
    cp_pickle_run_setitems;

#endif
