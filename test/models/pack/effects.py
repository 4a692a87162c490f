"""Effects that no output depends on, and warm-up requests."""

import pathlib

import tensorflow as tf
from recipes.recipe import Case, Recipe, floats
from recipes.saving import save_module
from recipes.warmup import PREDICT_LOG, REQUEST, field, predict_request, write_records

X = tf.TensorSpec([None], tf.float32, "x")


class Effects(tf.Module):
    """Only control edges lead from these effects to the outputs."""

    def __init__(self):
        super().__init__(name="effects")
        self.limit = tf.Variable(10.0, name="limit")
        self.seen = tf.Variable(0.0, name="seen")

    @tf.function
    def check(self, x):
        """Without outputs."""
        tf.debugging.assert_less(x, self.limit, "too large")

    @tf.function
    def note(self, x):
        """Its output does not need what it assigns."""
        self.seen.assign_add(tf.reduce_sum(x))
        return x * 2.0

    @tf.function(input_signature=[X])
    def checked(self, x):
        self.check(x)
        return {"y": x + 1.0}

    @tf.function(input_signature=[X])
    def noted(self, x):
        """Reads before and after, and drops what the call gives."""
        before = self.seen.read_value()
        self.note(x)
        return {"before": before, "after": self.seen.read_value(), "y": x}

    @tf.function(input_signature=[X])
    def twice(self, x):
        """The order of two assignments shows in what is left."""
        self.note(x)
        self.seen.assign(self.seen * 10.0)
        self.note(x)
        return {"y": self.note(x), "seen": self.seen.read_value()}


def write_effects(folder: pathlib.Path) -> None:
    module = Effects()
    save_module(module, folder, {"checked": module.checked, "noted": module.noted, "twice": module.twice})


def write_warmed(folder: pathlib.Path) -> None:
    module = tf.Module()
    module.slope = tf.Variable(3.0, name="slope")

    @tf.function(input_signature=[tf.TensorSpec([None, 1], tf.float32, "x")])
    def answer(x):
        return {"y": x * module.slope}

    module.answer = answer
    save_module(module, folder, {"serving_default": answer})
    write_records(folder, field(PREDICT_LOG, field(REQUEST, predict_request(floats([[1], [2]])))))


RECIPES = (
    Recipe(
        "pack/effects",
        write_effects,
        (
            Case({"x": floats([1, 9])}, "checked"),
            Case({"x": floats([1, 11])}, "checked", fails=True),
            Case({"x": floats([1, 2])}, "noted"),
            Case({"x": floats([4])}, "noted"),
            Case({"x": floats([1])}, "twice"),
            Case({"x": floats([0])}, "noted"),
        ),
    ),
    Recipe("pack/warmed", write_warmed, (Case({"x": floats([[2]])}),)),
)
