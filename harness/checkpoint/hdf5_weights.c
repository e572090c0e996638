/* SPDX-License-Identifier: GPL-3.0-or-later
 * Weights in HDF5. The library is let near a stranger's file in a child process only, as for captures: the
 * child writes what it read as safetensors into memory that both have, and safetensors' reader trusts it no
 * more than any other file. */
#include "capture/capture.h"
#include "checkpoint/hdf5_child.h"
#include "checkpoint/internal.h"
#include "result/check.h"

#include <sys/mman.h>
#include <unistd.h>

static enum cp_status add_image(struct cp_checkpoint *file, int image, struct cp_error *err) {
    const char *path = cp_arena_printf(&file->arena, "/proc/self/fd/%d", image);
    return path ? cp_checkpoint_add_safetensors(file, path, err)
                : cp_no_memory(err, file->path, "the checkpoint");
}

enum cp_status cp_checkpoint_read_hdf5(struct cp_checkpoint *file, struct cp_error *err) {
    CP_TRY(cp_result_check_digest(file->path, err)); /* what `convert` wrote has one */
    const int image = memfd_create("weights", MFD_CLOEXEC);
    FILE *out = image < 0 ? NULL : fdopen(image, "w");
    file->format = CP_FORMAT_HDF5;
    enum cp_status status =
        out ? cp_capture_write(file->path, &cp_capture_limits, cp_hdf5_write_weights, out, err)
            : cp_no_memory(err, file->path, "the checkpoint");
    if (status == CP_OK)
        status = add_image(file, image, err);
    if (out)
        (void)fclose(out);
    else if (image >= 0)
        (void)close(image);
    return status;
}
