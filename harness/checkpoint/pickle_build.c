/* SPDX-License-Identifier: GPL-3.0-or-later
 * The allow-list: which names a pickle may use, and what they build. PyTorch, torch/_utils.py and
 * torch/csrc/jit/serialization/pickler.cpp. */
#include "checkpoint/pickle_internal.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static enum cp_status need(const struct cp_pickle *m, const struct cp_pickle_value *arguments, size_t least,
                           size_t most) {
    if (arguments->count < least || arguments->count > most)
        return cp_pickle_bad(m, "as many as PyTorch gives", "%zu arguments", arguments->count);
    return CP_OK;
}

/* OrderedDict(): its items follow by SETITEMS. */
static enum cp_status call_dict(struct cp_pickle *m, const struct cp_pickle_value *arguments,
                                struct cp_pickle_value **result) {
    CP_TRY(need(m, arguments, 0, 0));
    CP_TRY(cp_pickle_make(m, CP_PICKLE_DICT, result));
    (*result)->items = (*result)->few;
    (*result)->capacity = 2;
    return CP_OK;
}

/* What only labels its first argument: a parameter is its tensor, a typed list of TorchScript is a list. */
static enum cp_status call_label(struct cp_pickle *m, const struct cp_pickle_value *arguments,
                                 struct cp_pickle_value **result) {
    CP_TRY(need(m, arguments, 1, 4));
    *result = arguments->items[0];
    return CP_OK;
}

/* ---- tensors ---- */

static enum cp_status read_size(const struct cp_pickle *m, const struct cp_pickle_value *value,
                                const char *what, size_t *size) {
    if (value->kind != CP_PICKLE_WHOLE)
        return cp_pickle_bad(m, "a whole number", "a tensor's %s is not a number", what);
    if (value->whole < 0)
        return cp_pickle_bad(m, "0 or more", "a tensor's %s is %lld", what, value->whole);
    *size = (size_t)value->whole;
    return CP_OK;
}

static enum cp_status read_sizes(const struct cp_pickle *m, const struct cp_pickle_value *tuple,
                                 const char *what, int *rank, size_t sizes[CP_PICKLE_RANK]) {
    if (tuple->kind != CP_PICKLE_TUPLE || tuple->count > CP_PICKLE_RANK)
        return cp_pickle_bad(m, "at most 8 numbers in a tuple",
                             tuple->kind == CP_PICKLE_TUPLE ? "a tensor's %s is too long"
                                                            : "a tensor's %s is not a tuple",
                             what);
    *rank = (int)tuple->count;
    for (size_t i = 0; i < tuple->count; i++)
        CP_TRY(read_size(m, tuple->items[i], what, &sizes[i]));
    return CP_OK;
}

/* Whether every element is inside the storage; one past the last in *end. */
static bool inside(const struct cp_pickle_tensor *t) {
    size_t last = t->offset, step;
    for (int d = 0; d < t->rank; d++)
        if (t->shape[d] == 0)
            return t->offset <= t->storage->count;
    for (int d = 0; d < t->rank; d++)
        if (__builtin_mul_overflow(t->shape[d] - 1, t->stride[d], &step) ||
            __builtin_add_overflow(last, step, &last))
            return false;
    return last < t->storage->count;
}

enum { REPEATED_MOST = 1 << 20 };

/* Elements repeat where strides are 0, so a tensor of a few bytes could ask for any memory: beyond those of its storage it
 * may have a buffer's worth. SIZE_MAX: more than can be counted. */
static size_t count_of(const struct cp_pickle_tensor *t) {
    size_t count = 1, empty = 0;
    for (int d = 0; d < t->rank; d++)
        empty |= t->shape[d] == 0;
    for (int d = 0; d < t->rank && !empty; d++)
        if (__builtin_mul_overflow(count, t->shape[d], &count))
            return SIZE_MAX;
    return empty ? 0 : count;
}

static bool countable(const struct cp_pickle_tensor *t) {
    return count_of(t) <= (t->storage->count > REPEATED_MOST ? t->storage->count : REPEATED_MOST);
}

/* Of items: storage, offset, size, stride. */
static enum cp_status build_tensor(struct cp_pickle *m, struct cp_pickle_value *const *items,
                                   const struct cp_pickle_storage *storage, struct cp_pickle_value **result) {
    int strides = 0;
    if (++m->tensors > CP_PICKLE_TENSORS)
        return cp_pickle_bad(m, "at most 65,536", "too many tensors");
    CP_TRY(cp_pickle_make(m, CP_PICKLE_TENSOR, result));
    struct cp_pickle_tensor *t = cp_arena_calloc(m->arena, 1, sizeof *t);
    CP_TRY(CP_CHECK_ALLOC(t, m->err, m->where, "the checkpoint"));
    (*result)->tensor = t;
    t->storage = storage;
    CP_TRY(read_size(m, items[1], "offset", &t->offset));
    CP_TRY(read_sizes(m, items[2], "size", &t->rank, t->shape));
    CP_TRY(read_sizes(m, items[3], "stride", &strides, t->stride));
    if (strides != t->rank)
        return cp_pickle_bad(m, "as many", "%d sizes and %d strides of a tensor", t->rank, strides);
    if (!inside(t))
        return cp_pickle_bad(m, "every element inside",
                             "a tensor past the end of its storage of %zu elements", t->storage->count);
    if (!countable(t))
        return cp_pickle_bad(m, "a tensor that is stored whole: .contiguous() before torch.save",
                             "a tensor whose sizes repeat a storage of %zu elements too often",
                             t->storage->count);
    return CP_OK;
}

static enum cp_status need_storage(const struct cp_pickle *m, const struct cp_pickle_value *value) {
    return value->kind == CP_PICKLE_STORAGE ? CP_OK
                                            : cp_pickle_bad(m, "one, by BINPERSID", "a tensor of no storage");
}

/* _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks[, metadata]); without the
 * last three, _rebuild_tensor; _rebuild_qtensor has its scales before them. */
static enum cp_status call_tensor(struct cp_pickle *m, const struct cp_pickle_value *arguments,
                                  struct cp_pickle_value **result) {
    CP_TRY(need(m, arguments, 4, 7));
    CP_TRY(need_storage(m, arguments->items[0]));
    return build_tensor(m, arguments->items, &arguments->items[0]->storage, result);
}

/* _rebuild_tensor_v3(storage, offset, size, stride, requires_grad, backward_hooks, dtype[, metadata]), of bytes. */
static enum cp_status call_typed_tensor(struct cp_pickle *m, const struct cp_pickle_value *arguments,
                                        struct cp_pickle_value **result) {
    struct cp_pickle_value *typed = NULL;
    CP_TRY(need(m, arguments, 7, 8));
    const struct cp_pickle_value *dtype = arguments->items[6];
    CP_TRY(need_storage(m, arguments->items[0]));
    if (dtype->kind != CP_PICKLE_NAME || !dtype->name->is_dtype)
        return cp_pickle_bad(m, "a dtype of PyTorch", "a tensor of no dtype");
    CP_TRY(cp_pickle_make(m, CP_PICKLE_STORAGE, &typed));
    typed->storage = arguments->items[0]->storage;
    typed->storage.count =
        typed->storage.count * cp_dtype_size(typed->storage.dtype) / cp_dtype_size(dtype->name->dtype);
    typed->storage.dtype = dtype->name->dtype;
    return build_tensor(m, arguments->items, &typed->storage, result);
}

/* ---- the table ---- */

/* _rebuild_from_type_v2(function, class, arguments, attributes): a subclass of torch.Tensor is its tensor. */
static enum cp_status call_typed(struct cp_pickle *m, const struct cp_pickle_value *arguments,
                                 struct cp_pickle_value **result) {
    CP_TRY(need(m, arguments, 4, 4));
    return cp_pickle_call(m, arguments->items[0], arguments->items[2], result);
}

/* An object of a class that is known by its name alone. */
static enum cp_status call_foreign(struct cp_pickle *m, const struct cp_pickle_value *arguments,
                                   struct cp_pickle_value **result) {
    (void)arguments;
    return cp_pickle_make(m, CP_PICKLE_OBJECT, result);
}

#define STORAGE(class, type)                                                                                 \
    { .module = "torch", .name = (class), .is_storage = true, .dtype = (type) }
#define DTYPE(type_name, type)                                                                               \
    { .module = "torch", .name = (type_name), .is_dtype = true, .dtype = (type) }
#define SCRIPT(function)                                                                                     \
    { .module = "torch.jit._pickle", .name = (function), .call = call_label, .script = true }

static const struct cp_pickle_name names[] = {
    {.module = "collections", .name = "OrderedDict", .call = call_dict},
    {.module = "torch", .name = "Size", .call = call_label},
    {.module = "builtins", .name = "set", .call = call_label}, /* of a list */
    {.module = "builtins", .name = "frozenset", .call = call_label},
    {.module = "__builtin__", .name = "set", .call = call_label},
    {.module = "__builtin__", .name = "frozenset", .call = call_label},
    {.module = "torch._utils", .name = "_rebuild_tensor", .call = call_tensor},
    {.module = "torch._utils", .name = "_rebuild_tensor_v2", .call = call_tensor},
    {.module = "torch._utils", .name = "_rebuild_tensor_v3", .call = call_typed_tensor},
    {.module = "torch._utils", .name = "_rebuild_qtensor", .call = call_tensor},
    {.module = "torch._tensor", .name = "_rebuild_from_type_v2", .call = call_typed},
    {.module = "torch._utils", .name = "_rebuild_parameter", .call = call_label},
    {.module = "torch._utils", .name = "_rebuild_parameter_with_state", .call = call_label},
    STORAGE("FloatStorage", CP_FP32),
    STORAGE("HalfStorage", CP_FP16),
    STORAGE("BFloat16Storage", CP_BF16),
    STORAGE("DoubleStorage", CP_FP64),
    STORAGE("LongStorage", CP_INT64),
    STORAGE("IntStorage", CP_INT32),
    STORAGE("ByteStorage", CP_UINT8),
    STORAGE("BoolStorage", CP_BOOL),
    STORAGE("ShortStorage", CP_INT16),
    STORAGE("CharStorage", CP_INT8),
    STORAGE("QInt8Storage", CP_QINT8),
    STORAGE("QUInt8Storage", CP_QUINT8),
    STORAGE("QInt32Storage", CP_QINT32),
    STORAGE("ComplexFloatStorage", CP_COMPLEX64),
    STORAGE("ComplexDoubleStorage", CP_COMPLEX128),
    {.module = "torch.storage", .name = "UntypedStorage", .is_storage = true, .dtype = CP_UINT8},
    DTYPE("float8_e4m3fn", CP_FP8_E4M3),
    DTYPE("float8_e5m2", CP_FP8_E5M2),
    DTYPE("uint16", CP_UINT16),
    DTYPE("uint32", CP_UINT32),
    DTYPE("uint64", CP_UINT64),
    SCRIPT("build_intlist"),
    SCRIPT("build_doublelist"),
    SCRIPT("build_boollist"),
    SCRIPT("build_tensorlist"),
    SCRIPT("restore_type_tag"),
};

/* What a class of a TorchScript archive is here: its attributes are read, its code is not. */
static const struct cp_pickle_name script_class = {.module = "__torch__", .name = "", .script = true};

/* Everything else: what is made of it holds data and does nothing. */
static const struct cp_pickle_name foreign = {.module = "", .name = "", .call = call_foreign};

/* A name that serves to run code: whoever wrote it meant no data. This program would not call it either; Python does,
 * so it is said. Of builtins, the types of data are left. */
static const char *const code_modules[] = {"os",         "posix",  "nt",       "subprocess",  "sys",
                                           "pty",        "runpy",  "shutil",   "socket",      "importlib",
                                           "ctypes",     "code",   "builtins", "__builtin__", "commands",
                                           "webbrowser", "pickle", "_pickle"};
static const char *const data_types[] = {"list",  "dict",    "tuple", "int",     "float",  "bool",
                                         "str",   "unicode", "long",  "complex", "bytes",  "bytearray",
                                         "slice", "object",  "type",  "range",   "xrange", "getattr"};

static bool same(const struct cp_pickle_value *text, const char *name) {
    return text->length == strlen(name) && memcmp(text->text, name, text->length) == 0;
}

static bool is_script_class(const struct cp_pickle_value *module) {
    static const char package[] = "__torch__";
    const size_t length = sizeof package - 1;
    return module->length >= length && memcmp(module->text, package, length) == 0 &&
           (module->length == length || module->text[length] == '.');
}

static bool is_one_of(const struct cp_pickle_value *text, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (same(text, words[i]))
            return true;
    return false;
}

/* By the package: importlib.util is importlib. */
static bool runs_code(const struct cp_pickle_value *module, const struct cp_pickle_value *name) {
    const char *dot = module->length ? memchr(module->text, '.', module->length) : NULL;
    const struct cp_pickle_value package = {.text = module->text,
                                            .length = dot ? (size_t)(dot - module->text) : module->length};
    return is_one_of(&package, code_modules, sizeof code_modules / sizeof code_modules[0]) &&
           !is_one_of(name, data_types, sizeof data_types / sizeof data_types[0]);
}

static const struct cp_pickle_name *look_up(const struct cp_pickle *m, const struct cp_pickle_value *module,
                                            const struct cp_pickle_value *name) {
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (same(module, names[i].module) && same(name, names[i].name))
            return !names[i].script || m->source->script ? &names[i] : NULL;
    if (m->source->script)
        return is_script_class(module) ? &script_class : NULL;
    return runs_code(module, name) ? NULL : &foreign;
}

/* For messages: what there is of a long name. */
static int shown(const struct cp_pickle_value *text) {
    return text->length < 120 ? (int)text->length : 120;
}

enum cp_status cp_pickle_name(struct cp_pickle *m, const struct cp_pickle_value *module,
                              const struct cp_pickle_value *name, struct cp_pickle_value **result) {
    const struct cp_pickle_name *known = look_up(m, module, name);
    if (!known)
        return cp_pickle_bad(m, "tensors and containers alone, such as a state dict",
                             "the name %.*s.%.*s is not allowed", shown(module), module->text, shown(name),
                             name->text);
    CP_TRY(cp_pickle_make(m, CP_PICKLE_NAME, result));
    (*result)->name = known;
    return CP_OK;
}

enum cp_status cp_pickle_call(struct cp_pickle *m, const struct cp_pickle_value *callable,
                              const struct cp_pickle_value *arguments, struct cp_pickle_value **result) {
    if (callable->kind == CP_PICKLE_OBJECT)
        return call_foreign(m, arguments, result);
    if (callable->kind != CP_PICKLE_NAME || !callable->name->call)
        return cp_pickle_bad(m, "a function of the allowed names", "REDUCE of what cannot be called");
    if (arguments->kind != CP_PICKLE_TUPLE)
        return cp_pickle_bad(m, "a tuple", "the arguments of a REDUCE are not a tuple");
    return callable->name->call(m, arguments, result);
}

enum cp_status cp_pickle_new(struct cp_pickle *m, const struct cp_pickle_value *class,
                             const struct cp_pickle_value *arguments, struct cp_pickle_value **result) {
    const struct cp_pickle_name *known = class->kind == CP_PICKLE_NAME ? class->name : NULL;
    if (known != &script_class && known != &foreign)
        return cp_pickle_bad(m, "a class", "NEWOBJ of something that is not such a class");
    if (arguments->kind != CP_PICKLE_TUPLE || (arguments->count && known == &script_class))
        return cp_pickle_bad(m, "none", "arguments of a NEWOBJ");
    return cp_pickle_make(m, CP_PICKLE_OBJECT, result);
}

/* Of a class that is no script's the attributes are a dict, or one beside that of its slots; other states are its own
 * matter. */
static enum cp_status set_attributes(struct cp_pickle_value *object, struct cp_pickle_value *state) {
    if (state->kind == CP_PICKLE_TUPLE && state->count == 2)
        state = state->items[0];
    if (state->kind == CP_PICKLE_DICT && state != object)
        object->state = state;
    return CP_OK;
}

/* A state dict's BUILD carries its _metadata, which is dropped. */
enum cp_status cp_pickle_set_state(struct cp_pickle *m, struct cp_pickle_value *object,
                                   struct cp_pickle_value *state) {
    if (object->kind == CP_PICKLE_OBJECT && !m->source->script)
        return set_attributes(object, state);
    if (state->kind != CP_PICKLE_DICT)
        return cp_pickle_bad(m, "a dict", "the state of a BUILD is not a dict");
    if (object->kind == CP_PICKLE_DICT)
        return CP_OK;
    if (object->kind != CP_PICKLE_OBJECT || object->state)
        return cp_pickle_bad(m, "a dict or a new object", "BUILD of something else");
    object->state = state;
    return CP_OK;
}

/* ('storage', class, key, device, number of elements) */
enum cp_status cp_pickle_persistent(struct cp_pickle *m, const struct cp_pickle_value *id,
                                    struct cp_pickle_value **result) {
    static const char expected[] = "('storage', a storage class, key, device, number of elements)";
    struct cp_pickle_value *const *items = id->items;
    if (id->kind != CP_PICKLE_TUPLE || id->count != 5 || !cp_pickle_is_text(items[0], "storage") ||
        items[1]->kind != CP_PICKLE_NAME || !items[1]->name->is_storage || items[2]->kind != CP_PICKLE_TEXT ||
        items[3]->kind != CP_PICKLE_TEXT || items[4]->kind != CP_PICKLE_WHOLE || items[4]->whole < 0)
        return cp_pickle_bad(m, expected, "a persistent id that is not a storage");
    CP_TRY(cp_pickle_make(m, CP_PICKLE_STORAGE, result));
    struct cp_pickle_storage *storage = &(*result)->storage;
    storage->dtype = items[1]->name->dtype;
    storage->count = (size_t)items[4]->whole;
    const enum cp_status status =
        m->source->find(m->source->self, items[2]->text, items[2]->length, storage, m->err);
    if (status != CP_OK)
        cp_pickle_place(m);
    return status;
}
