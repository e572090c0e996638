/* SPDX-License-Identifier: GPL-3.0-or-later
 * Groups, attributes and documents of a result file. */
#include "result/internal.h"

#include <stdlib.h>
#include <string.h>

void cp_result_release(hid_t id) {
    if (id >= 0)
        (void)H5Idec_ref(id);
}

/* The library lists its errors outermost first; the first of an upward walk is the cause. */
static herr_t take_cause(unsigned position, const H5E_error2_t *entry, void *context) {
    if (position == 0)
        *(const char **)context = entry->desc;
    return 0;
}

const char *cp_result_hdf5_cause(void) {
    const char *cause = "HDF5 gives no reason";
    (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_cause, &cause);
    return cause;
}

enum cp_status cp_result_fail(const struct cp_result *result, struct cp_error *err, const char *what,
                              const char *name) {
    CP_TRY(cp_journaled_status(result->disk, err));
    return cp_fail(err, CP_INTERNAL, result->partial, "%s %s: %s", what, name, cp_result_hdf5_cause());
}

static hid_t open_member(const struct cp_result *result, hid_t parent, const char *name) {
    const htri_t exists = H5Lexists(parent, name, H5P_DEFAULT);
    if (exists > 0)
        return H5Gopen2(parent, name, H5P_DEFAULT);
    return exists < 0 ? -1 : H5Gcreate2(parent, name, H5P_DEFAULT, result->group_list, H5P_DEFAULT);
}

enum cp_status cp_result_open_group(struct cp_result *result, const char *path, hid_t *group,
                                    struct cp_error *err) {
    char *names = strdup(path);
    char *rest = NULL;
    CP_TRY(CP_CHECK_ALLOC(names, err, result->partial, "a result"));
    *group = H5Gopen2(result->file, "/", H5P_DEFAULT);
    for (const char *name = strtok_r(names, "/", &rest); name != NULL && *group >= 0;
         name = strtok_r(NULL, "/", &rest)) {
        const hid_t parent = *group;
        *group = open_member(result, parent, name);
        cp_result_release(parent);
    }
    free(names);
    return *group < 0 ? cp_result_fail(result, err, "cannot make the group", path) : CP_OK;
}

enum cp_status cp_result_attribute(struct cp_result *result, hid_t object, const char *name, hid_t type,
                                   const void *data, struct cp_error *err) {
    const hid_t space = H5Screate(H5S_SCALAR);
    const htri_t exists = H5Aexists(object, name);
    hid_t attribute = -1;
    enum cp_status status = CP_OK;
    if (exists >= 0 && (exists == 0 || H5Adelete(object, name) >= 0))
        attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0 || H5Awrite(attribute, type, data) < 0)
        status = cp_result_fail(result, err, "cannot write the attribute", name);
    cp_result_release(attribute);
    cp_result_release(space);
    return status;
}

enum cp_status cp_result_attribute_text(struct cp_result *result, hid_t object, enum cp_schema_id id,
                                        const char *value, struct cp_error *err) {
    return cp_result_attribute(result, object, cp_schema[id].attribute, result->text_type, &value, err);
}

static enum cp_status attribute_at(struct cp_result *result, const char *path, const char *name, hid_t type,
                                   const void *data, struct cp_error *err) {
    CP_TRY(cp_journaled_status(result->disk, err));
    hid_t object = H5Oopen(result->file, path, H5P_DEFAULT);
    if (object < 0)
        CP_TRY(cp_result_open_group(result, path, &object, err));
    const enum cp_status status = cp_result_attribute(result, object, name, type, data, err);
    cp_result_release(object);
    return status;
}

enum cp_status cp_result_text(struct cp_result *result, const char *object, const char *name,
                              const char *value, struct cp_error *err) {
    return attribute_at(result, object, name, result->text_type, &value, err);
}

enum cp_status cp_result_number(struct cp_result *result, const char *object, const char *name, double value,
                                struct cp_error *err) {
    return attribute_at(result, object, name, H5T_IEEE_F64LE, &value, err);
}

enum cp_status cp_result_integer(struct cp_result *result, const char *object, const char *name,
                                 int64_t value, struct cp_error *err) {
    return attribute_at(result, object, name, H5T_STD_I64LE, &value, err);
}

static hid_t open_document(const struct cp_result *result, hid_t group, const char *name) {
    const htri_t exists = H5Lexists(group, name, H5P_DEFAULT);
    if (exists != 0)
        return exists < 0 ? -1 : H5Dopen2(group, name, H5P_DEFAULT);
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    hid_t dataset = -1;
    if (list >= 0 && H5Pset_obj_track_times(list, 0) >= 0)
        dataset = H5Dcreate2(group, name, result->text_type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    cp_result_release(list);
    cp_result_release(space);
    return dataset;
}

enum cp_status cp_result_document(struct cp_result *result, const char *group, const char *name,
                                  const char *long_name, const char *text, struct cp_error *err) {
    enum cp_status status = CP_OK;
    hid_t parent = -1;
    hid_t dataset = -1;
    CP_TRY(cp_journaled_status(result->disk, err));
    CP_TRY_DONE(cp_result_open_group(result, group, &parent, err));
    dataset = open_document(result, parent, name);
    if (dataset < 0 || H5Dwrite(dataset, result->text_type, H5S_ALL, H5S_ALL, result->transfer, &text) < 0) {
        status = cp_result_fail(result, err, "cannot write the document", name);
        goto done;
    }
    CP_TRY_DONE(cp_result_attribute_text(result, dataset, CP_SCHEMA_LONG_NAME, long_name, err));
    CP_TRY_DONE(cp_result_attribute_text(result, dataset, CP_SCHEMA_UNITS, CP_SCHEMA_NO_UNIT, err));
done:
    cp_result_release(dataset);
    cp_result_release(parent);
    return status;
}
