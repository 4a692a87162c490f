"""Shapes: a kernel that aborts the process, an unknown rank."""

import pathlib

import numpy as np
import tensorflow as tf

from .recipe import Case, Recipe, floats
from .saving import save_module, save_session, signature

v1 = tf.compat.v1


def write_conv_crash(folder: pathlib.Path) -> None:
    """A Placeholder of known shape straight into Conv2D.

    Fed with rank 0 to 3, TensorFlow's oneDNN kernels do not fail but end the
    process. They are on by default where the processor has AVX512-VNNI or AMX;
    TF_ENABLE_ONEDNN_OPTS=1 turns them on anywhere. The shape on the Placeholder
    is what a server can hold the feed to.
    """
    with tf.Graph().as_default(), v1.Session() as session:
        image = v1.placeholder(tf.float32, [None, 4, 4, 1], name="image")
        kernel = v1.get_variable("kernel", initializer=np.ones([2, 2, 1, 1], np.float32))
        sums = tf.nn.conv2d(image, kernel, strides=2, padding="VALID", name="sums")
        session.run(v1.global_variables_initializer())
        signatures = {"serving_default": signature({"image": image}, {"sums": sums})}
        save_session(session, folder, signatures)


def write_unknown_rank(folder: pathlib.Path) -> None:
    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32, "x")])
    def double(x):
        return {"y": 2.0 * x, "rank": tf.rank(x)}

    module = tf.Module()
    module.double = double
    save_module(module, folder, {"serving_default": double})


IMAGES = np.arange(32, dtype=np.float32).reshape(2, 4, 4, 1)

RECIPES = (
    Recipe("conv_crash", write_conv_crash, (Case({"image": IMAGES}), Case({"image": IMAGES[:0]}))),
    Recipe(
        "unknown_rank",
        write_unknown_rank,
        (
            Case({"x": floats(1.5)}),
            Case({"x": floats([1, 2])}),
            Case({"x": floats([[[1], [2]], [[3], [4]]])}),
        ),
    ),
)
