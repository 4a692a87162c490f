"""While, If and Case as operations that run functions, with and without variables."""

import pathlib

import numpy as np
import tensorflow as tf
from recipes.recipe import Case, Recipe, floats
from recipes.saving import save_module

X = tf.TensorSpec([None], tf.float32, "x")
STEPS = tf.TensorSpec([], tf.int32, "steps")


def loop(more, body, x):
    """tf.while_loop from 0 and x, whose length is not known."""
    return tf.while_loop(more, body, [0, x], shape_invariants=[tf.TensorShape([]), tf.TensorShape([None])])[1]


class Flow(tf.Module):
    def __init__(self):
        super().__init__(name="flow")
        self.slope = tf.Variable(1.5, name="slope")
        self.table = tf.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], name="table")

    @tf.function(input_signature=[X, STEPS])
    def while_reads(self, x, steps):
        """The body reads one variable, the condition another one."""

        def more(i, y):
            return (i < steps) & (tf.reduce_sum(y) < self.table[2, 1] * 100.0)

        return {"y": loop(more, lambda i, y: (i + 1, y * self.slope), x)}

    @tf.function(input_signature=[X, STEPS])
    def while_plain(self, x, steps):
        return {"y": loop(lambda i, y: i < steps, lambda i, y: (i + 1, y + 1.0), x) * self.slope}

    @tf.function(input_signature=[X])
    def cond_reads(self, x):
        """One branch reads a variable, the other one gathers from another."""
        positive = tf.reduce_sum(x) > 0.0
        return {"y": tf.cond(positive, lambda: x * self.slope, lambda: tf.gather(self.table, [0])[0, :1] + x)}

    @tf.function(input_signature=[X])
    def cond_plain(self, x):
        return {"y": tf.cond(tf.reduce_sum(x) > 0.0, lambda: x + 1.0, lambda: x - 1.0)}

    @tf.function(input_signature=[X, tf.TensorSpec([], tf.int32, "branch")])
    def case_reads(self, x, branch):
        branches = [lambda: x, lambda: x * self.slope, lambda: x + tf.reduce_sum(self.table)]
        return {"y": tf.switch_case(branch, branches, default=lambda: -x)}

    @tf.function(input_signature=[X, STEPS])
    def both(self, x, steps):
        """A loop whose body chooses and whose branch calls a function that loops."""

        @tf.function
        def inner(y):
            return loop(lambda i, z: i < 2, lambda i, z: (i + 1, z + self.slope), y)

        def body(i, y):
            rows = tf.raw_ops.VariableShape(input=self.table.handle)[0]
            return i + 1, tf.cond(i % 2 == 0, lambda: inner(y), lambda: y * tf.cast(rows, tf.float32))

        return {"y": loop(lambda i, y: i < steps, body, x)}


def write(*names: str):
    """Writes a model of some methods of Flow: all of Flow would be saved with any."""

    def write_flow(folder: pathlib.Path) -> None:
        flow, module = Flow(), tf.Module()
        module.variables_of_flow = [flow.slope, flow.table]
        module.chosen = {name: getattr(flow, name) for name in names}
        save_module(module, folder, dict(module.chosen))

    return write_flow


def write_loop_writes(folder: pathlib.Path) -> None:
    """A loop whose body adds to one variable and reads another one."""
    module = tf.Module()
    module.total = tf.Variable(0.0, name="total")
    module.step = tf.Variable(0.5, name="step")

    @tf.function(input_signature=[STEPS])
    def add(steps):
        def body(i):
            module.total.assign_add(module.step)
            return [i + 1]

        last = tf.while_loop(lambda i: i < steps, body, [0])
        with tf.control_dependencies(last):
            return {"total": module.total.read_value()}

    module.add = add
    save_module(module, folder, {"serving_default": add})


def steps(n: int) -> np.ndarray:
    return np.array(n, np.int32)


RECIPES = (
    Recipe(
        "pack/loops",
        write("while_reads", "while_plain"),
        (
            Case({"x": floats([1, 2]), "steps": steps(3)}, "while_reads"),
            Case({"x": floats([100, 2]), "steps": steps(30)}, "while_reads"),
            Case({"x": floats([1, 2]), "steps": steps(0)}, "while_plain"),
            Case({"x": floats([1, 2]), "steps": steps(2)}, "while_plain"),
        ),
    ),
    Recipe(
        "pack/branches",
        write("cond_reads", "cond_plain", "case_reads"),
        (
            Case({"x": floats([1, 2])}, "cond_reads"),
            Case({"x": floats([-1, -2])}, "cond_reads"),
            Case({"x": floats([1, 2])}, "cond_plain"),
            Case({"x": floats([-1, -2])}, "cond_plain"),
            *(Case({"x": floats([1, 2]), "branch": steps(n)}, "case_reads") for n in (0, 1, 2, 7)),
        ),
    ),
    Recipe(
        "pack/branches_in_loops",
        write("both"),
        tuple(Case({"x": floats([1, 2]), "steps": steps(n)}, "both") for n in (1, 4)),
    ),
    Recipe(
        "pack/loop_writes",
        write_loop_writes,
        (Case({"steps": steps(0)}), Case({"steps": steps(3)}), Case({"steps": steps(1)})),
    ),
)
