"""Which meta graph and which signature: tags and names other than the usual."""

import pathlib

import tensorflow as tf

from .recipe import Case, Recipe, floats
from .saving import save_module, save_session, signature, settle

v1 = tf.compat.v1


def write_tags_train_serve(folder: pathlib.Path) -> None:
    """The only meta graph has the tags {train, serve}: the set {serve} finds nothing."""
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], name="x")
        y = tf.add(x, 1.0, name="y")
        signatures = {"serving_default": signature({"x": x}, {"y": y})}
        save_session(session, folder, signatures, ("train", "serve"))


def write_two_meta_graphs(folder: pathlib.Path) -> None:
    """{serve} adds one and {serve, batch} adds ten."""
    builder = v1.saved_model.Builder(str(folder))
    with tf.Graph().as_default(), v1.Session() as session:
        builder.add_meta_graph_and_variables(session, ["serve"], adding(1.0))
    with tf.Graph().as_default():
        builder.add_meta_graph(["serve", "batch"], adding(10.0))
    builder.save()
    settle(folder)


def adding(amount: float) -> dict:
    x = v1.placeholder(tf.float32, [None], name="x")
    y = tf.add(x, amount, name="y")
    return {"serving_default": signature({"x": x}, {"y": y})}


def write_no_default(folder: pathlib.Path) -> None:
    """A signature, but none under the name that requests get by default."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def halve(x):
        return {"y": x / 2.0}

    module = tf.Module()
    module.halve = halve
    save_module(module, folder, {"halve": halve})


X = {"x": floats([1, 2.5])}

RECIPES = (
    Recipe("tags_train_serve", write_tags_train_serve, (Case(X),), ("train", "serve")),
    Recipe("two_meta_graphs", write_two_meta_graphs, (Case(X),)),
    Recipe("no_signature_default", write_no_default, (Case(X, "halve"),)),
)
