"""A model whose requests are large and whose computation is cheap."""

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


# The numbers of a whole image would be a megabyte of expected.json, so there is
# only an empty batch. The benchmarks compare whole images with Python.
RECIPES = (
    Recipe("image", write_image, (Case({"image": np.zeros([0, 224, 224, 3], np.float32)}),)),
)
