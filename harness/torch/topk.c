/* SPDX-License-Identifier: GPL-3.0-or-later
 * libstdc++'s heap selection, introselect and introsort, with its exact comparisons and moves. */
#include "torch/topk.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { FEW = 16 }; /* what std::sort leaves to insertion */

/* Ranges are [first, end) of a queue. */
typedef struct cp_torch_ranked ranked;

static bool before(ranked a, ranked b) {
    return (isnan(a.value) && !isnan(b.value)) || a.value > b.value;
}

static void swap(ranked *a, ranked *b) {
    const ranked other = *a;
    *a = *b;
    *b = other;
}

/* Twice the binary logarithm. */
static int depth_limit(size_t n) {
    int log = 0;
    while (n >>= 1)
        log++;
    return 2 * log;
}

/* ---- heaps ---- */

static void push_heap(ranked *heap, size_t hole, size_t top, ranked value) {
    while (hole > top && before(heap[(hole - 1) / 2], value)) {
        heap[hole] = heap[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    heap[hole] = value;
}

static void adjust_heap(ranked *heap, size_t hole, size_t n, ranked value) {
    const size_t top = hole;
    size_t child = hole;
    while (child < (n - 1) / 2) {
        child = 2 * (child + 1);
        if (before(heap[child], heap[child - 1]))
            child--;
        heap[hole] = heap[child];
        hole = child;
    }
    if (n % 2 == 0 && child == (n - 2) / 2) {
        child = 2 * child + 1;
        heap[hole] = heap[child];
        hole = child;
    }
    push_heap(heap, hole, top, value);
}

/* The heap's first goes to `to`, whose value goes into the heap. */
static void pop_heap(ranked *heap, size_t n, ranked *to) {
    const ranked value = *to;
    *to = heap[0];
    adjust_heap(heap, 0, n, value);
}

static void heap_select(ranked *first, size_t middle, size_t n) {
    for (size_t parent = middle / 2; parent-- > 0;)
        adjust_heap(first, parent, middle, first[parent]);
    for (size_t i = middle; i < n; i++)
        if (before(first[i], first[0]))
            pop_heap(first, middle, &first[i]);
}

static void partial_sort(ranked *first, size_t middle, size_t n) {
    heap_select(first, middle, n);
    for (size_t last = middle; last-- > 1;)
        pop_heap(first, last, &first[last]);
}

/* ---- insertion ---- */

static void insert_unguarded(ranked *at) {
    const ranked value = *at;
    for (; before(value, at[-1]); at--)
        at[0] = at[-1];
    *at = value;
}

static void insertion_sort(ranked *first, const ranked *end) {
    for (ranked *i = first + 1; i < end; i++) {
        if (!before(*i, *first)) {
            insert_unguarded(i);
            continue;
        }
        const ranked value = *i;
        memmove(first + 1, first, (size_t)(i - first) * sizeof *first);
        *first = value;
    }
}

/* ---- partitions ---- */

static void median_to_first(ranked *to, ranked *a, ranked *b, ranked *c) {
    if (before(*a, *b))
        swap(to, before(*b, *c) ? b : before(*a, *c) ? c : a);
    else
        swap(to, before(*a, *c) ? a : before(*b, *c) ? c : b);
}

static ranked *partition(ranked *first, ranked *end) {
    const ranked *pivot = first;
    ranked *low = first + 1, *high = end;
    median_to_first(first, first + 1, first + (end - first) / 2, end - 1);
    for (;; low++) {
        while (before(*low, *pivot))
            low++;
        high--;
        while (before(*pivot, *high))
            high--;
        if (low >= high)
            return low;
        swap(low, high);
    }
}

static void nth_element(ranked *first, ranked *nth, ranked *end) {
    for (int depth = depth_limit((size_t)(end - first)); end - first > 3; depth--) {
        if (depth == 0) {
            heap_select(first, (size_t)(nth - first) + 1, (size_t)(end - first));
            swap(first, nth);
            return;
        }
        ranked *cut = partition(first, end);
        *(cut <= nth ? &first : &end) = cut;
    }
    insertion_sort(first, end);
}

/* The part behind a cut is sorted by recursion, which the limit bounds. NOLINTNEXTLINE(misc-no-recursion) */
static void sort_to_few(ranked *first, ranked *end, int depth) {
    while (end - first > FEW) {
        if (depth-- == 0) {
            partial_sort(first, (size_t)(end - first), (size_t)(end - first));
            return;
        }
        ranked *cut = partition(first, end);
        sort_to_few(cut, end, depth);
        end = cut;
    }
}

static void sort(ranked *first, ranked *end) {
    if (first == end)
        return;
    sort_to_few(first, end, depth_limit((size_t)(end - first)));
    ranked *rest = end - first > FEW ? first + FEW : end;
    insertion_sort(first, rest);
    for (; rest < end; rest++)
        insert_unguarded(rest);
}

void cp_torch_topk(struct cp_torch_ranked *queue, size_t n, size_t k) {
    if (k * 64 <= n) {
        partial_sort(queue, k, n);
        return;
    }
    nth_element(queue, queue + k - 1, queue + n);
    sort(queue, queue + k - 1);
}
