/* SPDX-License-Identifier: GPL-3.0-or-later
 * Files as the tests read them. */
#ifndef CP_TESTS_SUPPORT_FILE_H
#define CP_TESTS_SUPPORT_FILE_H

/* A file of less than a megabyte as a text, to be freed; the test fails where it cannot be read. */
char *read_whole(const char *path);

#endif
