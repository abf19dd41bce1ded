"""The work of the image_conversion sample: plain functions from a task's input to its output.

Pictures are real files: binary PPM and PGM in, PNG out, with the standard library alone. Each
function gives the same files for the same input and puts them in place in one step, so that doing a
task twice (a worker died before it could say that it was done) does no harm.
"""

import html
import os
import random
import struct
import zlib

from plain_tasks import BadInput, put_file


def image_read(task_input):
    """{folder, width, height, seed} → {picture, width, height}: draws the picture."""
    folder = task_input.get("folder")
    if not folder:
        raise BadInput("'folder' is missing: where should the pictures go?")
    width, height = int(task_input.get("width") or 160), int(task_input.get("height") or 120)
    if not (0 < width <= 4096 and 0 < height <= 4096):
        raise BadInput(f"{width} x {height} is not a picture of 1 to 4096 pixels a side")
    seed = int(task_input.get("seed") or 0)
    dice = random.Random(seed)
    red, green, blue = (dice.randrange(1, 8) for _ in range(3))
    pixels = bytearray()
    for y in range(height):
        for x in range(width):
            pixels += bytes((x * red & 255, y * green & 255, (x + y) * blue & 255))
    os.makedirs(folder, exist_ok=True)
    picture = os.path.join(folder, f"picture-{seed}-{width}x{height}.ppm")
    write_netpbm(picture, width, height, pixels)
    return {"picture": picture, "width": width, "height": height}


def image_resize(task_input):
    """{picture, width} → {picture, width, height}: nearest pixel, same proportions."""
    width, height, depth, pixels = read_netpbm(task_input["picture"])
    new_width = max(1, int(task_input.get("width") or 32))
    new_height = max(1, height * new_width // width)
    shrunk = bytearray()
    for y in range(new_height):
        row = (y * height // new_height) * width
        for x in range(new_width):
            at = (row + x * width // new_width) * depth
            shrunk += pixels[at : at + depth]
    picture = renamed(task_input["picture"], f"-to-{new_width}")
    write_netpbm(picture, new_width, new_height, shrunk)
    return {"picture": picture, "width": new_width, "height": new_height}


def image_grey(task_input):
    """{picture} → {picture}: the brightness of every pixel."""
    width, height, _, pixels = read_netpbm(task_input["picture"])
    picture = renamed(task_input["picture"], "-grey", ".pgm")
    write_netpbm(picture, width, height, brightness(pixels))
    return {"picture": picture}


def image_encode(task_input):
    """{picture} → {file, bytes}: the picture as PNG."""
    width, height, depth, pixels = read_netpbm(task_input["picture"])
    line = width * depth
    filtered = b"".join(b"\0" + bytes(pixels[y * line : (y + 1) * line]) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if depth == 3 else 0, 0, 0, 0)
    content = (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(filtered, 6))
        + png_chunk(b"IEND", b"")
    )
    file = renamed(task_input["picture"], "", ".png")
    put_file(file, content)
    return {"file": file, "bytes": len(content)}


def image_histogram(task_input):
    """{picture} → {counts, pixels}: how many pixels fall into each of eight steps of brightness."""
    width, height, depth, pixels = read_netpbm(task_input["picture"])
    counts = [0] * 8
    for value in brightness(pixels) if depth == 3 else pixels:
        counts[value >> 5] += 1
    return {"counts": counts, "pixels": width * height}


def image_publish(task_input):
    """{folder, thumbnail, grey, histogram} → {page}: a page that shows the results."""
    thumbnail, grey = task_input["thumbnail"], task_input["grey"]
    page = page_beside(grey)
    put_file(
        page,
        f"<!doctype html>{shown([thumbnail, grey])}<p>brightness: {task_input['histogram']}\n".encode(),
    )
    return {"page": page}


def image_show(task_input):
    """{folder, files} → {page}: a page that shows pictures."""
    files = task_input["files"]
    if not files:
        raise BadInput("no picture to show: 'widths' is empty")
    page = page_beside(files[0])
    put_file(page, f"<!doctype html>{shown(files)}\n".encode())
    return {"page": page}


TASKS = (
    image_read, image_resize, image_grey, image_encode, image_histogram, image_publish, image_show
)


def page_beside(file):
    return os.path.splitext(file)[0] + ".html"


def shown(files):
    names = (html.escape(os.path.basename(file)) for file in files)
    return "<p>" + "".join(f'<img src="{name}" alt="{name}">' for name in names)


# --- files ----------------------------------------------------------------------------------------


def renamed(path, suffix, ending=None):
    stem, old_ending = os.path.splitext(path)
    return stem + suffix + (ending or old_ending)


def write_netpbm(path, width, height, pixels):
    kind = "P6" if len(pixels) == width * height * 3 else "P5"
    put_file(path, f"{kind}\n{width} {height}\n255\n".encode() + bytes(pixels))


def read_netpbm(path):
    """(width, height, bytes a pixel, pixels) of a file that write_netpbm made."""
    with open(path, "rb") as file:
        kind = file.readline().strip()
        width, height = (int(word) for word in file.readline().split())
        file.readline()
        pixels = file.read()
    if kind not in (b"P5", b"P6"):
        raise BadInput(f"{path} is not a binary PPM or PGM file")
    return width, height, 3 if kind == b"P6" else 1, pixels


def brightness(pixels):
    """ITU-R BT.601 luma of RGB triples."""
    return bytes(
        (299 * red + 587 * green + 114 * blue) // 1000
        for red, green, blue in zip(pixels[0::3], pixels[1::3], pixels[2::3])
    )


def png_chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
