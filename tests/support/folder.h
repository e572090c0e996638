/* SPDX-License-Identifier: GPL-3.0-or-later
 * A temporary folder of one test program: its group set-up and tear-down. */
#ifndef CP_TESTS_SUPPORT_FOLDER_H
#define CP_TESTS_SUPPORT_FOLDER_H

extern char folder[];

int make_folder(void **state);

int remove_folder(void **state);

#endif
