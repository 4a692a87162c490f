"""Signatures of TensorFlow 1 with an asset each."""

import contextlib
import pathlib
import tempfile

import tensorflow as tf
from recipes.recipe import Case, Recipe, texts
from recipes.saving import signature

from graphs import write_graph

v1 = tf.compat.v1


def write_assets(folder: pathlib.Path) -> None:
    """Two tables, which one main op fills, and the paths of their files in a collection."""

    def build():
        word = v1.placeholder(tf.string, [None], "word")
        signatures = {}
        for name in ("colors", "shapes"):
            initializer = tf.lookup.TextFileInitializer(
                f"{name}.txt", tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
            )
            table = tf.lookup.StaticHashTable(initializer, -1)
            signatures[name] = signature({"word": word}, {"id": tf.identity(table.lookup(word))})
        return signatures, {
            "main_op": v1.group(v1.tables_initializer(), name="init_tables"),
            "assets_collection": v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
        }

    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        pathlib.Path("colors.txt").write_text("red\ngreen\n")
        pathlib.Path("shapes.txt").write_text("round\nsquare\nred\n")
        write_graph(folder, build)


WORDS = texts(b"red", b"square")

RECIPES = (Recipe("pack/assets", write_assets, (Case({"word": WORDS}, "colors"), Case({"word": WORDS}, "shapes"))),)
