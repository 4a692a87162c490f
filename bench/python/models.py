"""Makes the models that cold starts are measured with.

    python models.py FOLDER

writes FOLDER/mobilenet, MobileNetV2 as Keras exports it, with random weights, and
FOLDER/vocabulary, a classifier of words whose vocabulary is a hash table that is
filled from an asset.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import tensorflow as tf

SEED = 20261124
WORDS = 20000


def mobilenet(folder):
    keras.utils.set_random_seed(SEED)
    keras.applications.MobileNetV2(weights=None).export(folder, verbose=False)


class Vocabulary(tf.Module):
    def __init__(self, path):
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(path, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER),
            default_value=WORDS,
        )
        generator = tf.random.Generator.from_seed(SEED)
        self.embedding = tf.Variable(generator.normal((WORDS + 1, 16)))
        self.kernel = tf.Variable(generator.normal((16, 4)))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def __call__(self, text):
        words = tf.strings.split(tf.strings.lower(text))
        vectors = tf.ragged.map_flat_values(tf.nn.embedding_lookup, self.embedding, tf.ragged.map_flat_values(self.table.lookup, words))
        return {"scores": tf.nn.softmax(tf.reduce_mean(vectors, axis=1) @ self.kernel)}


def vocabulary(folder):
    path = folder + "-words.txt"
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"word{i}\n" for i in range(WORDS))
    model = Vocabulary(path)
    tf.saved_model.save(model, folder, signatures=model.__call__)


if __name__ == "__main__":
    mobilenet(os.path.join(sys.argv[1], "mobilenet"))
    vocabulary(os.path.join(sys.argv[1], "vocabulary"))
