/* SPDX-License-Identifier: GPL-3.0-or-later
 * A file of the sources as a text of the program, so that what it prints needs no file beside it. */
#ifndef CP_BASE_EMBED_H
#define CP_BASE_EMBED_H

/* Makes `const char SYMBOL[]` of a file, named from the root of the sources, with a NUL behind it. CP_SOURCES is that root;
 * CMakeLists.txt defines it for the files that embed, and names what they embed, so that a change rebuilds them. */
#define CP_EMBED(symbol, file)                                                                               \
    __asm__(".section .rodata\n"                                                                             \
            ".globl " #symbol "\n"                                                                           \
            ".type " #symbol ", @object\n" #symbol ":\n"                                                     \
            ".incbin \"" CP_SOURCES "/" file "\"\n"                                                          \
            ".byte 0\n"                                                                                      \
            ".size " #symbol ", . - " #symbol "\n"                                                           \
            ".text\n")

#endif
