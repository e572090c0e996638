/* SPDX-License-Identifier: GPL-3.0-or-later
 * Regular files for reading. FIFOs, folders and devices are refused, at once. */
#ifndef CP_FORMAT_FILE_H
#define CP_FORMAT_FILE_H

#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>

struct cp_file {
    const unsigned char *bytes; /* of an empty mapped file: NULL */
    char *text;                 /* the same bytes; to be written to only after cp_file_read */
    size_t size;
};

/* Maps a file; release with cp_file_unmap, also after a failure. Where somebody shortens
 * the file meanwhile, the program ends: format/mapping.h. */
enum cp_status cp_file_map(const char *path, struct cp_file *file, struct cp_error *err);
void cp_file_unmap(struct cp_file *file);

/* Reads a file into the arena, expanded if it is gzip (RFC 1952); at most limit bytes, after expansion. A NUL
 * follows the last byte. */
enum cp_status cp_file_read(const char *path, size_t limit, struct cp_arena *arena, struct cp_file *file,
                            struct cp_error *err);
/* As cp_file_read, but only the first `most` bytes of a longer file. The checksum of gzip data is checked
 * when its end is reached: ask for one byte more than wanted. */
enum cp_status cp_file_read_start(const char *path, size_t most, struct cp_arena *arena, struct cp_file *file,
                                  struct cp_error *err);

/* Where a file of data/ is: in $CLIP_PARITY_DATA if that is set, else in ./data if it is there, else where
 * `cmake --install` put it, which is seen from where the program, or the library, lies. Where it is nowhere, ./data, for the
 * error to name. NULL: out of memory. */
const char *cp_data_path(const char *name, struct cp_arena *arena);

/* PREFIX/share/clip-parity/NAME, where the program or the library lies in PREFIX; NULL: it is not there, or no memory. */
const char *cp_installed_path(const char *name, struct cp_arena *arena);

/* Whether a file that starts so is HDF5. */
bool cp_file_is_hdf5(const void *start, size_t size);

#endif
