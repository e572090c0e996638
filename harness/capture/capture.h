/* SPDX-License-Identifier: GPL-3.0-or-later
 * A capture: the taps of one forward pass over some inputs, in an HDF5 file that this program or another one
 * wrote.
 *
 * HDF5 is no safe parser, so other people's files are opened in a child process with limits on memory,
 * processor time and time, and this process only ever sees what the child sends: a file that crashes the
 * library or hangs it is CP_BAD_INPUT like any other; memory that the child does not get is CP_INTERNAL.
 * Refused besides: links to elsewhere (soft, external), data outside the file (external storage, virtual
 * datasets), groups linked into themselves, filters that are not there, chunks beyond CP_CAPTURE_CHUNK, more
 * values than the file can hold, ids of another length than the tap `tokens`,
 * what is no floating point, another schema.
 *
 * Without a map the file is of the schema clip-parity/1: /captures/NAME/TAP/value, float16, float32 or
 * float64 with the attributes arithmetic_dtype and, where it applies, recomputed (an integer, not 0), in
 * canonical layout. With a map any file will do. Values are
 * handed out as float32; float64 is rounded to it. */
#ifndef CP_CAPTURE_CAPTURE_H
#define CP_CAPTURE_CAPTURE_H

#include "base/arena.h"
#include "base/number.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { CP_CAPTURE_RANK = 4, CP_CAPTURE_CHUNK = 1 << 28, CP_CAPTURE_TAPS = 1 << 16 };

/* What the file says of the pass; "" where it says nothing. */
enum cp_capture_fact {
    CP_CAPTURE_NAME,     /* of the capture */
    CP_CAPTURE_SETTINGS, /* of its spec: a line "ADDRESS: VALUE" each, on the default */
    CP_CAPTURE_SAYS,     /* "yes" where it says its settings, be it that there are none */
    CP_CAPTURE_MODEL,    /* the section `model` of the experiment that made it, as YAML */
    CP_CAPTURE_CHECKPOINT,
    CP_CAPTURE_OWN, /* the checkpoint of this capture alone, in the place of the model's */
    CP_CAPTURE_CONFIG,
    CP_CAPTURE_SEED,       /* of a seeded model */
    CP_CAPTURE_GRAFT_FROM, /* the capture that it goes on from, and the tap */
    CP_CAPTURE_GRAFT_AT,
    CP_CAPTURE_FACTS
};

struct cp_capture_tap {
    const char *name; /* open_clip's module path, or whatever the file calls it */
    int rank;         /* 2 to CP_CAPTURE_RANK, canonical */
    size_t shape[CP_CAPTURE_RANK];
    enum cp_dtype arithmetic;
    bool recomputed; /* by the capture tool, from other taps: what the system itself had there was not
                        observed */
};

struct cp_capture {
    const char *path;
    const char *fact[CP_CAPTURE_FACTS];
    size_t taps;
    struct cp_capture_tap *tap;    /* [taps] in the file's order of creation, where it has one */
    size_t prompts, tokens;        /* of /inputs/tokens; 0: not there */
    struct cp_capture_link *child; /* the process that reads */
    struct cp_arena arena;
};

struct cp_capture_limits {
    double open_seconds, read_seconds; /* of one request */
    size_t memory;                     /* bytes of address space */
};
extern const struct cp_capture_limits cp_capture_limits; /* 20 s, 120 s, 6 GiB */

/* Where each tap of a foreign file is and how it is laid out: YAML,
 *
 *   taps:
 *     visual.conv1: {dataset: /layers/patch_embed, layout: NCHW}
 *     visual.transformer.resblocks.0: {dataset: /layers/block_0, layout: LNC, arithmetic: fp16}
 *     pooled: {dataset: /pooled, recomputed: true}
 *
 * Letters of a layout: N input, L token, C channel; H and W rows and columns of patches; with Q and K heads
 * and their scores (NHQK); with D heads and their channels (NLHD, NHLD). Any order of NLC, NC, NCHW, NLHD and
 * NHQK is put into the canonical one, in which patches are tokens and heads lie side by side. Without a
 * layout the data is canonical. */
struct cp_capture_map {
    size_t count;
    struct cp_capture_place {
        const char *tap, *dataset;
        const char *layout; /* NULL: canonical */
        enum cp_dtype arithmetic;
        bool recomputed;
    } * places; /* [count] */
};
enum cp_status cp_capture_map_load(const char *path, struct cp_arena *arena, struct cp_capture_map *map,
                                   struct cp_error *err);

/* name: which of the file's captures; NULL: "baseline", or the only one. map NULL: none. Close with
 * cp_capture_close, which takes NULL. */
enum cp_status cp_capture_open(const char *path, const char *name, const struct cp_capture_map *map,
                               const struct cp_capture_limits *limits, struct cp_capture **capture,
                               struct cp_error *err);
void cp_capture_close(struct cp_capture *capture);

/* Inputs [first, first + rows) of a tap, canonical and contiguous. */
enum cp_status cp_capture_read(struct cp_capture *capture, size_t tap, size_t first, size_t rows,
                               float *values, struct cp_error *err);
/* (prompts, tokens) token ids. */
enum cp_status cp_capture_tokens(struct cp_capture *capture, int32_t *ids, struct cp_error *err);
/* What the inputs of a tap are called, in the arena: (shape[0]) texts, or NULL where they have no names. */
enum cp_status cp_capture_labels(struct cp_capture *capture, size_t tap, struct cp_arena *arena,
                                 const char *const **labels, struct cp_error *err);

/* Everything that a file of our schema says of how it was made, in the arena: the attributes of /provenance,
 * and the digest of each input file under its path. */
struct cp_capture_environment {
    size_t count;
    const char **name, **value; /* [count] */
};
enum cp_status cp_capture_environment(const char *path, const struct cp_capture_limits *limits,
                                      struct cp_arena *arena, struct cp_capture_environment *environment,
                                      struct cp_error *err);

/* The tap of that name; capture->taps if there is none. */
size_t cp_capture_find(const struct cp_capture *capture, const char *name);

/* What else a child makes of an HDF5 file, in capture/server.h's terms: writes it to source->out. */
struct cp_capture_server;
typedef enum cp_status cp_capture_writer(struct cp_capture_server *server);
/* Has a child do that; out: a file in memory. */
enum cp_status cp_capture_write(const char *path, const struct cp_capture_limits *limits,
                                cp_capture_writer *write, FILE *out, struct cp_error *err);

#endif
