/* SPDX-License-Identifier: GPL-3.0-or-later
 * Malformed and hostile pickles in archives that are right in all else: refused in one line that says at
 * which byte and why. Nothing in them is ever called. */
#include "support/checkpoint.h"
#include "support/test.h"

#include "checkpoint/pickle.h"

#include <stdio.h>
#include <string.h>

static void valid_pickles_are_accepted(void **state) {
    (void)state;
    accepted(STATE(TENSOR));
    accepted(STATE(TENSOR_OF(STORAGE, "K\0", ")", ")")));
    accepted(STATE(TENSOR_OF(STORAGE, "K\2", "K\2\x85", "K\1\x85")));
    accepted(STATE(TENSOR_OF(STORAGE, "K\3", "K\x09\x85", "K\0\x85")));
    accepted(STATE(TENSOR_OF(STORAGE, "K\4", "K\0K\7\x86", "K\7K\1\x86")));
    accepted(
        STATE(TENSOR_OF(STORAGE_OF("HalfStorage", "0", "K\x08"), "K\0", "K\2K\2K\2\x87", "K\4K\2K\1\x87")));
    accepted(STATE(GLOBAL("torch._utils", "_rebuild_parameter") "(" TENSOR "\x88"
                                                                "NtR"));
    accepted("\x80\2}(" KEY("a") TENSOR KEY("b") "]" KEY("c") "(K\1M\1\1J\1\0\0\0\x8a\0\x8a\1\xfft" KEY(
        "d") "G\x3f\xf0\0\0\0\0\0\0N\x88\x87u.");
}

static void case_46_name_that_is_not_allowed(void **state) {
    (void)state;
    refused("\x80\2" GLOBAL("os", "system") "(X\2\0\0\0lstR.",
            "record m/data.pkl, byte 2: the name os.system is not allowed (expected tensors and containers");
    refused("\x80\2" GLOBAL("builtins", "eval") ".", "the name builtins.eval is not allowed");
    refused("\x80\2" GLOBAL("builtins", "") ".", "the name builtins. is not allowed");
    refused("\x80\2" GLOBAL("__builtin__", "exec") ".", "the name __builtin__.exec is not allowed");
    refused("\x80\2" GLOBAL("importlib.util", "find_spec") ".", "importlib.util.find_spec is not allowed");
    refused("\x80\2}(" KEY("a") TENSOR KEY("b") GLOBAL("subprocess", "Popen") "u.",
            "the name subprocess.Popen is not allowed");
    refused("\x80\2" GLOBAL("torch.jit._pickle", "build_intlist") ".", "is not allowed");
    refused("\x80\2\x8c\2os\x8c\6system\x93.", "byte 14: the name os.system is not allowed");
    refused("\x80\2K\1K\2\x93.", "byte 6: the name of a global is not a text");
    refused("\x80\2K\1\x8c\1x\x93.", "byte 7: the name of a global is not a text");
    refused("\x80\2"
            "cos\nsystem",
            "byte 2: a line without an end");
    refused_script("\x80\2" GLOBAL("__torch__x", "M") ")\x81.", "the name __torch__x.M is not allowed");
    refused_script("\x80\2" GLOBAL("torch", "classes") ")\x81.", "the name torch.classes is not allowed");
}

static void case_47_opcodes_that_call_or_extend(void **state) {
    static const struct {
        unsigned char code;
        const char *name;
    } rows[] = {{'i', "INST"},         {'o', "OBJ"}, {0x82, "EXT1"},  {0x83, "EXT2"},
                {0x84, "EXT4"},        {'g', "GET"}, {'P', "PERSID"}, {0x92, "NEWOBJ_EX"},
                {0x97, "NEXT_BUFFER"}, {'I', "INT"}, {'S', "STRING"}, {0x98, "READONLY_BUFFER"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char says[96];
        const unsigned char pickle[] = {0x80, 2, '(', rows[i].code, 'o', 's', '\n', 's', '\n', '.'};
        (void)snprintf(says, sizeof says, "byte 3: opcode %s is not allowed", rows[i].name);
        refused_pickle(pickle, sizeof pickle, false, says);
    }
    refused("\x80\2\xff.", "byte 2: no opcode: 0xff");
    refused("\x80\2" GLOBAL("collections", "OrderedDict") ")\x81.",
            "NEWOBJ of something that is not such a class");
    refused_script("\x80\2K\1)\x81.", "NEWOBJ of something that is not such a class");
    refused_script("\x80\2" GLOBAL("__torch__", "M") "K\1\x85\x81.", "arguments of a NEWOBJ");
    refused_script("\x80\2" GLOBAL("__torch__", "M") "K\1\x81.", "arguments of a NEWOBJ");
}

static void case_48_reduce_of_what_cannot_be_called(void **state) {
    (void)state;
    refused("\x80\2K\1)R.", "byte 5: REDUCE of what cannot be called");
    refused("\x80\2" GLOBAL("torch", "FloatStorage") ")R.", "REDUCE of what cannot be called");
    refused("\x80\2" GLOBAL("collections", "OrderedDict") "]R.", "the arguments of a REDUCE are not a tuple");
    refused("\x80\2" GLOBAL("collections", "OrderedDict") "K\1\x85R.", "1 arguments");
    refused("\x80\2" GLOBAL("torch", "Size") ")R.", "0 arguments");
    refused("\x80\2" GLOBAL("torch._utils", "_rebuild_tensor_v2") ")R.", "0 arguments");
}

static void case_49_stack_underflow(void **state) {
    static const char *const codes[] = {".", "a", "s", "b", "R", "Q", "q\1", "\x85", "\x93", "\x94"};
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        char pickle[16] = "\x80\2";
        const int size = 2 + snprintf(pickle + 2, sizeof pickle - 2, "%s.", codes[i]);
        refused_pickle(pickle, (size_t)size, false, "byte 2: stack underflow (expected a value)");
    }
    for (const char *code = "sRb\x81\x93\x86"; *code; code++) {
        const char pickle[] = {'\x80', 2, 'N', *code, '.'};
        refused_pickle(pickle, sizeof pickle, false, "byte 3: stack underflow");
    }
    refused("\x80\2K\1(\x85.", "byte 5: found a MARK on the stack (expected a value)");
    refused("\x80\2(N.", "byte 4: more than one value on the stack at STOP");
    refused("\x80\2NN.", "byte 4: more than one value on the stack at STOP");
}

static void case_50_missing_mark(void **state) {
    (void)state;
    refused("\x80\2t.", "byte 2: no MARK on the stack (expected a MARK before it)");
    refused("\x80\2}u.", "byte 3: no MARK on the stack");
    refused("\x80\2]e.", "byte 3: no MARK on the stack");
    refused("\x80\2(u.", "byte 3: stack underflow");
}

static void case_51_undefined_memo(void **state) {
    (void)state;
    refused("\x80\2h\0.", "byte 2: nothing in the memo at index 0 (expected one that was stored)");
    refused("\x80\2Nq\0h\1.", "byte 5: nothing in the memo at index 1");
}

static void case_52_memo_index_too_large(void **state) {
    (void)state;
    refused("\x80\2Nr\xff\xff\xff\xff.", "byte 3: a memo index of 4294967295 (expected fewer than");
    refused("\x80\2j\xff\xff\xff\xff.", "byte 2: nothing in the memo at index 4294967295");
    refused("\x80\2Nr\x09\0\0\0.", "byte 3: a memo index of 9");
}

static void case_53_text_longer_than_what_remains(void **state) {
    (void)state;
    refused("\x80\2X\xff\xff\xff\xff"
            "a.",
            "byte 2: an opcode of 4294967295 more bytes where 2 are left");
    refused("\x80\2\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
            "a.",
            "byte 2: an opcode of 18446744073709551615 more bytes where 2 are left");
    refused("\x80\2\x8c\3a.", "byte 2: an opcode of 3 more bytes where 2 are left");
    for (const char *code = "JKMGqrhj\x8a\x8c\x8d\x95"; *code; code++) {
        const char pickle[] = {'\x80', 2, 'N', *code};
        refused_pickle(pickle, sizeof pickle, false,
                       "more bytes where 0 are left (expected all of it in the pickle)");
    }
    refused("\x80", "byte 0: an opcode of 1 more bytes where 0 are left");
    refused("\x80\2U\xff"
            "a.",
            "byte 2: an opcode of 255 more bytes");
}

static void case_54_odd_setitems(void **state) {
    (void)state;
    refused("\x80\2}(K\1u.", "byte 6: an odd number of items for a dict (expected a value for every key)");
    refused("\x80\2}(K\1K\2K\3u.", "an odd number of items");
}

static void case_55_setitem_on_no_dict(void **state) {
    (void)state;
    refused("\x80\2]K\1K\2s.", "byte 7: items for something that is not a dict (expected a dict)");
    refused("\x80\2](K\1K\2u.", "items for something that is not a dict");
    refused("\x80\2)K\1K\2s.", "items for something that is not a dict");
}

static void case_56_append_on_no_list(void **state) {
    (void)state;
    refused("\x80\2}K\1a.", "byte 5: items for something that is not a list (expected a list)");
    refused("\x80\2}(K\1e.", "items for something that is not a list");
}

/* Every beginning of a valid pickle. */
static void case_57_no_stop(void **state) {
    static const char pickle[] = STATE(TENSOR);
    (void)state;
    refused("", "the pickle ends without STOP (expected STOP)");
    refused("\x80\2N", "byte 3: the pickle ends without STOP");
    for (size_t size = 1; size < sizeof pickle - 1; size += 3)
        refused_pickle(pickle, size, false, "record m/data.pkl, byte ");
}

static void case_58_bytes_after_stop(void **state) {
    (void)state;
    refused("\x80\2}..", "byte 3: 1 bytes after STOP (expected none)");
    refused("\x80\2}.\0\0", "byte 3: 2 bytes after STOP");
}

static void case_59_cycles(void **state) {
    (void)state;
    refused("\x80\2]q\0h\0a.", "byte 2: what is made here holds itself (expected containers without cycles)");
    refused("\x80\2}q\0" KEY("a") "h\0s.", "byte 2: what is made here holds itself");
    refused("\x80\2]q\0(h\0tq\1a.", "byte 2: what is made here holds itself");
    refused_script("\x80\2" GLOBAL("__torch__", "M") ")\x81q\0}" KEY("a") "h\0sb.", "holds itself");
}

static void repeat(char *at, size_t count, char code) {
    memset(at, code, count);
}

static void case_60_depth_bomb(void **state) {
    enum { DEPTH = 100000 };
    static char pickle[2 * DEPTH + 8] = "\x80\2";
    (void)state;
    repeat(pickle + 2, DEPTH, ']');
    repeat(pickle + 2 + DEPTH, DEPTH - 1, 'a');
    pickle[2 * DEPTH + 1] = '.';
    refused_pickle(pickle, 2 * DEPTH + 2, false,
                   "containers too deep in each other (expected at most 128 deep)");
    pickle[2] = 'N';
    repeat(pickle + 3, DEPTH, '\x85');
    pickle[DEPTH + 3] = '.';
    refused_pickle(pickle, DEPTH + 4, false, "containers too deep in each other");
    repeat(pickle + 2, DEPTH, '(');
    refused_pickle(pickle, DEPTH + 2, false,
                   "byte 1026: too many MARKs in each other (expected at most 1,024)");
}

static void case_61_persistent_id_that_is_no_storage(void **state) {
    (void)state;
    refused("\x80\2K\1Q.",
            "byte 4: a persistent id that is not a storage (expected ('storage', a storage class");
    refused("\x80\2K\1\x85Q.", "a persistent id that is not a storage");
    refused("\x80\2(\x8c\7Storage" GLOBAL("torch", "FloatStorage") KEY("0") KEY("c") "K\4tQ.",
            "is not a storage");
    refused("\x80\2(\x8c\7storage" GLOBAL("torch", "Size") KEY("0") KEY("c") "K\4tQ.", "is not a storage");
    refused("\x80\2(\x8c\7storageN" KEY("0") KEY("c") "K\4tQ.", "is not a storage");
    refused("\x80\2(\x8c\7storage" GLOBAL("torch", "FloatStorage") "K\0" KEY("c") "K\4tQ.",
            "is not a storage");
    refused("\x80\2(\x8c\7storage" GLOBAL("torch", "FloatStorage") KEY("0") "NK\4tQ.", "is not a storage");
    refused("\x80\2(\x8c\7storage" GLOBAL("torch", "FloatStorage") KEY("0") KEY("c") "NtQ.",
            "is not a storage");
    refused("\x80\2" STORAGE_OF("FloatStorage", "0", "J\xff\xff\xff\xff") ".", "is not a storage");
    refused("\x80\2" STORAGE_OF("FloatStorage", "1", "K\4") ".",
            "no record data/1 of a storage (expected one for each storage)");
    refused("\x80\2(\x8c\7storage" GLOBAL("torch", "FloatStorage") "\x8c\x0d../../data/0/" KEY("c") "K\4tQ.",
            "no record data/../../data/0/ of a storage");
    refused(STATE(TENSOR_OF("N", "K\0", "K\4\x85", "K\1\x85")), "a tensor of no storage");
}

/* 2^62 and 2^63 - 1 as LONG1. */
#define HUGE_ "\x8a\x08\0\0\0\0\0\0\0\x40"
#define LARGEST "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"

static void case_62_tensor_past_its_storage(void **state) {
    static const char past[] =
        "a tensor past the end of its storage of 4 elements (expected every element inside)";
    (void)state;
    refused(STATE(TENSOR_OF(STORAGE, "K\0", "K\5\x85", "K\1\x85")), past);
    refused(STATE(TENSOR_OF(STORAGE, "K\1", "K\4\x85", "K\1\x85")), past);
    refused(STATE(TENSOR_OF(STORAGE, "K\0", "K\2\x85", "K\4\x85")), past);
    refused(STATE(TENSOR_OF(STORAGE, "K\4", ")", ")")), past);
    refused(STATE(TENSOR_OF(STORAGE, "K\5", "K\0\x85", "K\1\x85")), past);
    refused(STATE(TENSOR_OF(STORAGE, "K\0", "K\2K\2\x86", "K\3K\1\x86")), past);
    refused(STATE(TENSOR_OF(STORAGE, "K\0", "K\2\x85", HUGE_ "\x85")), past);
    refused(STATE(TENSOR_OF(STORAGE, "K\0", "K\5\x85", HUGE_ "\x85")), past); /* 4 * 2^62 = 0 mod 2^64 */
    refused(STATE(TENSOR_OF(STORAGE, LARGEST, "K\2K\2\x86", LARGEST "K\2\x86")), past);
    refused(STATE(TENSOR_OF(STORAGE, "K\0", HUGE_ "\x85", "K\0\x85")),
            "a tensor whose sizes repeat a storage of 4 elements too often (expected a tensor that is stored "
            "whole: "
            ".contiguous() before torch.save)");
    refused(STATE(TENSOR_OF(STORAGE, "K\0", HUGE_ "K\4\x86", "K\0K\0\x86")), "too often");
    /* 2^20 elements of four are a buffer; one more is a request for memory */
    accepted(STATE(TENSOR_OF(STORAGE, "K\0", "J\0\0\x10\0K\1\x86", "K\0K\0\x86")));
    refused(STATE(TENSOR_OF(STORAGE, "K\0", "J\1\0\x10\0K\1\x86", "K\0K\0\x86")), "too often");
}

static void case_63_negative_size_or_stride(void **state) {
    (void)state;
    refused(STATE(TENSOR_OF(STORAGE, "K\0", "J\xff\xff\xff\xff\x85", "K\1\x85")),
            "a tensor's size is -1 (expected 0 or more)");
    refused(STATE(TENSOR_OF(STORAGE, "K\3", "K\2\x85", "\x8a\1\xff\x85")), "a tensor's stride is -1");
    refused(STATE(TENSOR_OF(STORAGE, "J\0\0\0\x80", "K\2\x85", "K\1\x85")),
            "a tensor's offset is -2147483648");
    refused(STATE(TENSOR_OF(STORAGE, "N", "K\2\x85", "K\1\x85")), "a tensor's offset is not a number");
    refused(STATE(TENSOR_OF(STORAGE, "K\0", "]", "K\1\x85")), "a tensor's size is not a tuple");
    refused(STATE(TENSOR_OF(STORAGE, "K\0", "G\0\0\0\0\0\0\0\0\x85", "K\1\x85")),
            "a tensor's size is not a number");
    refused(STATE(TENSOR_OF(STORAGE, "K\0", "K\2\x85", ")")), "1 sizes and 0 strides of a tensor");
    refused(STATE(TENSOR_OF(STORAGE, "K\0", "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t", ")")),
            "a tensor's size is too long");
}

static void case_64_protocol(void **state) {
    (void)state;
    refused("\x80\6N.", "byte 0: protocol 6 (expected one of 2 to 5, at the start)");
    refused("\x80\1N.", "byte 0: protocol 1");
    refused("\x80\xffN.", "byte 0: protocol 255");
    refused("\x80\2\x80\2N.", "byte 2: protocol 2 (expected one of 2 to 5, at the start)");
}

static void case_65_lying_frame(void **state) {
    (void)state;
    refused("\x80\4\x95\3\0\0\0\0\0\0\0N.", "byte 2: a frame of 3 bytes past the end");
    refused("\x80\4\x95\xff\xff\xff\xff\xff\xff\xff\xffN.",
            "a frame of 18446744073709551615 bytes past the end");
    refused("\x80\4\x95\2\0\0\0\0\0\0\0X\1\0\0\0aN.",
            "byte 11: an opcode of 4 more bytes where 1 are left (expected "
            "all of it in its frame)");
    refused("\x80\4\x95\x0c\0\0\0\0\0\0\0\x95\1\0\0\0\0\0\0\0N...", "byte 11: a frame of 1 bytes in a frame");
    refused("\x80\4\x95\4\0\0\0\0\0\0\0cos\nsystem\n.", "byte 11: a line without an end");
    refused("\x80\4\x95\2\0\0\0\0\0\0\0N.N", "byte 12: 1 bytes after STOP");
}

static void case_66_giant_integer(void **state) {
    (void)state;
    refused("\x80\2\x8a\xff"
            "aaaa.",
            "byte 2: an opcode of 255 more bytes where 5 are left");
    refused("\x80\2\x8b\xff\xff\xff\x7f"
            "a.",
            "byte 2: an opcode of 2147483647 more bytes where 2 are left");
    refused(STATE(TENSOR_OF(STORAGE,
                            "\x8a\x09"
                            "aaaaaaaaa",
                            "K\4\x85", "K\1\x85")),
            "a tensor's offset is not a number");
    accepted("\x80\2}(" KEY("a") TENSOR KEY("b") "\x8a\x09"
                                                 "aaaaaaaaa\x8b\2\0\0\0aa0u.");
}

/* What is just beyond the limits takes neither a second nor 256 MiB. */
static void limits(void **state) {
    static const char tensors[] =
        "\x80\2" GLOBAL("torch._utils", "_rebuild_tensor_v2") "q\0(" STORAGE "K\0K\4\x85K\1\x85\x89}tq\1(";
    static char pickle[CP_PICKLE_STEPS + 16] = "\x80\2(";
    (void)state;
    repeat(pickle + 3, CP_PICKLE_STEPS, 'N');
    refused_pickle(pickle, CP_PICKLE_STEPS + 3, false, "too many opcodes (expected at most 2,097,152)");
    repeat(pickle + 3, CP_PICKLE_VALUES, ']');
    refused_pickle(pickle, CP_PICKLE_VALUES + 3, false, "too many values (expected at most 1,048,576)");
    char *at = mempcpy(pickle, tensors, sizeof tensors - 1);
    for (size_t i = 0; i <= CP_PICKLE_TENSORS; i++)
        at = mempcpy(at, "h\0h\1R", 5);
    refused_pickle(pickle, (size_t)(at - pickle), false, "too many tensors (expected at most 65,536)");
    zip_begin();
    zip_add_deflated("m/data.pkl", NULL, CP_PICKLE_BYTES + 1);
    zip_end();
    assert_refused(read_checkpoint, written_zip(),
                   "a pickle of 33554433 bytes (expected at most 33,554,432)");
}

#define CASE(name) cmocka_unit_test(case_##name)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_pickles_are_accepted),
        CASE(46_name_that_is_not_allowed),
        CASE(47_opcodes_that_call_or_extend),
        CASE(48_reduce_of_what_cannot_be_called),
        CASE(49_stack_underflow),
        CASE(50_missing_mark),
        CASE(51_undefined_memo),
        CASE(52_memo_index_too_large),
        CASE(53_text_longer_than_what_remains),
        CASE(54_odd_setitems),
        CASE(55_setitem_on_no_dict),
        CASE(56_append_on_no_list),
        CASE(57_no_stop),
        CASE(58_bytes_after_stop),
        CASE(59_cycles),
        CASE(60_depth_bomb),
        CASE(61_persistent_id_that_is_no_storage),
        CASE(62_tensor_past_its_storage),
        CASE(63_negative_size_or_stride),
        CASE(64_protocol),
        CASE(65_lying_frame),
        CASE(66_giant_integer),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
