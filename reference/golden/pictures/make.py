# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of every kind that CLIP is given, and what Pillow reads from them.

    KIND.jpg, .png, .webp   written by Pillow, some of them changed byte by byte afterwards
    pictures.csv            mode, size and SHA-256 of the pixels, of convert("RGB"), and of that after
                            ImageOps.exif_transpose; "refused" where Pillow raises
    PROVENANCE.txt

Run from the repository's root with Debian's python3-pil:

    /usr/bin/python3 reference/golden/pictures/make.py            writes the files
    /usr/bin/python3 reference/golden/pictures/make.py FOLDER     only FOLDER/pictures.csv, of what lies there:
                                                                  CP_PICTURES=FOLDER for the test
"""

import csv
import hashlib
import io
import platform
import struct
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageOps, features

HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT = 37, 29  # no multiple of a JPEG block, nor of a chroma sample
FIELDS = ("name", "mode", "width", "height", "pixels", "rgb", "oriented")


def photo(channels, seed=0):
    """Slopes, an edge and a little noise: every frequency, no random file sizes."""
    rng = np.random.default_rng(seed)
    y, x, c = np.indices((HEIGHT, WIDTH, channels))
    values = 90 + 60 * np.sin(x / 5 + c) + 50 * np.cos(y / 7 - c) + 55 * (x > 20) + rng.normal(0, 6, x.shape)
    return np.clip(values, 0, 255).astype(np.uint8)


def saved(image, form, **how):
    file = io.BytesIO()
    image.save(file, form, **how)
    return file.getvalue()


# ---- JPEG ----


def segment(marker, data):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def with_segment(jpeg, marker, data):
    return jpeg[:2] + segment(marker, data) + jpeg[2:]


def without_app0(jpeg):
    return jpeg[:2] + jpeg[4 + struct.unpack(">H", jpeg[4:6])[0]:] if jpeg[2:4] == b"\xff\xe0" else jpeg


def replaced(data, old, new):
    at = data.index(old)
    return data[:at] + new + data[at + len(old):]


def exif(orientation, big_endian=False):
    order = ">" if big_endian else "<"
    return (b"MM\0*" if big_endian else b"II*\0") + struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def sof_height(jpeg, height):
    at = max(jpeg.find(b"\xff\xc0"), jpeg.find(b"\xff\xc2"))
    return jpeg[:at + 5] + struct.pack(">H", height) + jpeg[at + 7:]


def jpegs():
    rgb, grey, cmyk = Image.fromarray(photo(3)), Image.fromarray(photo(1)[:, :, 0]), Image.fromarray(photo(4), "CMYK")
    for name, subsampling in (("444", 0), ("422", 1), ("420", 2)):
        yield f"rgb-{name}.jpg", saved(rgb, "JPEG", quality=80, subsampling=subsampling)
    yield "rgb-progressive.jpg", saved(rgb, "JPEG", quality=70, progressive=True)
    yield "rgb-quality-5.jpg", saved(rgb, "JPEG", quality=5)
    yield "rgb-quality-100.jpg", saved(rgb, "JPEG", quality=100, optimize=True)
    yield "grey.jpg", saved(grey, "JPEG", quality=75)
    yield "grey-progressive.jpg", saved(grey, "JPEG", quality=75, progressive=True)
    yield "cmyk.jpg", saved(cmyk, "JPEG", quality=85)
    yield "ycck.jpg", replaced(saved(cmyk, "JPEG", quality=85), b"Adobe\0d\0\0\0\0\0", b"Adobe\0d\0\0\0\0\2")
    plain = saved(rgb, "JPEG", quality=80)
    yield "rgb-adobe-transform-0.jpg", with_segment(without_app0(plain), 0xEE, b"Adobe\0d\0\0\0\0\0")
    yield "rgb-one-pixel.jpg", saved(rgb.crop((3, 4, 4, 5)), "JPEG")
    for orientation in range(1, 9):
        app1 = b"Exif\0\0" + exif(orientation, orientation % 2 == 0)
        yield f"orientation-{orientation}.jpg", with_segment(plain, 0xE1, app1)
    yield "false-height.jpg", sof_height(plain, 2 * HEIGHT)  # Pillow reads what there is, and grey below
    noise = bytearray(plain)
    noise[len(noise) * 3 // 4] ^= 0x55
    yield "corrupt-scan.jpg", bytes(noise)  # a warning in libjpeg
    yield "refused-without-end.jpg", plain[:-2]
    yield "refused-truncated.jpg", plain[:len(plain) * 3 // 4]
    yield "refused-truncated-progressive.jpg", saved(rgb, "JPEG", progressive=True)[:500]
    yield "refused-12-bits.jpg", replaced(plain, b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c")
    yield "refused-lossless.jpg", replaced(plain, b"\xff\xc0", b"\xff\xc3")
    yield "refused-zero-height.jpg", sof_height(plain, 0)


# ---- PNG ----


def chunk(name, data=b""):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_16(colour_type, channels):
    rng = np.random.default_rng(colour_type)
    values = (photo(channels, 1).astype(np.uint16) << 8) + rng.integers(0, 256, (HEIGHT, WIDTH, channels)).astype(np.uint16)
    if colour_type == 0:
        values //= 150  # Pillow's convert("RGB") cuts at 255: values on both sides
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND")


def pngs():
    for name, colour_type, channels in (("grey", 0, 1), ("rgb", 2, 3), ("grey-alpha", 4, 2), ("rgba", 6, 4)):
        yield f"{name}-16.png", png_16(colour_type, channels)
    frames = [Image.fromarray(photo(4, seed)) for seed in (1, 2)]
    yield "animated.png", saved(frames[0], "PNG", save_all=True, append_images=frames[1:])
    yield "orientation-6.png", saved(Image.fromarray(photo(3)), "PNG", exif=b"Exif\0\0" + exif(6))


# ---- WebP ----


def webps():
    rgb, rgba = Image.fromarray(photo(3)), Image.fromarray(photo(4))
    yield "lossy.webp", saved(rgb, "WEBP", quality=70)
    yield "lossy-alpha.webp", saved(rgba, "WEBP", quality=70)
    yield "lossless.webp", saved(rgb, "WEBP", lossless=True)
    yield "lossless-alpha.webp", saved(rgba, "WEBP", lossless=True, exact=True)
    yield "animated.webp", saved(rgba, "WEBP", save_all=True, append_images=[Image.fromarray(photo(4, 3))])
    yield "orientation-8.webp", saved(rgb, "WEBP", exif=b"Exif\0\0" + exif(8))
    yield "refused-truncated.webp", saved(rgb, "WEBP", quality=70)[:200]
    yield "refused-truncated-lossless.webp", saved(rgb, "WEBP", lossless=True)[:300]


# ---- what Pillow reads ----


def digest(image):
    if image.mode == "1":
        image = image.convert("L")
    return hashlib.sha256(image.tobytes()).hexdigest()[:32]


def read(path):
    row = dict.fromkeys(FIELDS, "refused") | {"name": path.name}
    try:
        with Image.open(path) as image:
            image.load()
            row |= {"mode": image.mode, "width": image.width, "height": image.height, "pixels": digest(image)}
            row |= {"rgb": digest(image.convert("RGB")), "oriented": digest(ImageOps.exif_transpose(image).convert("RGB"))}
    except (OSError, SyntaxError, ValueError):
        pass
    return row


def provenance():
    lines = [
        "source: generated by reference/golden/pictures/make.py",
        f"python: {platform.python_version()}",
        f"pillow: {PIL.__version__}",
        f"libjpeg-turbo: {features.version('libjpeg_turbo')}",
        f"webp: {features.version('webp')}",
        f"numpy: {np.__version__}",
    ]
    (HERE / "PROVENANCE.txt").write_text("\n".join(lines) + "\n")


def main():
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    if folder == HERE:
        for make in (jpegs, pngs, webps):
            for name, data in make():
                (HERE / name).write_bytes(data)
        provenance()
    paths = sorted(p for p in folder.iterdir() if p.suffix in (".png", ".jpg", ".jpeg", ".webp"))
    with (folder / "pictures.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(read(path) for path in paths)


if __name__ == "__main__":
    main()
