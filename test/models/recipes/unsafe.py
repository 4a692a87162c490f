"""Models that reach out of the graph: a server must refuse them unless told."""

import pathlib

import tensorflow as tf

from .recipe import Recipe
from .saving import save_module

PATH = tf.TensorSpec([], tf.string, "path")


def write_read(folder: pathlib.Path) -> None:
    @tf.function(input_signature=[PATH])
    def read(path):
        return {"raw_bytes": tf.io.read_file(path)}

    save_only(folder, read)


def write_save(folder: pathlib.Path) -> None:
    """SaveV2, which every model holds for its variables, but here from a signature."""

    @tf.function(input_signature=[PATH])
    def save(path):
        value = tf.constant(1.0)
        write = tf.raw_ops.SaveV2(
            prefix=path, tensor_names=["x"], shape_and_slices=[""], tensors=[value]
        )
        # tf.function orders most stateful operations by itself, but not this one.
        with tf.control_dependencies([write]):
            return {"saved": tf.identity(value)}

    save_only(folder, save)


def write_pyfunc(folder: pathlib.Path) -> None:
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def call(x):
        return {"y": tf.numpy_function(lambda v: v, [x], tf.float32)}

    save_only(folder, call)


def write_table(folder: pathlib.Path) -> None:
    """A table whose file is what the client names, not an asset of the model."""

    @tf.function(input_signature=[PATH])
    def look_up(path):
        table = tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64)
        whole_line, line_number = -2, -1
        fill = tf.raw_ops.InitializeTableFromTextFileV2(
            table_handle=table, filename=path, key_index=whole_line, value_index=line_number
        )
        with tf.control_dependencies([fill]):
            return {"size": tf.raw_ops.LookupTableSizeV2(table_handle=table)}

    save_only(folder, look_up)


def write_nested(folder: pathlib.Path) -> None:
    """WriteFile in a branch of a function that a loop's body calls."""

    @tf.function
    def leak(path, step):
        def write():
            tf.io.write_file(path, "leak")
            return step + 1

        return tf.cond(step > 2, write, lambda: step + 1)

    @tf.function(input_signature=[PATH])
    def loop(path):
        steps = tf.while_loop(lambda i: i < 5, lambda i: [leak(path, i)], [tf.constant(0)])
        return {"steps": steps[0]}

    save_only(folder, loop)


def save_only(folder: pathlib.Path, function) -> None:
    module = tf.Module()
    module.function = function
    save_module(module, folder, {"serving_default": function})


RECIPES = (
    Recipe("unsafe_read", write_read),
    Recipe("unsafe_save", write_save),
    Recipe("unsafe_pyfunc", write_pyfunc),
    Recipe("unsafe_table", write_table),
    Recipe("unsafe_nested", write_nested),
)
