/* SPDX-License-Identifier: GPL-3.0-or-later
 * torch.topk(x, k).indices on the CPU, equal values in PyTorch's order: ATen sorts pairs of value and index
 * with libstdc++'s std::partial_sort, or std::nth_element and std::sort, which are not stable, so their steps
 * are taken here too.
 * Source: pytorch/pytorch v1.13 aten/src/ATen/native/TopKImpl.h; gcc libstdc++-v3/include/bits/stl_algo.h,
 * stl_heap.h. Checked against PyTorch 1.13 (reference/golden/torch_random). */
#ifndef CP_TORCH_TOPK_H
#define CP_TORCH_TOPK_H

#include <stddef.h>
#include <stdint.h>

struct cp_torch_ranked {
    float value;
    uint32_t index;
};

/* Sorts so that queue[0 .. k) are the k largest, largest first, NaN before all. The rest is in no order.
 * 1 <= k <= n; queue[i].index is the caller's, i as a rule. */
void cp_torch_topk(struct cp_torch_ranked *queue, size_t n, size_t k);

#endif
