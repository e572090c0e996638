/* SPDX-License-Identifier: GPL-3.0-or-later
 * The file on its way to the disk, for who must end at once: what nobody can use is not left behind. Of several at a time the
 * first is known. */
#ifndef CP_FORMAT_UNFINISHED_H
#define CP_FORMAT_UNFINISHED_H

enum cp_unfinished {
    CP_UNFINISHED_NONE,
    CP_UNFINISHED_USELESS, /* nothing can go on with it */
    CP_UNFINISHED_KEPT
};

/* Path is copied; NONE: it is whole, or gone. */
void cp_unfinished_set(const char *path, enum cp_unfinished state);

/* Removes a useless one. May be called by a signal handler, before the process ends. */
enum cp_unfinished cp_unfinished_leave(void);

#endif
