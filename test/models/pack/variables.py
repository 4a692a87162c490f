"""Variables: how they are read, of which types they are, who shares them."""

import pathlib

import numpy as np
import tensorflow as tf
from recipes.recipe import Case, Recipe, floats
from recipes.saving import save_module

INDEX = tf.TensorSpec([None], tf.int32, "index")
X = tf.TensorSpec([None], tf.float32, "x")


class Reads(tf.Module):
    """Every operation that looks at a variable through its handle."""

    def __init__(self):
        super().__init__(name="reads")
        self.rows = tf.Variable(np.arange(12, dtype=np.float32).reshape(4, 3), name="rows")
        self.batched = tf.Variable(np.arange(8, dtype=np.int64).reshape(2, 2, 2), name="batched")

    @tf.function(input_signature=[INDEX])
    def gather(self, index):
        return {"row": tf.gather(self.rows, index)}

    @tf.function(input_signature=[INDEX])
    def embed(self, index):
        return {"row": tf.nn.embedding_lookup(self.rows, index)}

    @tf.function(input_signature=[tf.TensorSpec([2, None], tf.int32, "index")])
    def batch(self, index):
        read = tf.raw_ops.ResourceGather(resource=self.batched.handle, indices=index, dtype=tf.int64, batch_dims=1)
        return {"row": tf.reshape(read, [2, -1, 2])}

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.int32, "index")])
    def point(self, index):
        read = tf.raw_ops.ResourceGatherNd(resource=self.rows.handle, indices=index, dtype=tf.float32)
        return {"value": tf.reshape(read, [-1])}

    @tf.function(input_signature=[X])
    def shape(self, x):
        """Both types of VariableShape, and whether there is a value."""
        handle = self.rows.handle
        ready = tf.raw_ops.VarIsInitializedOp(resource=handle)
        wide = tf.raw_ops.VariableShape(input=handle, out_type=tf.int64)
        return {"narrow": tf.raw_ops.VariableShape(input=handle), "wide": wide, "y": tf.where(ready, x, -x)}


def write_reads(folder: pathlib.Path) -> None:
    module = Reads()
    save_module(module, folder, {name: getattr(module, name) for name in ("gather", "embed", "batch", "point", "shape")})


def write_types(folder: pathlib.Path) -> None:
    """Variables of types whose constants have forms of their own."""
    module = tf.Module()
    values = {
        "half": tf.constant([0.1, -2.5], tf.float16),
        "bfloat16": tf.constant([0.1, -2.5], tf.bfloat16),
        "string": tf.constant([b"", b"\xff\x00", "größer".encode()]),
        "bool": tf.constant([True, False]),
        "uint64": tf.constant([2**64 - 1], tf.uint64),
        "int8": tf.constant([[-128], [127]], tf.int8),
        "complex": tf.constant([1 + 2j], tf.complex64),
        "empty": tf.zeros([0, 3]),
    }
    module.values = {name: tf.Variable(value, name=name) for name, value in values.items()}

    @tf.function(input_signature=[X])
    def answer(x):
        read = {name: tf.identity(value) for name, value in module.values.items()}
        read["complex"] = tf.math.imag(read["complex"])
        read["text_bytes"] = read.pop("string")
        return read | {"x2": x * 2.0, "product": tf.cast(x, tf.float16)[:1] * read["half"]}

    module.answer = answer
    save_module(module, folder, {"serving_default": answer})


class Shared(tf.Module):
    """Two signatures with a variable in common, and one of each its own."""

    def __init__(self):
        super().__init__(name="shared")
        self.common = tf.Variable(2.0, name="common")
        self.first, self.second = tf.Variable(10.0, name="first"), tf.Variable(20.0, name="second")

    @tf.function(input_signature=[X])
    def one(self, x):
        return {"y": x * self.common + self.first}

    @tf.function(input_signature=[X])
    def two(self, x):
        return {"y": x * self.common + self.second}


def write_shared(folder: pathlib.Path) -> None:
    module = Shared()
    save_module(module, folder, {"one": module.one, "two": module.two})


class Beside(tf.Module):
    """A signature that counts beside one that only reads; both read a variable that nobody writes."""

    def __init__(self):
        super().__init__(name="beside")
        self.calls = tf.Variable(0.0, name="calls")
        self.scale = tf.Variable(4.0, name="scale")

    @tf.function(input_signature=[X])
    def count(self, x):
        calls = self.calls.assign_add(1.0)
        return {"calls": calls, "y": x * self.scale}

    @tf.function(input_signature=[X])
    def read(self, x):
        return {"y": x * self.scale, "calls": self.calls + 0.0 * tf.reduce_sum(x)}

    @tf.function(input_signature=[X])
    def pure(self, x):
        return {"y": x / self.scale}


def write_beside(folder: pathlib.Path) -> None:
    module = Beside()
    save_module(module, folder, {"count": module.count, "read": module.read, "pure": module.pure})


def indices(values) -> np.ndarray:
    return np.array(values, np.int32)


RECIPES = (
    Recipe(
        "pack/reads",
        write_reads,
        (
            Case({"index": indices([3, 0, 3])}, "gather"),
            Case({"index": indices([4])}, "gather", fails=True),
            Case({"index": indices([1, 2])}, "embed"),
            Case({"index": indices([[1, 0, 1], [0, 0, 1]])}, "batch"),
            Case({"index": indices([[3, 2], [0, 1]])}, "point"),
            Case({"x": floats([1, -2])}, "shape"),
        ),
    ),
    Recipe("pack/types", write_types, (Case({"x": floats([3])}),)),
    Recipe("pack/shared", write_shared, (Case({"x": floats([1, 2])}, "one"), Case({"x": floats([1, 2])}, "two"))),
    Recipe(
        "pack/beside",
        write_beside,
        (
            Case({"x": floats([1])}, "read"),
            Case({"x": floats([1, 2])}, "count"),
            Case({"x": floats([3])}, "count"),
            Case({"x": floats([3])}, "read"),
            Case({"x": floats([3])}, "pure"),
        ),
    ),
)
