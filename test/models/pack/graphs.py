"""Graphs of TensorFlow 1: no functions around them, variables by reference or by handle."""

import contextlib
import pathlib
import tempfile

import tensorflow as tf
from recipes.recipe import Case, Recipe, floats, texts
from recipes.saving import settle, signature

v1 = tf.compat.v1


def write_graph(folder: pathlib.Path, build) -> None:
    """Writes the graph that build makes: it returns the signatures and what else the builder is given."""
    with tf.Graph().as_default(), v1.Session() as session:
        signatures, more = build()
        for contexts in ("cond_context", "while_context"):  # for gradients, in another order each time
            v1.get_default_graph().clear_collection(contexts)
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        builder = v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(session, ["serve"], signature_def_map=signatures, **more)
        builder.save()
    settle(folder)


def linear(use_resource: bool):
    """y = x w + b with a colocated copy of w, a moving average for training, and an optimizer's op."""
    x = v1.placeholder(tf.float32, [None, 2], "x")
    w = v1.get_variable("w", initializer=tf.constant([[1.0], [2.0]]), use_resource=use_resource)
    b = v1.get_variable("b", initializer=tf.constant([0.5]), use_resource=use_resource)
    step = v1.train.get_or_create_global_step()
    with v1.colocate_with(w.op):
        copy = tf.identity(w, "copy")
    y = tf.add(tf.matmul(x, copy), b, "y")
    train = v1.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(y), step)
    v1.add_to_collection("train_op", train)
    v1.summary.scalar("w", tf.reduce_sum(w))
    return {"serving_default": signature({"x": x}, {"y": y}), "weights": signature({"x": x}, {"w": w.value(), "shape": tf.shape(x)})}


def write_references(folder: pathlib.Path) -> None:
    write_graph(folder, lambda: (linear(use_resource=False), {}))


def write_handles(folder: pathlib.Path) -> None:
    write_graph(folder, lambda: (linear(use_resource=True), {}))


def write_assigning(folder: pathlib.Path) -> None:
    """Variables by reference, one of which a signature adds to."""

    def build():
        x = v1.placeholder(tf.float32, [None], "x")
        total = v1.get_variable("total", initializer=tf.constant(0.0), use_resource=False)
        scale = v1.get_variable("scale", initializer=tf.constant(2.0), use_resource=False)
        added = v1.assign_add(total, tf.reduce_sum(x) * scale)
        with v1.control_dependencies([added]):
            y = tf.identity(x * scale, "y")
        return {
            "add": signature({"x": x}, {"total": tf.identity(added), "y": y}),
            "scale": signature({"x": x}, {"y": x * scale, "total": total + 0.0 * tf.reduce_sum(x)}),
        }, {}

    write_graph(folder, build)


def write_main_op(folder: pathlib.Path) -> None:
    """A table from an asset, which the main op of TensorFlow 1 fills."""
    write_initialized(folder, lambda op: {"main_op": op})


def write_legacy_init_op(folder: pathlib.Path) -> None:
    """The same under the older name."""
    write_initialized(folder, lambda op: {"legacy_init_op": op})


def write_initialized(folder: pathlib.Path, init) -> None:
    def build():
        word = v1.placeholder(tf.string, [None], "word")
        initializer = tf.lookup.TextFileInitializer(
            "words.txt", tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
        )
        table = tf.lookup.StaticHashTable(initializer, -1)
        offset = v1.get_variable("offset", initializer=tf.constant(100, tf.int64), use_resource=False)
        y = tf.add(table.lookup(word), offset, "y")
        more = init(v1.group(v1.tables_initializer(), name="init_tables"))
        return {"serving_default": signature({"word": word}, {"id": y})}, more | {
            "assets_collection": v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS)
        }

    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        pathlib.Path("words.txt").write_text("red\ngreen\n")
        write_graph(folder, build)


def write_old_control_flow(folder: pathlib.Path) -> None:
    """Switch, Merge, Enter and Exit instead of functions, with calls of a function inside.

    The function has a constant, which in a loop belongs to the loop's frame.
    """

    def build():
        x = v1.placeholder(tf.float32, [], "x")
        by_reference = v1.get_variable("by_reference", initializer=tf.constant(3.0), use_resource=False)
        by_handle = v1.get_variable("by_handle", initializer=tf.constant(5.0), use_resource=True)

        @tf.function
        def add_one(value):
            return value + 1.0

        branch = v1.cond(x > 0.0, lambda: add_one(x) * by_reference, lambda: x - by_handle)
        loop = v1.while_loop(lambda y: tf.abs(y) < 50.0, lambda y: add_one(y) * by_reference, [x])
        outputs = {"branch": branch, "loop": loop}
        return {"serving_default": signature({"x": x}, {name: tf.identity(t) for name, t in outputs.items()})}, {}

    v1.disable_control_flow_v2()
    try:
        write_graph(folder, build)
    finally:
        v1.enable_control_flow_v2()


LINEAR = (Case({"x": floats([[1, 1], [2, 3]])}), Case({"x": floats([[1, 1], [2, 3]])}, "weights"))
WORDS = (Case({"word": texts(b"green", b"?")}),)

RECIPES = (
    Recipe("pack/references", write_references, LINEAR),
    Recipe("pack/handles", write_handles, LINEAR),
    Recipe(
        "pack/assigning",
        write_assigning,
        (
            Case({"x": floats([1])}, "scale"),
            Case({"x": floats([1, 2])}, "add"),
            Case({"x": floats([3])}, "add"),
            Case({"x": floats([1])}, "scale"),
        ),
    ),
    Recipe("pack/main_op", write_main_op, WORDS),
    Recipe("pack/legacy_init_op", write_legacy_init_op, WORDS),
    Recipe("pack/old_control_flow", write_old_control_flow, (Case({"x": floats(2)}), Case({"x": floats(-2)}))),
)
