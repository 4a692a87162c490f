"""Serialized tf.train.Examples as inputs, parsed by each operation that does that."""

import pathlib

import tensorflow as tf
from recipes.recipe import Case, Recipe, texts
from recipes.saving import save_module

BATCH = tf.TensorSpec([None], tf.string, "examples")
DENSE = {"size": tf.io.FixedLenFeature([2], tf.float32), "kind": tf.io.FixedLenFeature([], tf.string)}
SPARSE = {"ids": tf.io.VarLenFeature(tf.int64)}


def write_parsed(folder: pathlib.Path) -> None:
    module = tf.Module()
    module.scale = tf.Variable(2.0, name="scale")

    @tf.function(input_signature=[BATCH])
    def batch(examples):
        ragged = {"tags": tf.io.RaggedFeature(tf.string)}
        found = tf.io.parse_example(examples, DENSE | SPARSE | ragged)
        return {
            "size": found["size"] * module.scale,
            "kind": found["kind"],
            "ids": tf.sparse.to_dense(found["ids"], -1),
            "tags": tf.strings.reduce_join(found["tags"], axis=1, separator="+"),
        }

    @tf.function(input_signature=[BATCH])
    def old(examples):
        """The operation of TensorFlow 1, which Python does not write any more."""
        found = tf.raw_ops.ParseExample(
            serialized=examples, names=tf.constant([], tf.string), sparse_keys=["ids"], dense_keys=["kind", "size"],
            dense_defaults=[tf.constant([], tf.string), tf.constant([], tf.float32)], sparse_types=[tf.int64], dense_shapes=[[], [2]],
        )  # fmt: skip
        kind, size = found.dense_values
        return {"size": size * module.scale, "kind": kind, "ids": found.sparse_values[0]}

    @tf.function(input_signature=[tf.TensorSpec([1], tf.string, "example")])
    def single(example):
        found = tf.io.parse_single_example(tf.reshape(example, []), DENSE | SPARSE)
        return {"size": found["size"] * module.scale, "kind": found["kind"], "ids": found["ids"].values}

    module.batch, module.old, module.single = batch, old, single
    save_module(module, folder, {"batch": batch, "old": old, "single": single})


def example(kind: bytes, size: list[float], ids: list[int], tags: list[bytes]) -> bytes:
    feature = tf.train.Feature
    features = {
        "kind": feature(bytes_list=tf.train.BytesList(value=[kind])),
        "size": feature(float_list=tf.train.FloatList(value=size)),
        "ids": feature(int64_list=tf.train.Int64List(value=ids)),
        "tags": feature(bytes_list=tf.train.BytesList(value=tags)),
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString(deterministic=True)


ONE = example(b"car", [1.5, -2.0], [7], [b"red", b"new"])
OTHER = example(b"bus", [0.0, 4.0], [], [])

RECIPES = (
    Recipe(
        "pack/parsed",
        write_parsed,
        (
            Case({"examples": texts(ONE, OTHER)}, "batch"),
            Case({"examples": texts(ONE, b"no example")}, "batch", fails=True),
            Case({"examples": texts(OTHER, ONE)}, "old"),
            Case({"example": texts(ONE)}, "single"),
        ),
    ),
)
