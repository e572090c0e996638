/* SPDX-License-Identifier: GPL-3.0-or-later
 * Threads take indices from an atomic counter, and spin for a moment before they sleep between loops. */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

struct worker {
    struct cp_pool *pool;
    pthread_t thread;
    int index;
};

struct cp_pool {
    pthread_mutex_t mutex;
    pthread_cond_t start, finished;
    atomic_ulong generation; /* counts loops, so that a worker never runs one twice */
    atomic_int busy;         /* workers inside the loop */
    bool open, stopping;     /* open: the loop may still be joined */
    void (*body)(void *, size_t, int);
    void *context;
    size_t count;
    atomic_size_t next;
    int threads, started;
    struct worker workers[];
};

/* Loops follow each other within microseconds, waking a thread takes tens of them, and a woken thread may
 * start on its waker's core. So who waits looks this many times, some tenths of a millisecond, before it
 * sleeps. */
enum { LOOKS = 30000 };

static inline void pause_briefly(void) {
#if defined __x86_64__
    __builtin_ia32_pause();
#endif
}

static void take_indices(struct cp_pool *pool, int worker) {
    for (;;) {
        const size_t index = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (index >= pool->count)
            return;
        pool->body(pool->context, index, worker);
    }
}

static void *worker_main(void *argument) {
    const struct worker *self = argument;
    struct cp_pool *pool = self->pool;
    unsigned long seen = 0;
    for (;;) {
        for (int i = 0; i < LOOKS && atomic_load(&pool->generation) == seen; i++)
            pause_briefly();
        pthread_mutex_lock(&pool->mutex);
        while (pool->generation == seen && !pool->stopping)
            pthread_cond_wait(&pool->start, &pool->mutex);
        seen = pool->generation;
        const bool stopping = pool->stopping, joins = pool->open;
        pool->busy += joins ? 1 : 0;
        pthread_mutex_unlock(&pool->mutex);
        if (stopping)
            return NULL;
        if (!joins)
            continue;
        take_indices(pool, self->index);
        pthread_mutex_lock(&pool->mutex);
        if (--pool->busy == 0)
            pthread_cond_signal(&pool->finished);
        pthread_mutex_unlock(&pool->mutex);
    }
}

enum cp_status cp_pool_create(int threads, struct cp_pool **out, struct cp_error *err) {
    struct cp_pool *pool = calloc(1, sizeof *pool + (size_t)threads * sizeof pool->workers[0]);
    CP_TRY(CP_CHECK_ALLOC(pool, err, "", "%d threads", threads));
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->start, NULL);
    pthread_cond_init(&pool->finished, NULL);
    pool->threads = threads;
    pool->started = 1;
    for (int i = 1; i < threads; i++, pool->started++) {
        struct worker *worker = &pool->workers[i];
        worker->pool = pool;
        worker->index = i;
        if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0) {
            cp_pool_free(pool);
            return cp_fail(err, CP_INTERNAL, "", "the system refused thread %d of %d", i + 1, threads);
        }
    }
    *out = pool;
    return CP_OK;
}

void cp_pool_free(struct cp_pool *pool) {
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->start);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 1; i < pool->started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->finished);
    pthread_cond_destroy(&pool->start);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

int cp_pool_threads(const struct cp_pool *pool) {
    return pool ? pool->threads : 1;
}

int cp_pool_processors(void) {
    cpu_set_t allowed;
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) /* fails where there are more than 1,024 */
        return CPU_COUNT(&allowed);
    return online < 1 ? 1 : (int)online;
}

void cp_pool_for(struct cp_pool *pool, size_t count, void (*body)(void *, size_t, int), void *context) {
    if (!pool || pool->threads == 1 || count <= 1) {
        for (size_t i = 0; i < count; i++)
            body(context, i, 0);
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->body = body;
    pool->context = context;
    pool->count = count;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    pool->open = true;
    pool->generation++;
    pthread_cond_broadcast(&pool->start);
    pthread_mutex_unlock(&pool->mutex);
    take_indices(pool, 0);
    pthread_mutex_lock(&pool->mutex);
    pool->open =
        false; /* a worker that has not woken yet is not waited for: on a busy machine that takes long */
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < LOOKS && atomic_load(&pool->busy) > 0; i++)
        pause_briefly();
    pthread_mutex_lock(&pool->mutex);
    while (pool->busy > 0)
        pthread_cond_wait(&pool->finished, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}
