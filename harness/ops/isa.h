/* SPDX-License-Identifier: GPL-3.0-or-later
 * How one source becomes three sets of kernels. Every .c file in this folder's subfolders is compiled once
 * for each instruction set, with -DCP_ISA=scalar, avx2 or avx512; CP_KERNEL(name) gives a symbol that carries
 * the set's name. The kernels use only correctly rounded + - * / sqrt fma and integer operations in an order
 * the source fixes, so all sets give the same bits. */
#ifndef CP_OPS_ISA_H
#define CP_OPS_ISA_H

#ifndef CP_ISA
#error "files in harness/ops are compiled once per instruction set, with -DCP_ISA=..."
#endif

#define CP_PASTE_(a, b) a##_##b
#define CP_PASTE(a, b) CP_PASTE_(a, b)
#define CP_KERNEL(name) CP_PASTE(name, CP_ISA)

/* A correctly rounded fused multiply-add: one instruction where the set has it, the C library's elsewhere. */
#define CP_FMA(a, b, c) __builtin_fmaf((a), (b), (c))

#endif
