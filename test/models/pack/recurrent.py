"""An LSTM: a While that carries lists of tensors and reads weights in its body."""

import pathlib

import numpy as np
import tensorflow as tf
from recipes.recipe import Case, Recipe, floats
from recipes.saving import save_module

UNITS = 3


def write_recurrent(folder: pathlib.Path) -> None:
    """As Keras unrolls one: steps in front, outputs in a TensorArray."""
    module = tf.Module()
    module.kernel = tf.Variable(ramp(2, 4 * UNITS), name="kernel")
    module.recurrent = tf.Variable(ramp(UNITS, 4 * UNITS) * 0.5, name="recurrent")
    module.bias = tf.Variable(ramp(4 * UNITS), name="bias")

    def step(x, hidden, cell):
        gates = x @ module.kernel + hidden @ module.recurrent + module.bias
        into, forget, new, out = tf.split(gates, 4, axis=1)
        cell = tf.sigmoid(forget) * cell + tf.sigmoid(into) * tf.tanh(new)
        return tf.sigmoid(out) * tf.tanh(cell), cell

    @tf.function(input_signature=[tf.TensorSpec([None, None, 2], tf.float32, "x")])
    def answer(x):
        steps = tf.transpose(x, [1, 0, 2])
        count = tf.shape(steps)[0]

        def body(time, hidden, cell, outputs):
            hidden, cell = step(steps[time], hidden, cell)
            return time + 1, hidden, cell, outputs.write(time, hidden)

        zeros = tf.zeros([tf.shape(x)[0], UNITS])
        outputs = tf.TensorArray(tf.float32, count, element_shape=[None, UNITS])
        _, _, cell, outputs = tf.while_loop(lambda time, *_: time < count, body, [0, zeros, zeros, outputs])
        return {"sequence": tf.transpose(outputs.stack(), [1, 0, 2]), "cell": cell}

    module.answer = answer
    save_module(module, folder, {"serving_default": answer})


def ramp(*shape: int) -> np.ndarray:
    return floats(np.linspace(-1, 1, np.prod(shape))).reshape(shape)


RECIPES = (
    Recipe(
        "pack/recurrent",
        write_recurrent,
        (Case({"x": ramp(2, 4, 2)}), Case({"x": ramp(1, 1, 2)})),
    ),
)
