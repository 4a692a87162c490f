"""Models of images: one whose requests are large and whose computation is cheap, and one
that takes a single image."""

import pathlib

import numpy as np
import tensorflow as tf

from .recipe import Case, Recipe, floats
from .saving import save_module


class Classifier(tf.Module):
    """The mean colour of an image, and a dense layer over it."""

    def __init__(self):
        super().__init__()
        kernel = (np.arange(30) % 7 - 3).reshape(3, 10) / 2
        self.kernel = tf.Variable(floats(kernel), name="kernel")
        self.bias = tf.Variable(floats(np.arange(10) / 8), name="bias")

    @tf.function(input_signature=[tf.TensorSpec([None, 224, 224, 3], tf.float32, "image")])
    def classify(self, image):
        colour = tf.reduce_mean(image, axis=[1, 2])
        logits = tf.matmul(colour, self.kernel) + self.bias
        return {"probabilities": tf.nn.softmax(logits)}


def write_image(folder: pathlib.Path) -> None:
    module = Classifier()
    save_module(module, folder, {"serving_default": module.classify})


class OneImage(tf.Module):
    """Images without a batch: the mean colour, and what two of them differ by."""

    @tf.function(input_signature=[tf.TensorSpec([None, None, 3], tf.float32, "image")])
    def colour(self, image):
        return {"colour": tf.reduce_mean(image, axis=[0, 1])}

    @tf.function(input_signature=[tf.TensorSpec([3, 4, 4], tf.uint8, "image")])
    def planes(self, image):
        return {"largest": tf.reduce_max(image)}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, 1], tf.float32, "one"),
            tf.TensorSpec([None, 2, 2, 1], tf.float32, "batch"),
        ]
    )
    def difference(self, one, batch):
        return {"difference": tf.reduce_mean(batch, axis=[1, 2, 3]) - tf.reduce_mean(one)}


def write_one_image(folder: pathlib.Path) -> None:
    module = OneImage()
    signatures = {"serving_default": module.colour, "planes": module.planes, "difference": module.difference}
    save_module(module, folder, signatures)


# The numbers of a whole image would be a megabyte of expected.json, so there is
# only an empty batch. The benchmarks compare whole images with Python.
RECIPES = (
    Recipe("image", write_image, (Case({"image": np.zeros([0, 224, 224, 3], np.float32)}),)),
    Recipe(
        "one_image",
        write_one_image,
        (
            Case({"image": floats(np.arange(12).reshape(2, 2, 3))}),
            Case({"image": np.arange(48, dtype=np.uint8).reshape(3, 4, 4)}, "planes"),
            Case({"one": floats([[[1.0], [2.0]]]), "batch": floats(np.arange(8).reshape(2, 2, 2, 1))}, "difference"),
        ),
    ),
)
