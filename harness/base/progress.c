/* SPDX-License-Identifier: GPL-3.0-or-later
 * Counts inputs of whole batches, and of the one at hand by its stages. */
#include "base/progress.h"

#include "base/clock.h"
#include "base/escape.h"
#include "base/sentence.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

enum { BAR = 24 };
static const double terminal_seconds = 0.25, pipe_seconds = 10;
static const char clear_line[] = "\r\033[K";

static bool is_terminal(FILE *out) {
    return out && isatty(fileno(out));
}

void cp_progress_reading(FILE *out, const char *what) {
    if (!is_terminal(out))
        return;
    (void)fputs(clear_line, out);
    cp_print(out, "reading %.60s", what);
    (void)fflush(out);
}

void cp_progress_clear(FILE *out) {
    if (!is_terminal(out))
        return;
    (void)fputs(clear_line, out);
    (void)fflush(out);
}

const char *cp_progress_seconds(double seconds, char text[32]) {
    const unsigned whole = (unsigned)fmin(seconds + 0.5, 1e9);
    if (whole < 120)
        (void)snprintf(text, 32, "%u s", whole);
    else if (whole < 7200)
        (void)snprintf(text, 32, "%u min %02u s", whole / 60, whole % 60);
    else
        (void)snprintf(text, 32, "%u h %02u min", whole / 3600, whole / 60 % 60);
    return text;
}

static double done_inputs(const struct cp_progress *p) {
    return (double)p->done + (p->stages ? (double)p->inputs * (double)p->stage / (double)p->stages : 0);
}

static void append_bar(const struct cp_progress *p, double done, double rate, double left,
                       struct cp_sentence *s) {
    char bar[BAR + 1], time_left[32];
    const size_t filled = p->total ? (size_t)(BAR * done / (double)p->total) : BAR;
    for (size_t i = 0; i < BAR; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[BAR] = '\0';
    cp_append(s, "%s[%s] %.0f of %zu inputs, %.3g/s, %s left", clear_line, bar, floor(done), p->total, rate,
              cp_progress_seconds(left, time_left));
}

static void show(struct cp_progress *p, bool whole) {
    const double at = cp_clock_seconds(), spent = at - p->start, done = done_inputs(p);
    const bool last = whole && p->done == p->total, nothing = !p->terminal && done < 1;
    if (!p->out || p->hidden || nothing ||
        (!last && at - p->shown < (p->terminal ? terminal_seconds : pipe_seconds)))
        return;
    const double fresh = done - (double)p->skipped;
    const double rate = spent > 0 ? fresh / spent : 0, left = rate > 0 ? ((double)p->total - done) / rate : 0;
    p->shown = at;
    char text[160];
    struct cp_sentence line = {text, sizeof text, 0};
    if (p->terminal)
        append_bar(p, done, rate, left, &line);
    else
        cp_append(&line, "%.0f of %zu inputs, %.0f s, %.0f s left\n", floor(done), p->total, spent, left);
    (void)fputs(text, p->out); /* as one piece: the stream has no buffer */
    p->drawn = p->terminal;
    (void)fflush(p->out);
}

void cp_progress_start(struct cp_progress *p, FILE *out, bool hidden, size_t total) {
    *p = (struct cp_progress){.out = out,
                              .hidden = hidden,
                              .terminal = is_terminal(out),
                              .start = cp_clock_seconds(),
                              .total = total};
}

void cp_progress_skip(struct cp_progress *p, size_t inputs) {
    p->done += inputs;
    p->skipped += inputs;
}

void cp_progress_batch(struct cp_progress *p, size_t inputs, size_t stages) {
    p->inputs = inputs;
    p->stages = stages;
    p->stage = 0;
}

void cp_progress_stage(struct cp_progress *p) {
    p->stage += p->stage < p->stages;
    show(p, false);
}

void cp_progress_batch_done(struct cp_progress *p) {
    p->done += p->inputs;
    cp_progress_batch(p, 0, 0);
    show(p, true);
}

void cp_progress_line(struct cp_progress *p, const char *text) {
    if (!p->out)
        return;
    if (p->drawn)
        (void)fputs(clear_line, p->out);
    p->drawn = false;
    cp_print(p->out, "%s\n", text);
}

void cp_progress_end(struct cp_progress *p) {
    if (p->out && p->drawn)
        (void)fputc('\n', p->out);
    p->drawn = false;
}
