"""Makes arrays.zip: arrays as NumPy itself writes them. Run it in this folder
with NumPy 2:

    python make.py

The names say what is inside: type, order, version, as in ">f4 F 1.0.npy". Every
array of numbers has shape (2, 3) and holds 0, 1, 2 in its first row and 3, 4, 5
in its second; bools are their lowest bit.
"""

import io
import zipfile

import numpy as np

NUMBERS = "i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16".split()


def add(archive, name, array, version=(1, 0)):
    data = io.BytesIO()
    np.lib.format.write_array(data, array, version, allow_pickle=True)
    entry = zipfile.ZipInfo(name + ".npy")  # with a fixed date
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, data.getvalue())


with zipfile.ZipFile("arrays.zip", "w") as archive:
    for kind in NUMBERS:
        for order in "<>":
            array = np.arange(6).reshape(2, 3).astype(order + kind)
            add(archive, array.dtype.str + " C 1.0", array)
            add(archive, array.dtype.str + " F 1.0", np.asfortranarray(array))
            if kind.endswith("1"):
                break
    bools = np.arange(6).reshape(2, 3) % 2 == 1
    add(archive, "|b1 C 1.0", bools)
    add(archive, "|b1 F 1.0", np.asfortranarray(bools))

    floats = np.arange(6, dtype="<f4").reshape(2, 3)
    add(archive, "<f4 C 2.0", floats, (2, 0))
    add(archive, "<f4 C 3.0", floats, (3, 0))
    # 24 elements, each its own place in row-major order.
    cube = np.arange(24, dtype="<i4").reshape(2, 3, 1, 4)
    add(archive, "cube C", cube)
    add(archive, "cube F", np.asfortranarray(cube))
    add(archive, "scalar", np.array(2.5))
    add(archive, "vector", np.array([1.5, -2.5]))
    add(archive, "empty", np.zeros((0, 3), "<f4"))

    words = np.array([["a", "bcd"], ["", "é€😀"]])
    add(archive, "U C", words)
    add(archive, "U F", np.asfortranarray(words))
    add(archive, "U big-endian", words.astype(words.dtype.newbyteorder(">")))
    raw = np.array([[b"a", b"bcd"], [b"", b"\x00\xff"]])
    add(archive, "S C", raw)
    add(archive, "S F", np.asfortranarray(raw))

    add(archive, "object", np.array([1, "a"], dtype=object))
    add(archive, "record", np.zeros(2, [("a", "<i4"), ("b", "<f8")]))
    add(archive, "void", np.zeros(2, "V2"))
    add(archive, "date", np.zeros(2, "M8[ns]"))
    add(archive, "longdouble", np.zeros(2, np.longdouble))
