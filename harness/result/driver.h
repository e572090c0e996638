/* SPDX-License-Identifier: GPL-3.0-or-later
 * HDF5 on top of a journaled file: a virtual file driver that sends raw data as plain writes and everything
 * else (the metadata) as held writes. After H5Fflush, cp_journaled_commit leaves a file that HDF5 opens. The
 * library never sees a write fail, only reads; the journaled file's status tells. */
#ifndef CP_RESULT_DRIVER_H
#define CP_RESULT_DRIVER_H

#include "format/journaled_file.h"

#include <hdf5.h>

/* Makes an access property list with which any file name opens `file`, which must outlive what is opened.
 * Negative on failure. Close with H5Pclose. */
hid_t cp_result_driver_access(struct cp_journaled *file);

#endif
