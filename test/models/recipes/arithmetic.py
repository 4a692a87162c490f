"""Models that calculate: TensorFlow Serving's own test model, and many-input ones."""

import pathlib

import numpy as np
import tensorflow as tf

from .recipe import Case, Recipe, floats, texts
from .saving import save_module, save_session, signature

v1 = tf.compat.v1


def write_half_plus_two(folder: pathlib.Path) -> None:
    """y = x/2 + 2 and y3 = x2/2 + 3, in the form of TensorFlow Serving's test model.

    The fed tensor x is not a Placeholder but the parsed example's feature, so a
    request may feed shapes that the signature does not declare. The variables
    are TensorFlow 1 references.
    """
    with tf.Graph().as_default(), v1.Session() as session:
        serialized = v1.placeholder(tf.string, [None], name="tf_example")
        features = tf.io.parse_example(
            serialized,
            {
                "x": tf.io.FixedLenFeature([1], tf.float32),
                "x2": tf.io.FixedLenFeature([1], tf.float32, default_value=[0.0]),
            },
        )
        x = tf.identity(features["x"], name="x")
        x2 = tf.identity(features["x2"], name="x2")
        a, b, c = (reference(n, v) for n, v in (("a", 0.5), ("b", 2.0), ("c", 3.0)))
        y = tf.add(tf.multiply(a, x), b, name="y")
        y3 = tf.add(tf.multiply(a, x2), c, name="y3")
        session.run(v1.global_variables_initializer())
        save_session(
            session,
            folder,
            {
                "serving_default": signature({"x": x}, {"y": y}),
                "regress_x_to_y": signature({"inputs": serialized}, {"outputs": y}, "regress"),
                "regress_x2_to_y3": signature({"inputs": x2}, {"outputs": y3}, "regress"),
                "classify_x_to_y": signature({"inputs": serialized}, {"scores": y}, "classify"),
            },
        )


def reference(name: str, value: float):
    return v1.get_variable(name, initializer=value, use_resource=False)


def example(**features: float) -> bytes:
    """A serialized tf.train.Example of float features."""
    lists = {
        name: tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
        for name, value in features.items()
    }
    features = tf.train.Features(feature=lists)
    return tf.train.Example(features=features).SerializeToString(deterministic=True)


def write_multi(folder: pathlib.Path) -> None:
    """Several inputs and outputs, and outputs that the row form cannot hold."""
    a = tf.TensorSpec([None, 3], tf.float32, "a")
    b = tf.TensorSpec([None], tf.int32, "b")

    @tf.function(input_signature=[a, b])
    def both(a, b):
        b = tf.cast(b, tf.float32)
        return {
            "sum": tf.reduce_sum(a, axis=1) + b,
            "product": a * b[:, tf.newaxis],
            "rounded": tf.cast(tf.round(a), tf.int32),
        }

    @tf.function(input_signature=[a])
    def scalar(a):
        return {"total": tf.reduce_sum(a)}

    @tf.function(input_signature=[a])
    def unequal(a):
        return {"rows": tf.reduce_sum(a, axis=1), "twice": tf.concat([a, a], axis=0)}

    module = tf.Module()
    module.functions = [both, scalar, unequal]
    signatures = {"serving_default": both, "scalar": scalar, "unequal": unequal}
    save_module(module, folder, signatures)


def write_aliases(folder: pathlib.Path) -> None:
    """One tensor under several names, as an input and as an output.

    TensorFlow's C API refuses to feed a tensor twice, and to feed and fetch it
    in one run; so "twice" and "through" fail unless a server steps in.
    """
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], name="x")
        y = tf.multiply(x, 2.0, name="y")
        signatures = {
            "serving_default": signature({"x": x}, {"y": y, "again": y}),
            "twice": signature({"x": x, "again": x}, {"y": y}),
            "through": signature({"x": x}, {"x": x, "y": y}),
        }
        save_session(session, folder, signatures)


ROWS = floats([[1, 2, 3], [-0.5, 0.25, 8]])

HALF_PLUS_TWO_CASES = (
    Case({"x": floats([[2], [3], [4]])}),
    Case({"x": floats([2, 3, 4])}),
    Case({"x": floats([[1, 2], [3, 4]])}),
    Case({"x": floats(5)}),
    Case({"x": np.zeros([0, 1], np.float32)}),
    Case({"x": floats([np.nan, np.inf, -np.inf, -0.0])}),
    Case({"inputs": texts(example(x=80.0))}, "regress_x_to_y"),
    Case({"inputs": floats([[2], [4]])}, "regress_x2_to_y3"),
    Case({"inputs": texts(example(x=20.0), example(x=10.0))}, "classify_x_to_y"),
    Case({"inputs": texts(example(x2=20.0))}, "classify_x_to_y", fails=True),
)

RECIPES = (
    Recipe("half_plus_two/00000123", write_half_plus_two, HALF_PLUS_TWO_CASES),
    Recipe(
        "multi",
        write_multi,
        (
            Case({"a": ROWS, "b": np.array([10, -1], np.int32)}),
            Case({"a": ROWS[:0], "b": np.zeros([0], np.int32)}),
            Case({"a": ROWS, "b": np.array([1, 2, 3], np.int32)}, fails=True),
            Case({"a": ROWS}, "scalar"),
            Case({"a": ROWS[:0]}, "scalar"),
            Case({"a": ROWS}, "unequal"),
            Case({"a": ROWS[:0]}, "unequal"),
        ),
    ),
    Recipe("aliases", write_aliases, (Case({"x": floats([1, 2.5])}),)),
)
