"""Hash tables, which the init op fills."""

import contextlib
import pathlib
import tempfile

import tensorflow as tf
from recipes.recipe import Case, Recipe, texts
from recipes.saving import save_module

WORD = tf.TensorSpec([None], tf.string, "word")


def write_tables(folder: pathlib.Path) -> None:
    """One table from an asset, one from constants, one of another asset that no signature needs.

    A variable takes the ids of the first one, inside a function that is called.
    """
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        pathlib.Path("words.txt").write_text("red\ngreen\nblue\n")
        pathlib.Path("unused.txt").write_text("nobody\nreads\nthis\n")
        save_tables(folder)


def save_tables(folder: pathlib.Path) -> None:
    module = tf.Module()
    module.words, module.unused = from_file("words.txt"), from_file("unused.txt")
    numbers = tf.lookup.KeyValueTensorInitializer(tf.constant(["one", "two"]), tf.constant([1.0, 2.0]))
    module.numbers = tf.lookup.StaticHashTable(numbers, -1.0)
    module.weights = tf.Variable([0.5, 1.5, 2.5, 3.5], name="weights")

    @tf.function
    def weight(word):
        return tf.gather(module.weights, module.words.lookup(word))

    @tf.function(input_signature=[WORD])
    def answer(word):
        return {"weight": weight(word) + module.numbers.lookup(word), "size": module.words.size()}

    module.answer = answer
    save_module(module, folder, {"serving_default": answer})


def from_file(name: str) -> tf.lookup.StaticHashTable:
    word, line = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
    return tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer(name, tf.string, word, tf.int64, line), 3)


def write_filled_table(folder: pathlib.Path) -> None:
    """A table whose content is in the files of variables, and that no variable is beside."""
    module = tf.Module()
    module.prices = tf.lookup.experimental.MutableHashTable(tf.string, tf.float32, -1.0)
    module.prices.insert(tf.constant(["zebra", "gnu"]), tf.constant([1.5, 2.5]))

    @tf.function(input_signature=[WORD])
    def answer(word):
        return {"price": module.prices.lookup(word)}

    module.answer = answer
    save_module(module, folder, {"serving_default": answer})


RECIPES = (
    Recipe("pack/tables", write_tables, (Case({"word": texts(b"blue", b"two", b"red", b"?")}),)),
    Recipe("pack/filled_table", write_filled_table, (Case({"word": texts(b"zebra", b"?", b"gnu")}),)),
)
