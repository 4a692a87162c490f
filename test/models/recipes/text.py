"""Strings: a vocabulary in an asset file, bytes that are not text."""

import contextlib
import pathlib
import tempfile

import numpy as np
import tensorflow as tf

from .recipe import Case, Recipe, texts
from .saving import save_module

# The order is the meaning: the id of a word is its line.
VOCABULARY = ("zero", "one", "two", "größer")


class Vocabulary(tf.Module):
    """Words to ids and back; -1 and "unknown" for what is not there."""

    def __init__(self, file: str):
        super().__init__(name="vocabulary")
        word, line = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
        ids = tf.lookup.TextFileInitializer(file, tf.string, word, tf.int64, line)
        words = tf.lookup.TextFileInitializer(file, tf.int64, line, tf.string, word)
        self.ids = tf.lookup.StaticHashTable(ids, -1)
        self.words = tf.lookup.StaticHashTable(words, "unknown")

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "word")])
    def look_up(self, word):
        return {"id": self.ids.lookup(word)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "id")])
    def name(self, id):
        return {"word": self.words.lookup(id)}

    @tf.function(input_signature=[tf.TensorSpec(None, tf.string, "text")])
    def mangle(self, text):
        """raw_bytes is the text as it came, broken is never valid UTF-8."""
        return {"raw_bytes": tf.identity(text), "broken": tf.strings.join([text, b"\xff\xfe"])}


def write_strings(folder: pathlib.Path) -> None:
    # TensorFlow names a table after its file as given, so a path into a
    # temporary folder would end up in the model.
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        file = pathlib.Path("vocabulary.txt")
        file.write_text("".join(f"{word}\n" for word in VOCABULARY))
        module = Vocabulary(str(file))
        save_module(
            module,
            folder,
            {"serving_default": module.look_up, "words": module.name, "mangle": module.mangle},
        )


RECIPES = (
    Recipe(
        "strings",
        write_strings,
        (
            Case({"word": texts(b"two", b"zero", "größer".encode(), b"\xff", b"")}),
            Case({"word": texts()}),
            Case({"id": np.array([3, 0, 99], np.int64)}, "words"),
            Case({"text": texts(b"plain", "größer".encode(), b"a\x00b")}, "mangle"),
            Case({"text": np.array([[b"a", b""], [b"\xff", b"d"]], object)}, "mangle"),
        ),
    ),
)
