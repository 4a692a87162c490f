"""Models that take serialized tf.train.Examples, for classify and regress; default values."""

import pathlib

import numpy as np
import tensorflow as tf

from .arithmetic import reference
from .recipe import Case, ExampleCase, Recipe, floats
from .saving import save_module, save_session, signature

v1 = tf.compat.v1


def write_half_plus_two_examples(folder: pathlib.Path) -> None:
    """TensorFlow Serving's test model, with every regression over examples.

    y = x/2 + 2, y2 = x/2 + 3 and y3 = x2/2 + 3; an example may leave x2 out.
    """
    with tf.Graph().as_default(), v1.Session() as session:
        serialized = v1.placeholder(tf.string, name="tf_example")
        features = tf.io.parse_example(
            serialized,
            {
                "x": tf.io.FixedLenFeature([1], tf.float32),
                "x2": tf.io.FixedLenFeature([1], tf.float32, default_value=[0.0]),
            },
        )
        x = tf.identity(features["x"], name="x")
        a, b, c = (reference(n, v) for n, v in (("a", 0.5), ("b", 2.0), ("c", 3.0)))
        y = tf.add(tf.multiply(a, x), b, name="y")
        y2 = tf.add(tf.multiply(a, x), c, name="y2")
        y3 = tf.add(tf.multiply(a, features["x2"]), c, name="y3")
        session.run(v1.global_variables_initializer())
        inputs = {"inputs": serialized}
        save_session(
            session,
            folder,
            {
                "serving_default": signature({"x": x}, {"y": y}),
                "regress_x_to_y": signature(inputs, {"outputs": y}, "regress"),
                "regress_x_to_y2": signature(inputs, {"outputs": y2}, "regress"),
                "regress_x2_to_y3": signature(inputs, {"outputs": y3}, "regress"),
                "classify_x_to_y": signature(inputs, {"scores": y}, "classify"),
            },
        )


def write_classify_labels(folder: pathlib.Path) -> None:
    """Three labels with scores: a feature of each kind, two of which may be left out.

    The label begins with the feature "prefix", and the scores are "base" times
    "scale". "flat" and "wide" break the promise that a method makes of its results.
    """
    with tf.Graph().as_default(), v1.Session() as session:
        serialized = v1.placeholder(tf.string, [None], name="tf_example")
        features = tf.io.parse_example(
            serialized,
            {
                "base": tf.io.FixedLenFeature([3], tf.float32),
                "prefix": tf.io.FixedLenFeature([1], tf.string, default_value=[b""]),
                "scale": tf.io.FixedLenFeature([1], tf.int64, default_value=[1]),
            },
        )
        classes = tf.add(features["prefix"], tf.constant([["car", "bike", "bus"]]), name="classes")
        scale = tf.cast(features["scale"], tf.float32)
        scores = tf.multiply(features["base"], scale, name="scores")
        inputs = {"inputs": serialized}
        outputs = {"classes": classes, "scores": scores}
        save_session(
            session,
            folder,
            {
                "serving_default": signature(inputs, outputs, "classify"),
                "classes": signature(inputs, {"classes": classes}, "classify"),
                "scores": signature(inputs, {"scores": scores}, "classify"),
                "flat": signature(inputs, {"scores": scores[0]}, "classify"),
                "wide": signature(inputs, {"outputs": scores}, "regress"),
            },
        )


def write_defaults(folder: pathlib.Path) -> None:
    """A signature whose inputs but one have default values."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.float32, "x"),
            tf.TensorSpec([], tf.float32, "factor"),
            tf.TensorSpec([2], tf.int64, "ends"),
            tf.TensorSpec([3], tf.float64, "limits"),
            tf.TensorSpec([1], tf.string, "text"),
        ]
    )
    def scale(
        x,
        factor=tf.constant(2.5),
        ends=tf.constant([-(2**63), 2**63 - 1], tf.int64),
        limits=tf.constant([0.1, np.nan, -np.inf], tf.float64),
        text=tf.constant([b"a\xff"]),
    ):
        return {"y": x * factor, "ends": ends, "limits": limits, "text": text}

    module = tf.Module()
    module.scale = scale
    save_module(module, folder, {"serving_default": scale})


HALF_PLUS_TWO_EXAMPLES = (
    ExampleCase("regress", "regress_x_to_y", ({"x": [80.0]},)),
    ExampleCase("regress", "regress_x_to_y", ({"x": 80.0}, {"x": 20.0, "x2": 1.0}, {"x": np.nan})),
    ExampleCase("regress", "regress_x_to_y2", ({"x": 1.0}, {"x": -2.5})),
    ExampleCase("regress", "regress_x2_to_y3", ({"x": 1.0}, {"x": 1.0, "x2": 3.0})),
    ExampleCase("regress", "regress_x_to_y", ({}, {"x": 5.0}), context={"x": 7.0}),
    ExampleCase("classify", "classify_x_to_y", ({"x": [20.0]},)),
    ExampleCase("classify", "classify_x_to_y", ({"x": 10.0}, {"x": np.inf})),
    ExampleCase("regress", "regress_x_to_y", ({"x2": 1.0},), fails=True),
    ExampleCase("regress", "regress_x_to_y", ({"x": 1},), fails=True),
)

BASE = {"base": [0.2, 0.7, 0.1]}

CLASSIFY_LABELS_EXAMPLES = (
    ExampleCase("classify", "serving_default", (BASE, {"base": [0.7, 0.1, 0.2]})),
    ExampleCase("classify", "serving_default", (BASE | {"prefix": "größer ", "scale": 3},)),
    ExampleCase("classify", "serving_default", (BASE | {"prefix": b"\xff"}, BASE | {"scale": True})),
    ExampleCase(
        "classify",
        "serving_default",
        (BASE, {"base": [1.0, 2.0, 3.0], "scale": -1}),
        context={"prefix": ["big "], "scale": 2},
    ),
    ExampleCase("classify", "classes", (BASE, BASE)),
    ExampleCase("classify", "scores", (BASE, BASE)),
)

RECIPES = (
    Recipe(
        "half_plus_two_examples",
        write_half_plus_two_examples,
        (Case({"x": floats([[2], [3]])}),),
        examples=HALF_PLUS_TWO_EXAMPLES,
    ),
    Recipe("classify_labels", write_classify_labels, examples=CLASSIFY_LABELS_EXAMPLES),
    Recipe(
        "defaults",
        write_defaults,
        (
            Case(
                {
                    "x": floats([1, -2]),
                    "factor": floats(3),
                    "ends": np.array([1, 2], np.int64),
                    "limits": np.array([1, 2, 3], np.float64),
                    "text": np.array([b"b"], object),
                }
            ),
        ),
    ),
)
