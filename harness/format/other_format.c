/* SPDX-License-Identifier: GPL-3.0-or-later
 * A table of first bytes; what begins with plain characters is a text. */
#include "format/other_format.h"

#include <string.h>
#include <strings.h>

static const char save_again[] =
    "torch.save(torch.load(FILE), NEW) in PyTorch 1.6 or later, which writes a zip archive";
static const char unpack[] = "it unpacked";

static const struct {
    size_t at;
    const char *bytes; /* of letters either case */
    size_t length;
    const char *what, *next; /* NULL: what was expected */
} known[] = {
    {0, "version https://git-lfs.github.com/", 35, "is a Git LFS pointer, not the file itself",
     "the file itself: `git lfs pull` in its repository"},
    {0, "<!doctype html", 14, "is an HTML page, not the file that was to be downloaded",
     "the file itself: download it by its direct link"},
    {0, "<html", 5, "is an HTML page, not the file that was to be downloaded",
     "the file itself: download it by its direct link"},
    {0, "<?xml", 5, "is an XML document, perhaps a server's error", "the file itself: download it again"},
    {0, "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 14,
     "is a pickle without an archive, PyTorch's format before 1.6", save_again},
    {0, "\x80\2", 2, "is a pickle without an archive, not by torch.save", save_again},
    {0, "\x80\3", 2, "is a pickle without an archive, not by torch.save", save_again},
    {0, "\x80\4", 2, "is a pickle without an archive, not by torch.save", save_again},
    {0, "\x80\5", 2, "is a pickle without an archive, not by torch.save", save_again},
    {257, "ustar", 5, "is a tar archive, PyTorch's format before 0.1.10", save_again},
    {0, "GGUF", 4, "is a GGUF file of quantised or converted weights",
     "the checkpoint that it was made from"},
    {0, "lmgg", 4, "is a GGML file, as clip.cpp had before GGUF", "the checkpoint that it was made from"},
    {2, "\x12\7pytorch", 9, "is an ONNX model", "the checkpoint that it was exported from"},
    {0, "\x1f\x8b", 2, "is gzip data", unpack},
    {0,
     "\xfd"
     "7zXZ",
     5, "is xz data", unpack},
    {0, "BZh", 3, "is bzip2 data", unpack},
    {0, "\x28\xb5\x2f\xfd", 4, "is zstd data", unpack},
    {0, "7z\xbc\xaf", 4, "is a 7z archive", unpack},
    {0, "\x93NUMPY", 6, "is a single NumPy array", NULL},
};
enum { KNOWN = sizeof known / sizeof known[0], QUOTED = 60 };

/* Pages may begin with white space. */
static size_t blank(const unsigned char *bytes, size_t size) {
    size_t i = 0;
    while (i < size && bytes[i] && strchr(" \t\r\n", bytes[i]))
        i++;
    return i < size && bytes[i] == '<' ? i : 0;
}

/* Its place in the table, or KNOWN. */
static size_t find(const unsigned char *bytes, size_t size) {
    const size_t start = blank(bytes, size);
    size_t i = 0;
    while (i < KNOWN &&
           (size - start < known[i].at + known[i].length ||
            strncasecmp((const char *)bytes + start + known[i].at, known[i].bytes, known[i].length) != 0))
        i++;
    return i;
}

/* The length of the first line, at most what can be quoted; 0: that is no text. */
static int first_line(const unsigned char *bytes, size_t size) {
    size_t i = 0;
    while (i < size && i < QUOTED && bytes[i] >= ' ' && bytes[i] < 0x7f)
        i++;
    return i == size || i == QUOTED || bytes[i] == '\n' || bytes[i] == '\r' ? (int)i : 0;
}

bool cp_is_other_format(const unsigned char *bytes, size_t size) {
    return find(bytes, size) < KNOWN;
}

enum cp_status cp_other_format(const char *path, const unsigned char *bytes, size_t size,
                               const char *expected, struct cp_error *err) {
    const size_t i = find(bytes, size);
    const int line = first_line(bytes, size);
    if (i < KNOWN)
        return cp_fail(err, CP_BAD_INPUT, path, "%s", known[i].what),
               cp_expected(err, "%s", known[i].next ? known[i].next : expected);
    if (size == 0)
        (void)cp_fail(err, CP_BAD_INPUT, path, "is empty");
    else if (line > 0)
        (void)cp_fail(err, CP_BAD_INPUT, path, "is a text that begins with '%.*s'", line,
                      (const char *)bytes);
    else
        (void)cp_fail(err, CP_BAD_INPUT, path, "is in none of the known formats");
    return cp_expected(err, "%s", expected);
}
