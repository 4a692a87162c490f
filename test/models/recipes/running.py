"""What happens in a run: state, time, failure."""

import pathlib

import numpy as np
import tensorflow as tf

from .recipe import Case, Recipe, floats, texts
from .saving import save_module


class Counter(tf.Module):
    """Adds up what it is given. Zeros, as a warm-up may feed, change nothing."""

    def __init__(self):
        super().__init__(name="counter")
        self.total = tf.Variable(0.0, name="total")

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "by")])
    def add(self, by):
        return {"total": self.total.assign_add(tf.reduce_sum(by))}

    @tf.function(input_signature=[])
    def read(self):
        return {"total": self.total.read_value()}


def write_counter(folder: pathlib.Path) -> None:
    module = Counter()
    save_module(module, folder, {"serving_default": module.add, "read": module.read})


def write_slow(folder: pathlib.Path) -> None:
    """Counts to the largest number it is given, one loop iteration a step."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "iterations")])
    def count(iterations):
        last = tf.reduce_max(iterations)
        start = tf.zeros([], tf.int64)
        reached = tf.while_loop(lambda i: i < last, lambda i: i + 1, [start], parallel_iterations=1)
        return {"reached": tf.fill(tf.shape(iterations), reached[0])}

    module = tf.Module()
    module.count = count
    save_module(module, folder, {"serving_default": count})


def write_failing(folder: pathlib.Path) -> None:
    """Signatures that succeed or fail by what they are fed.

    The message of "number" quotes its input: fed with bytes that are not UTF-8,
    it is not UTF-8 either. That is no case here, since Python then loses it.
    """

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, "index")])
    def gather(index):
        return {"value": tf.gather(tf.constant([10.0, 20.0, 30.0]), index)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def positive(x):
        with tf.control_dependencies([tf.debugging.assert_positive(x, "x must be positive")]):
            return {"root": tf.sqrt(x)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def number(text):
        return {"value": tf.strings.to_number(text)}

    module = tf.Module()
    module.functions = [gather, positive, number]
    save_module(module, folder, {"serving_default": gather, "assert": positive, "number": number})


def indices(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


RECIPES = (
    Recipe(
        "counter",
        write_counter,
        (
            Case({}, "read"),
            Case({"by": floats([1])}),
            Case({"by": floats([2, 0.5])}),
            Case({"by": floats([])}),
            Case({}, "read"),
        ),
    ),
    Recipe(
        "slow",
        write_slow,
        (
            Case({"iterations": np.array([0], np.int64)}),
            Case({"iterations": np.array([1000, 10], np.int64)}),
        ),
    ),
    Recipe(
        "failing",
        write_failing,
        (
            Case({"index": indices(2, 0)}),
            Case({"index": indices(0, 3)}, fails=True),
            Case({"index": indices(-1)}, fails=True),
            Case({"x": floats([4, 9])}, "assert"),
            Case({"x": floats([4, -9])}, "assert", fails=True),
            Case({"text": texts(b"2.5")}, "number"),
            Case({"text": texts(b"two")}, "number", fails=True),
        ),
    ),
)
