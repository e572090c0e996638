/* SPDX-License-Identifier: GPL-3.0-or-later
 * What this program was built from. Static strings. */
#ifndef CP_BASE_VERSION_H
#define CP_BASE_VERSION_H

const char *cp_version(void);        /* "0.1.0" */
const char *cp_version_commit(void); /* git describe at configure time, or "unknown" */
const char *cp_version_compiler(void);
const char *cp_version_flags(void);
const char *cp_version_libraries(void); /* "HDF5 1.10.8, GSL 2.7.1, ..." */

#endif
