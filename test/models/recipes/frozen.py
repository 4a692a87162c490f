"""Frozen graphs: no signatures, only operations."""

import pathlib

import tensorflow as tf

from .recipe import Case, Recipe, floats
from .saving import save_graph

v1 = tf.compat.v1


def write_two_placeholders(path: pathlib.Path) -> None:
    """Two dense layers with a keep_prob between them, as graphs of the time had.

    keep_prob scales instead of dropping, so that the answer is no matter of luck.
    """
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None, 4], name="input_1")
        keep = v1.placeholder(tf.float32, [], name="keep_prob")
        hidden = tf.nn.relu(dense("dense", x, [[1, -1], [2, 0], [0, 1], [-1, 1]], [0.5, 0]))
        dense("dense_1", hidden * keep, [[1, 2, 3], [-1, 0, 1]], [0.25, 0, -0.25])
        save_graph(graph.as_graph_def(), path)


def dense(name: str, x, kernel, bias):
    with tf.name_scope(name):
        kernel = tf.constant(kernel, tf.float32, name="kernel")
        bias = tf.constant(bias, tf.float32, name="bias")
        return tf.nn.bias_add(tf.matmul(x, kernel, name="MatMul"), bias, name="BiasAdd")


def write_no_placeholder(path: pathlib.Path) -> None:
    with tf.Graph().as_default() as graph:
        tf.add(tf.constant([1.0, 2.0], name="one"), tf.constant(1.0, name="two"), name="sum")
        save_graph(graph.as_graph_def(), path)


def write_old_producer(path: pathlib.Path) -> None:
    """A Placeholder of unknown shape as producers below 24 wrote it: no dimensions."""
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, name="x")
        tf.multiply(x, tf.constant(2.0, name="two"), name="y")
        definition = graph.as_graph_def()
    definition.versions.producer = 22
    for node in definition.node:
        # Attributes that the time did not know; the shape is set, and empty.
        node.attr.pop("_output_shapes", None)
        if node.op == "Placeholder":
            node.attr["shape"].shape.Clear()
            node.attr["shape"].shape.SetInParent()
    save_graph(definition, path)


def write_unsafe_read(path: pathlib.Path) -> None:
    with tf.Graph().as_default() as graph:
        file = v1.placeholder(tf.string, [], name="path")
        tf.io.read_file(file, name="content")
        save_graph(graph.as_graph_def(), path)


FOURS = floats([[1, 2, 3, 4], [0, -1, 0.5, 2]])

RECIPES = (
    Recipe(
        "two_placeholders.pb",
        write_two_placeholders,
        (
            Case({"input_1": FOURS, "keep_prob": floats(1)}, ""),
            Case({"input_1": FOURS, "keep_prob": floats(0.5)}, ""),
            Case({"input_1": FOURS[:0], "keep_prob": floats(1)}, ""),
            Case({"input_1": FOURS[:, :3], "keep_prob": floats(1)}, "", fails=True),
        ),
        outputs=("dense_1/BiasAdd",),
    ),
    Recipe("no_placeholder.pb", write_no_placeholder, (Case({}, ""),), outputs=("sum",)),
    Recipe(
        "old_producer.pb",
        write_old_producer,
        (Case({"x": floats([[1, 2], [3, 4]])}, ""), Case({"x": floats(3)}, "")),
        outputs=("y",),
    ),
    Recipe("unsafe_read.pb", write_unsafe_read, outputs=("content",)),
)
