/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which tensors of a checkpoint are the model's: those under one path of keys, whatever lies beside them. */
#ifndef CP_MODEL_STATE_DICT_H
#define CP_MODEL_STATE_DICT_H

#include "checkpoint/checkpoint.h"

/* Opens FILE or FILE#KEY, of any format, and finds the model in it: tensors with the names of a layout behind one
 * common prefix ("state_dict.", "model.module.", none). They alone are left, under the layout's names; tensors that
 * no model has are dropped, and notes say all this. KEY is that prefix, or keys that it begins with. CP_BAD_INPUT
 * where several models are in the file and KEY chooses none. A file without a model is left as it is: cp_layout_of
 * tells what it is. Close with cp_checkpoint_close; *file is NULL after a failure. */
enum cp_status cp_state_dict_open(const char *path, struct cp_checkpoint **file, struct cp_error *err);

#endif
