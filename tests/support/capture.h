/* SPDX-License-Identifier: GPL-3.0-or-later
 * Small captures, written with HDF5's own functions as a stranger would, and how each is opened. */
#ifndef CP_TESTS_SUPPORT_CAPTURE_H
#define CP_TESTS_SUPPORT_CAPTURE_H

#include "capture/capture.h"

#include <hdf5.h>

enum { CAPTURE_IMAGES = 3, CAPTURE_CHANNELS = 4 };

const char *capture_path(void);

void capture_text(hid_t object, const char *name, const char *text);

/* A new file of our schema with an empty capture "theirs"; *capture is its group. */
hid_t capture_start(hid_t *capture);

/* The value of a tap, of any type and shape, not yet written; arithmetic NULL: without that attribute. */
hid_t capture_tap(hid_t capture, const char *name, hid_t type, int rank, const hsize_t *shape, hid_t list,
                  const char *arithmetic);

/* image_features with the values 0, 1, 2, ... */
void capture_features(hid_t capture, hid_t list);

void capture_end(hid_t file, hid_t capture);

/* Opens the file and reads every tap; the error's line in text, "" where there is none. */
enum cp_status capture_read_all(const char *name, const struct cp_capture_map *map,
                                const struct cp_capture_limits *limits, char text[1600]);

/* Reading the file as it is now fails with a line that ends so; refused: with CP_BAD_INPUT. */
void capture_fails(const char *name, const struct cp_capture_map *map, enum cp_status code,
                   const char *expected);
void capture_refused_as(const char *name, const struct cp_capture_map *map, const char *expected);
void capture_refused(const char *expected);

/* A file with image_features alone. */
void capture_good_file(void);

#endif
