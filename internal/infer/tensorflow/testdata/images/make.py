"""Makes the images in this folder and expected.json: what tf.image makes of them. Run
it in this folder with the TensorFlow of the tests, and with Pillow for the image in four
inks, which TensorFlow reads and does not write:

    python make.py
"""

import io
import json
import struct
import zlib

import numpy as np
import PIL.Image
import tensorflow as tf

random = np.random.RandomState(5)


def smooth(height, width, channels):
    """A picture with slopes and some noise, so that no two turns of it are alike."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [(x * (3 + c) * 9 + y * (11 - 2 * c) * 3) % 256 for c in range(channels)]
    noise = random.randint(-10, 10, (height, width, channels))
    return np.clip(np.stack(planes, -1) + noise, 0, 255).astype("uint8")


def tiff(orientation, order):
    """The orientation as EXIF has it."""
    big = order == "MM"
    p = ">" if big else "<"
    data = order.encode() + struct.pack(p + "HI", 42, 8) + struct.pack(p + "H", 2)
    data += struct.pack(p + "HHII", 0x0100, 4, 1, 7)
    return data + struct.pack(p + "HHIHH", 0x0112, 3, 1, orientation, 0) + struct.pack(p + "I", 0)


def exif(jpeg, orientation, order):
    """Puts an EXIF segment with an orientation into a JPEG, behind another one."""
    body = b"Exif\0\0" + tiff(orientation, order)
    comment = b"\xff\xfe" + struct.pack(">H", 2 + 4) + b"text"
    return jpeg[:2] + comment + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def chunk(png, body, behind):
    """Puts a chunk eXIf into a PNG, before the pixels or behind them."""
    data = b"eXIf" + body
    at = len(png) - 12 if behind else 33  # of IEND, or behind IHDR
    return png[:at] + struct.pack(">I", len(body)) + data + struct.pack(">I", zlib.crc32(data)) + png[at:]


def four_inks(picture):
    """A JPEG in CMYK."""
    out = io.BytesIO()
    PIL.Image.fromarray(picture).convert("CMYK").save(out, "JPEG", quality=95)
    return out.getvalue()


def upright(picture, orientation):
    """The picture as the EXIF standard says that it is to be shown."""
    return {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: np.swapaxes(a, 0, 1),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: np.rot90(np.swapaxes(a, 0, 1), 2),
        8: lambda a: np.rot90(a, 1),
    }[orientation](picture)


images = {
    "rgb.jpg": tf.io.encode_jpeg(smooth(13, 10, 3), quality=90).numpy(),
    "progressive.jpg": tf.io.encode_jpeg(smooth(13, 10, 3), progressive=True).numpy(),
    "grey.jpg": tf.io.encode_jpeg(smooth(9, 12, 1), format="grayscale").numpy(),
    "rgb.png": tf.io.encode_png(smooth(6, 7, 3)).numpy(),
    "grey.png": tf.io.encode_png(smooth(8, 5, 1)).numpy(),
    "grey_alpha.png": tf.io.encode_png(smooth(5, 5, 2)).numpy(),
    "rgba.png": tf.io.encode_png(smooth(5, 8, 4)).numpy(),
    "rgb16.png": tf.io.encode_png(smooth(4, 4, 3).astype("uint16") * 257).numpy(),
}
turned = {1: "II"}
for n in range(2, 9):
    turned[n] = "MM" if n % 2 else "II"
picture = tf.io.encode_jpeg(smooth(6, 4, 3), quality=95).numpy()
for n, order in turned.items():
    images[f"turned{n}.jpg"] = exif(picture, n, order)
picture = tf.io.encode_png(smooth(6, 4, 3)).numpy()
turned_png = {2: False, 6: True, 7: False}
for n, behind in turned_png.items():
    images[f"turned{n}.png"] = chunk(picture, tiff(n, "MM" if behind else "II"), behind)
images["cmyk.jpg"] = four_inks(smooth(12, 11, 3))

cases = []


def case(name, dtype, shape, scale="", size=None, channels=3, orientation=1, layout="NHWC"):
    """Adds what the input of this type and shape gets from an image."""
    jpeg = name.endswith("jpg")
    grey = name.startswith("cmyk") and channels == 1
    pixels = tf.io.decode_image(images[name], 3 if grey or jpeg and channels == 4 else channels, expand_animations=False).numpy()
    if grey:
        pixels = tf.image.rgb_to_grayscale(pixels).numpy()
    if jpeg and channels == 4:
        pixels = np.concatenate([pixels, np.full(pixels.shape[:2] + (1,), 255, "uint8")], -1)
    pixels = np.ascontiguousarray(upright(pixels, orientation))
    x = tf.constant(pixels)[tf.newaxis]
    if size:
        height, width = size
        x = tf.image.resize(x, [height or pixels.shape[0], width or pixels.shape[1]], method="bilinear", antialias=True)
    x = tf.cast(x, tf.float64)
    if dtype == "uint8":
        x = tf.cast(tf.round(x), tf.uint8)
    elif scale in ("", "0..1"):
        x = x / 255
    elif scale == "-1..1":
        x = x / 127.5 - 1
    elif scale.startswith("mean="):
        mean, std = ([float(v) for v in part.split("=")[1].split(",")] for part in scale.split(";"))
        x = (x / 255 - mean) / std
    x = x.numpy()
    if layout == "NCHW":
        x = x.transpose(0, 3, 1, 2)
    elif layout == "NHW":
        x = x[..., 0]
    elif layout == "HWC":
        x = x[0]
    elif layout == "CHW":
        x = x[0].transpose(2, 0, 1)
    cases.append({
        "image": name, "dtype": dtype, "shape": shape, "scale": scale,
        "want": {"shape": list(x.shape), "values": [round(float(v), 9) for v in x.ravel()]},
    })


for name in ("rgb.jpg", "progressive.jpg", "rgb.png", "rgba.png", "grey.png", "grey.jpg", "grey_alpha.png", "rgb16.png"):
    case(name, "float", [-1, -1, -1, 3])
    case(name, "float", [-1, 4, 3, 3], size=(4, 3))
    case(name, "uint8", [-1, 4, 3, 3], size=(4, 3))
    case(name, "float", [-1, 4, 4, 1], size=(4, 4), channels=1)
    case(name, "uint8", [1, -1, -1, 4], channels=4)
for name in ("rgb.jpg", "grey.png"):
    case(name, "float", None)
    case(name, "uint8", [-1, -1, -1, -1])
    case(name, "float", [-1, 20, 17, 3], size=(20, 17))
    case(name, "float", [-1, 5, -1, 3], size=(5, None))
    case(name, "float", [-1, -1, 5, 3], size=(None, 5))
    case(name, "float", [-1, 3, 5, 6], size=(5, 6), layout="NCHW")
    case(name, "float", [-1, 3, -1, -1], layout="NCHW")
    case(name, "uint8", [-1, 1, 6, 6], size=(6, 6), channels=1, layout="NCHW")
    case(name, "float", [-1, 6, 5], size=(6, 5), channels=1, layout="NHW")
    for dtype in ("double", "half", "bfloat16"):
        case(name, dtype, [-1, 3, 3, 3], size=(3, 3))
    for scale in ("0..1", "-1..1", "0..255", "mean=0.485,0.456,0.406;std=0.229,0.224,0.225", "mean=0.5;std=0.25"):
        case(name, "float", [-1, 3, 4, 3], scale, size=(3, 4))
        case(name, "uint8", [-1, 3, 4, 3], scale, size=(3, 4))
    case(name, "float", [-1, -1, 3], layout="HWC")
    case(name, "uint8", [7, 6, 3], size=(7, 6), layout="HWC")
    case(name, "half", [8, -1, 4], size=(8, None), channels=4, layout="HWC")
    case(name, "uint8", [3, 4, 1], size=(3, 4), channels=1, layout="HWC")
    case(name, "float", [1, 5, 3], "-1..1", size=(1, 5), layout="HWC")
    case(name, "float", [3, 6, 7], "mean=0.485,0.456,0.406;std=0.229,0.224,0.225", size=(6, 7), layout="CHW")
    case(name, "uint8", [4, -1, -1], channels=4, layout="CHW")
    case(name, "float", [1, 6, 5], size=(6, 5), channels=1, layout="NHW")
    case(name, "uint8", [1, -1, -1], channels=1, layout="NHW")
for shape in ([-1, -1, -1, 3], [-1, -1, -1, 1], [-1, 5, 6, 1], [-1, 5, 6, 4]):
    case("cmyk.jpg", "float", shape, size=(5, 6) if shape[1] > 0 else None, channels=shape[-1])
    case("cmyk.jpg", "uint8", shape, size=(5, 6) if shape[1] > 0 else None, channels=shape[-1])
for n in turned_png:
    case(f"turned{n}.png", "float", [-1, -1, -1, 3], orientation=n)
    case(f"turned{n}.png", "uint8", [-1, -1, 1], orientation=n, channels=1, layout="HWC")
for n in turned:
    case(f"turned{n}.jpg", "float", [-1, -1, -1, 3], orientation=n)
    case(f"turned{n}.jpg", "float", [-1, 3, 2, 3], size=(3, 2), orientation=n)

for name, data in images.items():
    with open(name, "wb") as f:
        f.write(data)
with open("expected.json", "w") as f:
    f.write('{"tensorflow": "%s", "cases": [\n' % tf.__version__)
    f.write(",\n".join(json.dumps(c, separators=(",", ":")) for c in cases))
    f.write("\n]}\n")
