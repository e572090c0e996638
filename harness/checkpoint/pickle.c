/* SPDX-License-Identifier: GPL-3.0-or-later
 * The machine: a table of opcodes; of them those of the stack, of names and of the memo. */
#include "checkpoint/pickle_internal.h"

#include <stdlib.h>

static enum cp_status run_mark(struct cp_pickle *m) {
    if (m->mark_count == CP_PICKLE_MARKS)
        return cp_pickle_bad(m, "at most 1,024", "too many MARKs in each other");
    m->marks[m->mark_count++] = m->depth;
    return CP_OK;
}

/* ---- the stack ---- */

static enum cp_status run_pop(struct cp_pickle *m) {
    struct cp_pickle_value *value = NULL;
    return cp_pickle_pop(m, &value);
}

static enum cp_status run_pop_mark(struct cp_pickle *m) {
    struct cp_pickle_value **items = NULL;
    size_t count = 0;
    return cp_pickle_pop_mark(m, &items, &count);
}

/* ---- names, storages, tensors, objects ---- */

static enum cp_status run_global(struct cp_pickle *m) {
    struct cp_pickle_value module = {0}, name = {0}, *value = NULL;
    CP_TRY(cp_pickle_take_line(m, &module));
    CP_TRY(cp_pickle_take_line(m, &name));
    CP_TRY(cp_pickle_name(m, &module, &name, &value));
    return cp_pickle_push(m, value);
}

static enum cp_status run_stack_global(struct cp_pickle *m) {
    struct cp_pickle_value *module = NULL, *name = NULL, *value = NULL;
    CP_TRY(cp_pickle_pop(m, &name));
    CP_TRY(cp_pickle_pop(m, &module));
    if (name->kind != CP_PICKLE_TEXT || module->kind != CP_PICKLE_TEXT)
        return cp_pickle_bad(m, "two texts", "the name of a global is not a text");
    CP_TRY(cp_pickle_name(m, module, name, &value));
    return cp_pickle_push(m, value);
}

static enum cp_status run_reduce(struct cp_pickle *m) {
    struct cp_pickle_value *callable = NULL, *arguments = NULL, *value = NULL;
    CP_TRY(cp_pickle_pop(m, &arguments));
    CP_TRY(cp_pickle_pop(m, &callable));
    CP_TRY(cp_pickle_call(m, callable, arguments, &value));
    return cp_pickle_push(m, value);
}

static enum cp_status run_newobj(struct cp_pickle *m) {
    struct cp_pickle_value *class = NULL, *arguments = NULL, *value = NULL;
    CP_TRY(cp_pickle_pop(m, &arguments));
    CP_TRY(cp_pickle_pop(m, &class));
    CP_TRY(cp_pickle_new(m, class, arguments, &value));
    return cp_pickle_push(m, value);
}

static enum cp_status run_build(struct cp_pickle *m) {
    struct cp_pickle_value *state = NULL, *object = NULL;
    CP_TRY(cp_pickle_pop(m, &state));
    CP_TRY(cp_pickle_top(m, &object));
    return cp_pickle_set_state(m, object, state);
}

static enum cp_status run_binpersid(struct cp_pickle *m) {
    struct cp_pickle_value *id = NULL, *value = NULL;
    CP_TRY(cp_pickle_pop(m, &id));
    CP_TRY(cp_pickle_persistent(m, id, &value));
    return cp_pickle_push(m, value);
}

/* ---- memo ---- */

static enum cp_status memorise(struct cp_pickle *m, size_t index) {
    if (index >= m->memo_size)
        return cp_pickle_bad(m, "fewer than the pickle has bytes, and than 1,048,576", "a memo index of %zu",
                             index);
    m->memoized += m->memo[index] ? 0 : 1;
    return cp_pickle_top(m, &m->memo[index]);
}

static enum cp_status run_binput(struct cp_pickle *m) {
    size_t index = 0;
    CP_TRY(cp_pickle_take_size(m, 1, &index));
    return memorise(m, index);
}

static enum cp_status run_long_binput(struct cp_pickle *m) {
    size_t index = 0;
    CP_TRY(cp_pickle_take_size(m, 4, &index));
    return memorise(m, index);
}

/* As Python: the index is the number of places that are taken. */
static enum cp_status run_memoize(struct cp_pickle *m) {
    return memorise(m, m->memoized);
}

static enum cp_status recall(struct cp_pickle *m, size_t index_bytes) {
    size_t index = 0;
    CP_TRY(cp_pickle_take_size(m, index_bytes, &index));
    if (index >= m->memo_size || !m->memo[index])
        return cp_pickle_bad(m, "one that was stored", "nothing in the memo at index %zu", index);
    return cp_pickle_push(m, m->memo[index]);
}

static enum cp_status run_binget(struct cp_pickle *m) {
    return recall(m, 1);
}

static enum cp_status run_long_binget(struct cp_pickle *m) {
    return recall(m, 4);
}

/* ---- the pickle as a whole ---- */

static enum cp_status run_proto(struct cp_pickle *m) {
    size_t protocol = 0;
    CP_TRY(cp_pickle_take_size(m, 1, &protocol));
    if (m->start != 0 || protocol < 2 || protocol > 5)
        return cp_pickle_bad(m, "one of 2 to 5, at the start", "protocol %zu", protocol);
    return CP_OK;
}

static enum cp_status run_frame(struct cp_pickle *m) {
    size_t length = 0;
    CP_TRY(cp_pickle_take_size(m, 8, &length));
    if (m->frame_end || length > m->size - m->at)
        return cp_pickle_bad(m, m->frame_end ? "none" : "at most what is left", "a frame of %zu bytes %s",
                             length, m->frame_end ? "in a frame" : "past the end");
    m->frame_end = m->at + length;
    return CP_OK;
}

/* Opcodes of protocols 0 to 5. Those without a function are refused: either no pickle of protocols 2 to 5 has
 * them, or they would have to call what a pickle names. */
static const struct {
    const char *name;
    cp_pickle_opcode *run;
} opcodes[256] = {
    ['('] = {"MARK", run_mark},
    ['0'] = {"POP", run_pop},
    ['1'] = {"POP_MARK", run_pop_mark},
    ['2'] = {"DUP", NULL},
    ['F'] = {"FLOAT", NULL},
    ['G'] = {"BINFLOAT", cp_pickle_run_binfloat},
    ['I'] = {"INT", NULL},
    ['J'] = {"BININT", cp_pickle_run_binint},
    ['K'] = {"BININT1", cp_pickle_run_binint1},
    ['L'] = {"LONG", NULL},
    ['M'] = {"BININT2", cp_pickle_run_binint2},
    ['N'] = {"NONE", cp_pickle_run_none},
    ['P'] = {"PERSID", NULL},
    ['Q'] = {"BINPERSID", run_binpersid},
    ['R'] = {"REDUCE", run_reduce},
    ['S'] = {"STRING", NULL},
    ['T'] = {"BINSTRING", cp_pickle_run_text},
    ['U'] = {"SHORT_BINSTRING", cp_pickle_run_short_text},
    ['V'] = {"UNICODE", NULL},
    ['X'] = {"BINUNICODE", cp_pickle_run_text},
    ['a'] = {"APPEND", cp_pickle_run_append},
    ['b'] = {"BUILD", run_build},
    ['c'] = {"GLOBAL", run_global},
    ['d'] = {"DICT", NULL},
    ['}'] = {"EMPTY_DICT", cp_pickle_run_empty_dict},
    ['e'] = {"APPENDS", cp_pickle_run_appends},
    ['g'] = {"GET", NULL},
    ['h'] = {"BINGET", run_binget},
    ['i'] = {"INST", NULL},
    ['j'] = {"LONG_BINGET", run_long_binget},
    ['l'] = {"LIST", NULL},
    [']'] = {"EMPTY_LIST", cp_pickle_run_empty_list},
    ['o'] = {"OBJ", NULL},
    ['p'] = {"PUT", NULL},
    ['q'] = {"BINPUT", run_binput},
    ['r'] = {"LONG_BINPUT", run_long_binput},
    ['s'] = {"SETITEM", cp_pickle_run_setitem},
    ['t'] = {"TUPLE", cp_pickle_run_tuple},
    [')'] = {"EMPTY_TUPLE", cp_pickle_run_empty_tuple},
    ['u'] = {"SETITEMS", cp_pickle_run_setitems},
    [0x80] = {"PROTO", run_proto},
    [0x81] = {"NEWOBJ", run_newobj},
    [0x82] = {"EXT1", NULL},
    [0x83] = {"EXT2", NULL},
    [0x84] = {"EXT4", NULL},
    [0x85] = {"TUPLE1", cp_pickle_run_tuple1},
    [0x86] = {"TUPLE2", cp_pickle_run_tuple2},
    [0x87] = {"TUPLE3", cp_pickle_run_tuple3},
    [0x88] = {"NEWTRUE", cp_pickle_run_true},
    [0x89] = {"NEWFALSE", cp_pickle_run_false},
    [0x8a] = {"LONG1", cp_pickle_run_long1},
    [0x8b] = {"LONG4", cp_pickle_run_bytes},
    ['B'] = {"BINBYTES", cp_pickle_run_bytes},
    ['C'] = {"SHORT_BINBYTES", cp_pickle_run_short_bytes},
    [0x8c] = {"SHORT_BINUNICODE", cp_pickle_run_short_text},
    [0x8d] = {"BINUNICODE8", cp_pickle_run_long_text},
    [0x8e] = {"BINBYTES8", cp_pickle_run_long_bytes},
    [0x8f] = {"EMPTY_SET", cp_pickle_run_empty_list},
    [0x90] = {"ADDITEMS", cp_pickle_run_appends},
    [0x91] = {"FROZENSET", cp_pickle_run_frozenset},
    [0x92] = {"NEWOBJ_EX", NULL},
    [0x93] = {"STACK_GLOBAL", run_stack_global},
    [0x94] = {"MEMOIZE", run_memoize},
    [0x95] = {"FRAME", run_frame},
    [0x96] = {"BYTEARRAY8", cp_pickle_run_long_bytes},
    [0x97] = {"NEXT_BUFFER", NULL},
    [0x98] = {"READONLY_BUFFER", NULL},
};
static const unsigned char STOP = '.';

static enum cp_status step(struct cp_pickle *m, unsigned char code) {
    if (!opcodes[code].name)
        return cp_pickle_bad(m, "an opcode of protocols 2 to 5", "no opcode: 0x%02x", code);
    if (!opcodes[code].run)
        return cp_pickle_bad(m, "only what tensors and containers need", "opcode %s is not allowed",
                             opcodes[code].name);
    CP_TRY(opcodes[code].run(m));
    if (m->at == m->frame_end)
        m->frame_end = 0;
    return CP_OK;
}

/* At STOP: one value, and nothing open or left. */
static enum cp_status stop(struct cp_pickle *m, struct cp_pickle_value **root) {
    CP_TRY(cp_pickle_pop(m, root));
    if (m->depth || m->mark_count)
        return cp_pickle_bad(m, "one", "more than one value on the stack at STOP");
    if (m->at != m->size)
        return cp_pickle_bad(m, "none", "%zu bytes after STOP", m->size - m->at);
    return CP_OK;
}

static enum cp_status run(struct cp_pickle *m, struct cp_pickle_value **root) {
    for (size_t steps = 0; steps < CP_PICKLE_STEPS; steps++) {
        m->start = m->at;
        if (m->at == m->size)
            return cp_pickle_bad(m, "STOP", "the pickle ends without STOP");
        const unsigned char code = m->bytes[m->at++];
        if (code == STOP)
            return stop(m, root);
        CP_TRY(step(m, code));
    }
    return cp_pickle_bad(m, "at most 2,097,152", "too many opcodes");
}

static enum cp_status read_root(struct cp_pickle *m, struct cp_pickle_value **root) {
    if (m->size > CP_PICKLE_BYTES)
        return cp_pickle_bad(m, "at most 33,554,432", "a pickle of %zu bytes", m->size);
    m->memo_size = m->size < CP_PICKLE_VALUES ? m->size : CP_PICKLE_VALUES;
    m->stack = malloc((m->size < CP_PICKLE_STEPS ? m->size : CP_PICKLE_STEPS) * sizeof(void *) + 1);
    m->memo = calloc(m->memo_size + 1, sizeof(void *));
    CP_TRY(CP_CHECK_ALLOC(m->stack && m->memo, m->err, m->where, "the checkpoint"));
    CP_TRY(cp_pickle_make(m, CP_PICKLE_NONE, &m->none));
    CP_TRY(cp_pickle_make(m, CP_PICKLE_BOOL, &m->no));
    CP_TRY(cp_pickle_make(m, CP_PICKLE_BOOL, &m->yes));
    CP_TRY(cp_pickle_make(m, CP_PICKLE_TUPLE, &m->empty));
    m->yes->whole = 1;
    CP_TRY(run(m, root));
    return cp_pickle_check_nesting(m, *root);
}

enum cp_status cp_pickle_read(const struct cp_pickle_source *source, const char *where,
                              const unsigned char *bytes, size_t size, struct cp_arena *arena,
                              struct cp_pickle_value **root, struct cp_error *err) {
    struct cp_pickle m = {
        .source = source, .where = where, .bytes = bytes, .size = size, .arena = arena, .err = err};
    const enum cp_status status = read_root(&m, root);
    free(m.stack);
    free(m.memo);
    return status;
}
