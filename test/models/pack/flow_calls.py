"""Calls in the functions of loops and branches: with effects, of several outputs, and ones that stay."""

import pathlib

import numpy as np
import tensorflow as tf
from recipes.recipe import Case, Recipe, floats
from recipes.saving import save_module

X = tf.TensorSpec([None], tf.float32, "x")


class FlowCalls(tf.Module):
    def __init__(self):
        super().__init__(name="flow_calls")
        self.calls = tf.Variable(0.0, name="calls")
        self.slope = tf.Variable(1.5, name="slope")
        self.limit = tf.Variable(1000.0, name="limit")

    @tf.function
    def check(self, y):
        """Without outputs."""
        tf.debugging.assert_less(y, self.limit, "too large")

    @tf.function
    def grown(self, y):
        """Two outputs, an effect that neither needs, and a call of its own."""
        self.check(y)
        self.calls.assign_add(1.0)
        return y * self.slope, tf.reduce_sum(y)

    @tf.function
    def shrunk(self, y):
        top, _ = tf.math.top_k(y, 1)
        return y - top, tf.reduce_max(y)

    @tf.function(input_signature=[X, tf.TensorSpec([], tf.int32, "steps")])
    def answer(self, x, steps):
        def body(i, y, total):
            y, part = tf.cond(i % 3 == 2, lambda: self.shrunk(y), lambda: self.grown(y))
            return i + 1, y, total + part

        _, y, total = tf.while_loop(
            lambda i, y, total: (i < steps) & (tf.reduce_sum(self.grown(y)[0]) < 5000.0),
            body,
            [0, x, 0.0],
            shape_invariants=[tf.TensorShape([]), tf.TensorShape([None]), tf.TensorShape([])],
        )
        return {"y": y, "total": total, "calls": self.calls.read_value()}


def write_flow_calls(folder: pathlib.Path) -> None:
    module = FlowCalls()
    save_module(module, folder, {"serving_default": module.answer})


def case(x, steps: int, fails: bool = False) -> Case:
    return Case({"x": floats(x), "steps": np.array(steps, np.int32)}, fails=fails)


RECIPES = (
    Recipe(
        "pack/flow_calls",
        write_flow_calls,
        (case([1, 2], 0), case([1, 2], 5), case([1, 600], 1), case([1, 2000], 2, fails=True), case([3], 4)),
    ),
)
