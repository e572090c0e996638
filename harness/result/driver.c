/* SPDX-License-Identifier: GPL-3.0-or-later
 * The callbacks that HDF5 wants, and the flags that keep raw data away from the last commit's metadata. */
#include "result/driver.h"

#include <stdlib.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

/* What the library copies from a property list when it opens a file. */
struct access {
    struct cp_journaled *file;
};

struct driver {
    H5FD_t base; /* first: the library's part */
    struct cp_journaled *file;
};

static struct cp_journaled *file_of(const H5FD_t *base) {
    return ((const struct driver *)(const void *)base)->file;
}

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access_list, haddr_t limit) {
    (void)name;
    (void)flags;
    (void)limit;
    const struct access *access = H5Pget_driver_info(access_list);
    struct driver *driver = access == NULL ? NULL : calloc(1, sizeof *driver);
    if (driver == NULL)
        return NULL;
    driver->file = access->file;
    cp_journaled_set_length(driver->file, 0);
    return &driver->base;
}

static herr_t driver_close(H5FD_t *base) {
    free(base);
    return 0;
}

static int driver_compare(const H5FD_t *a, const H5FD_t *b) {
    const struct cp_journaled *first = file_of(a);
    const struct cp_journaled *second = file_of(b);
    return (first > second) - (first < second);
}

static herr_t driver_query(const H5FD_t *base, unsigned long *flags) {
    (void)base;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

/* A raw write must never hit metadata of the last commit. Space freed at the end is therefore not given back,
 * and space freed elsewhere is reused for its own kind only (fl_map; the library's H5FD_FLMAP_DICHOTOMY
 * counts the global heap, which holds strings, as raw data). */
static herr_t driver_free(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address, hsize_t size) {
    (void)base;
    (void)type;
    (void)transfer;
    (void)address;
    (void)size;
    return 0;
}

static haddr_t driver_get_eoa(const H5FD_t *base, H5FD_mem_t type) {
    (void)type;
    return cp_journaled_length(file_of(base));
}

static herr_t driver_set_eoa(H5FD_t *base, H5FD_mem_t type, haddr_t address) {
    (void)type;
    cp_journaled_set_length(file_of(base), address);
    return 0;
}

static haddr_t driver_get_eof(const H5FD_t *base, H5FD_mem_t type) {
    (void)type;
    return cp_journaled_size(file_of(base));
}

static herr_t driver_read(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size,
                          void *data) {
    (void)type;
    (void)transfer;
    return cp_journaled_read(file_of(base), address, size, data) ? 0 : -1;
}

static herr_t driver_write(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size,
                           const void *data) {
    struct cp_journaled *file = file_of(base);
    (void)transfer;
    if (type == H5FD_MEM_DRAW)
        cp_journaled_write(file, address, size, data);
    else
        cp_journaled_hold(file, address, size, data);
    return 0;
}

static const H5FD_class_t DRIVER = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    .value = H5_VFD_RESERVED + 256, /* where private drivers begin */
#endif
    .name = "clip-parity journaled",
    .maxaddr = (haddr_t)INT64_MAX,
    .fc_degree = H5F_CLOSE_SEMI,
    .fapl_size = sizeof(struct access),
    .open = driver_open,
    .close = driver_close,
    .cmp = driver_compare,
    .query = driver_query,
    .free = driver_free,
    .get_eoa = driver_get_eoa,
    .set_eoa = driver_set_eoa,
    .get_eof = driver_get_eof,
    .read = driver_read,
    .write = driver_write,
    .fl_map = {[H5FD_MEM_DEFAULT] = H5FD_MEM_SUPER,
               [H5FD_MEM_SUPER] = H5FD_MEM_SUPER,
               [H5FD_MEM_BTREE] = H5FD_MEM_SUPER,
               [H5FD_MEM_DRAW] = H5FD_MEM_DRAW,
               [H5FD_MEM_GHEAP] = H5FD_MEM_SUPER,
               [H5FD_MEM_LHEAP] = H5FD_MEM_SUPER,
               [H5FD_MEM_OHDR] = H5FD_MEM_SUPER},
};

hid_t cp_result_driver_access(struct cp_journaled *file) {
    const struct access access = {file};
    static hid_t driver = -1;
    if (driver < 0)
        driver = H5FDregister(&DRIVER); /* for good: the library reads it after the last file is closed */
    const hid_t list = driver < 0 ? -1 : H5Pcreate(H5P_FILE_ACCESS);
    if (driver < 0 || list < 0 || H5Pset_driver(list, driver, &access) < 0) {
        if (list >= 0)
            (void)H5Pclose(list);
        return -1;
    }
    return list;
}
