/* SPDX-License-Identifier: GPL-3.0-or-later
 * HDF5 as `clip-parity convert` writes it: /tensors/NAME/value in float32, and texts as attributes of the
 * file. */
#ifndef CP_CHECKPOINT_HDF5_CHILD_H
#define CP_CHECKPOINT_HDF5_CHILD_H

#include "base/status.h"

struct cp_capture_server;

/* In the child: opens the file, and writes its tensors to source->out as safetensors. */
enum cp_status cp_hdf5_write_weights(struct cp_capture_server *s);

#endif
