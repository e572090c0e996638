/* SPDX-License-Identifier: GPL-3.0-or-later
 * A fixed set of worker threads that run one parallel loop at a time. Results never depend on the number of
 * threads: an index is computed wholly by one thread, and no sum crosses indices. */
#ifndef CP_BASE_POOL_H
#define CP_BASE_POOL_H

#include "base/status.h"

#include <stddef.h>

struct cp_pool;

/* threads >= 1; the caller is one of them. Free with cp_pool_free. */
enum cp_status cp_pool_create(int threads, struct cp_pool **pool, struct cp_error *err);
void cp_pool_free(struct cp_pool *pool);
int cp_pool_threads(const struct cp_pool *pool);
/* Processors that this process may run on (taskset, containers and batch systems give it some of them); 1 where
 * that cannot be told. */
int cp_pool_processors(void);

/* Calls body(context, index, worker) for every index in [0, count), each exactly once, on any worker in
 * [0, threads), and returns when all are done. pool may be NULL: a plain loop. Not reentrant. */
void cp_pool_for(struct cp_pool *pool, size_t count, void (*body)(void *context, size_t index, int worker),
                 void *context);

#endif
