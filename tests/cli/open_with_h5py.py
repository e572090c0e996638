# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens the file that test_open_with_h5py.c writes as a stranger would: one line of h5py, one line of xarray.

Usage: open_with_h5py.py FILE. Exits with 77 where h5py, h5netcdf or xarray is missing.
"""
import sys

try:
    import h5netcdf  # noqa: F401
    import h5py
    import numpy as np
    import xarray as xr
except ImportError as missing:
    print(missing)
    sys.exit(77)

path = sys.argv[1]
group = "/captures/quick/z"
images = ["a.png", "b.png", "caf\u00e9.png", "", "e.png"]
expected = np.arange(5, dtype="f4")[:, None] + np.float32(0.25) * np.arange(3, dtype="f4")

value = h5py.File(path)[group + "/value"][:]
assert value.dtype == np.float32 and np.array_equal(value, expected)

data = xr.open_dataset(path, group=group, engine="h5netcdf")
assert data.value.dims == ("image", "channel"), data.value.dims
assert list(data.image.values) == images and list(data.channel.values) == [0, 1, 2]
assert np.array_equal(data.value.sel(image="b.png").values, expected[1])
assert data.value.attrs == {"arithmetic_dtype": "fp16", "long_name": "output", "units": "1"}, data.value.attrs
assert data.image.attrs["long_name"] == "image name" and data.channel.attrs["units"] == "1"

with h5py.File(path) as file:
    assert list(file["/"]) == ["provenance", "captures"]
    assert list(file["/captures/quick"]) == ["z", "a"]
    assert file.attrs["schema"] == "clip-parity/1"
    assert len(file.attrs["content_digest"]) == 64 and file.attrs["progress"] == 5
    assert file[group + "/value"].fletcher32 and list(file[group + "/value"].dims[1]) == ["channel"]
    assert list(file[group + "/image"].asstr()[:]) == images
