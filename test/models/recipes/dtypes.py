"""A signature for each data type, named for it: y = x, of any shape."""

import pathlib

import numpy as np
import tensorflow as tf

from .recipe import Case, Recipe, texts
from .saving import save_module

# TensorFlow's names of the types in messages, which are the signatures' names.
DTYPES = {
    "float": tf.float32,
    "double": tf.float64,
    "half": tf.float16,
    "bfloat16": tf.bfloat16,
    "int8": tf.int8,
    "int16": tf.int16,
    "int32": tf.int32,
    "int64": tf.int64,
    "uint8": tf.uint8,
    "uint16": tf.uint16,
    "uint32": tf.uint32,
    "uint64": tf.uint64,
    "bool": tf.bool,
    "string": tf.string,
    # These have no JSON form: a server must refuse them and live.
    "complex64": tf.complex64,
    "qint8": tf.qint8,
}


def write_dtypes(folder: pathlib.Path) -> None:
    module = tf.Module()
    signatures = {name: identity(dtype) for name, dtype in DTYPES.items()}
    module.functions = list(signatures.values())
    save_module(module, folder, signatures)


def identity(dtype: tf.DType):
    @tf.function(input_signature=[tf.TensorSpec(None, dtype, "x")])
    def same(x):
        return {"y": tf.identity(x)}

    return same


def values(dtype: tf.DType) -> np.ndarray:
    """Six values of a type, the extremes among them."""
    if dtype == tf.string:
        return texts(b"", b"plain", "größer €".encode(), b"\xff\xfe", b"a\x00b", b'"\\\n')
    if dtype == tf.bool:
        return np.array([True, False, True, True, False, False])
    if dtype.is_floating:
        kind = dtype.as_numpy_dtype
        return np.array([0, -0.0, 1.5, 1 / 3, dtype.max, -(2.0**-10)]).astype(kind)
    limits = [dtype.min, dtype.max, 0, 1, 2, 100]
    return np.array(limits, dtype.as_numpy_dtype)


def cases(name: str) -> list[Case]:
    """Rank 1, rank 2, a scalar and an empty batch; non-finite values for floats."""
    dtype = DTYPES[name]
    all_values = values(dtype)
    arrays = [
        all_values,
        all_values.reshape(2, 3),
        all_values[2:3].reshape(()),
        all_values[:0].reshape(0, 2),
    ]
    if dtype.is_floating:
        arrays.append(np.array([np.nan, np.inf, -np.inf]).astype(dtype.as_numpy_dtype))
    return [Case({"x": array}, name) for array in arrays]


JSON_DTYPES = [name for name in DTYPES if name not in ("complex64", "qint8")]

RECIPES = (
    Recipe(
        "dtypes",
        write_dtypes,
        tuple(case for name in JSON_DTYPES for case in cases(name)),
    ),
)
