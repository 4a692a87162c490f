"""Trains the demo model and writes every file of this folder but the texts.

A small convolutional network learns the 8x8 digits that scikit-learn ships.
Run it from anywhere; the files land beside it:

    pip install -r requirements.txt
    python train.py

The same versions on the same kind of processor give the same bytes: the seed
is fixed, TensorFlow is held to deterministic kernels, and the archive carries
no clock and no user.
"""

import gzip
import hashlib
import io
import json
import os
import pathlib
import tarfile
import tempfile
import uuid

# Before the import, which reads it: the informational lines say nothing here.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import sklearn
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tensorflow.core.protobuf import fingerprint_pb2
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_v2,
)

FOLDER = pathlib.Path(__file__).resolve().parent
SEED = 3
TEST_SHARE = 0.2
EPOCHS = 60
BATCH = 32
LEARNING_RATE = 3e-3
KEEP = 0.8  # share of the features that dropout leaves while training
WHITE = 16.0  # the largest pixel value in the data
TOLERANCE = 1e-5  # how far another processor's kernels may be off


class Digits(tf.Module):
    """Three convolutions and a dense layer: 8x8 pixels in 0..1 to ten classes."""

    def __init__(self):
        super().__init__(name="digits")
        self.conv1 = weights("conv1", (3, 3, 1, 16))
        self.conv2 = weights("conv2", (3, 3, 16, 32))
        self.conv3 = weights("conv3", (3, 3, 32, 16))
        self.dense = weights("dense", (2 * 2 * 16, 10))

    def logits(self, image, keep=1.0):
        """Scores, [n,10], for images, [n,8,8,1]."""
        x = convolve(image, self.conv1, "SAME")
        x = convolve(x, self.conv2, "SAME")
        x = tf.nn.max_pool2d(x, 2, 2, "VALID")
        x = convolve(x, self.conv3, "VALID")
        x = tf.reshape(x, [-1, 2 * 2 * 16])
        if keep < 1.0:
            x = tf.nn.dropout(x, rate=1.0 - keep)
        kernel, bias = self.dense
        return tf.nn.bias_add(tf.matmul(x, kernel), bias)

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 1], tf.float32, "image")])
    def predict(self, image):
        return {"probabilities": tf.nn.softmax(self.logits(image), name="probabilities")}


def weights(name, shape):
    """A kernel, started by He's rule, and a bias."""
    fan_in = int(np.prod(shape[:-1]))
    kernel = tf.random.normal(shape, stddev=(2.0 / fan_in) ** 0.5)
    return (
        tf.Variable(kernel, name=f"{name}/kernel"),
        tf.Variable(tf.zeros(shape[-1:]), name=f"{name}/bias"),
    )


def convolve(x, layer, padding):
    kernel, bias = layer
    return tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, padding), bias))


def load_data():
    """Images as float32 [n,8,8,1] in 0..1, and their digits, split for good."""
    digits = load_digits()
    images = (digits.images / WHITE).astype(np.float32)[..., np.newaxis]
    return train_test_split(
        images,
        digits.target,
        test_size=TEST_SHARE,
        random_state=SEED,
        stratify=digits.target,
    )


def train(model, images, labels):
    steps = EPOCHS * (len(images) // BATCH)
    rate = tf.keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    optimizer = tf.keras.optimizers.Adam(rate)
    variables = model.trainable_variables
    optimizer.build(variables)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels=y, logits=model.logits(x, KEEP)
            )
            loss = tf.reduce_mean(losses)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss

    batches = (
        tf.data.Dataset.from_tensor_slices((images, labels))
        .shuffle(len(images), seed=SEED)
        .batch(BATCH, drop_remainder=True)
    )
    for epoch in range(EPOCHS):
        for x, y in batches:
            loss = step(x, y)
        if (epoch + 1) % 10 == 0:
            print(f"epoch {epoch + 1:3d}  loss {float(loss):.4f}")


def accuracy(model, images, labels):
    probabilities = model.predict(images)["probabilities"].numpy()
    return float(np.mean(np.argmax(probabilities, axis=1) == labels))


def export_saved_model(model, folder):
    tf.saved_model.save(
        model, str(folder), signatures={"serving_default": model.predict}
    )
    fix_fingerprint(folder)


def fix_fingerprint(folder):
    """Replaces the random identity in fingerprint.pb by one from the content.

    It is the only thing that TensorFlow makes anew at each save, and nothing
    but its own logging reads it.
    """
    path = folder / "fingerprint.pb"
    fingerprint = fingerprint_pb2.FingerprintDef.FromString(path.read_bytes())
    digest = hashlib.sha256((folder / "saved_model.pb").read_bytes()).digest()
    fingerprint.uuid = str(uuid.UUID(bytes=digest[:16]))
    path.write_bytes(fingerprint.SerializeToString(deterministic=True))


def archive(folder, path):
    """Packs folder as PATH.tar.gz in the order of names, without clock or user."""
    tarred = io.BytesIO()
    with tarfile.open(fileobj=tarred, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for entry in sorted(folder.rglob("*")):
            info = tarfile.TarInfo(str(entry.relative_to(folder)))
            if entry.is_dir():
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info)
                continue
            content = entry.read_bytes()
            info.size, info.mode = len(content), 0o644
            tar.addfile(info, io.BytesIO(content))
    path.write_bytes(gzip.compress(tarred.getvalue(), 9, mtime=0))


def export_frozen(model, path):
    """Writes the GraphDef with the variables as constants: image:0 to probabilities:0."""
    frozen = convert_variables_to_constants_v2(model.predict.get_concrete_function())
    # tf.function closes its graph with an Identity that nobody would know by
    # name: cut it off, so that "probabilities" is the only sink. The call that
    # does it has no successor and warns of its age.
    tf.get_logger().setLevel("ERROR")
    graph = tf.compat.v1.graph_util.extract_sub_graph(
        frozen.graph.as_graph_def(), ["probabilities"]
    )
    path.write_bytes(graph.SerializeToString(deterministic=True))


def write_samples(saved_model, images, labels):
    """Writes a request with three test images, and what the saved model answers."""
    predict = tf.saved_model.load(str(saved_model)).signatures["serving_default"]
    chosen = [int(np.argmax(labels == digit)) for digit in (3, 7, 8)]
    answer = predict(image=tf.constant(images[chosen]))["probabilities"].numpy()
    write_json("samples.json", {"instances": images[chosen].tolist()})
    write_json(
        "expected.json",
        {
            "predictions": answer.tolist(),
            "labels": labels[chosen].tolist(),
            "tolerance": TOLERANCE,
            "tensorflow": tf.__version__,
        },
    )


def write_json(name, value):
    """Writes one line for each top-level field: small, and readable in a diff."""
    fields = (f"{json.dumps(key)}: {json.dumps(field)}" for key, field in value.items())
    (FOLDER / name).write_text("{" + ",\n ".join(fields) + "}\n")


def main():
    tf.keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()

    train_images, test_images, train_labels, test_labels = load_data()
    model = Digits()
    train(model, train_images, train_labels)
    metrics = {
        "test_accuracy": accuracy(model, test_images, test_labels),
        "train_accuracy": accuracy(model, train_images, train_labels),
        "test_images": len(test_images),
        "train_images": len(train_images),
        "parameters": sum(int(np.prod(v.shape)) for v in model.variables),
        "tensorflow": tf.__version__,
        "scikit_learn": sklearn.__version__,
    }
    print(json.dumps(metrics, indent=2))
    write_json("metrics.json", metrics)

    with tempfile.TemporaryDirectory() as folder:
        version = pathlib.Path(folder) / "1"
        export_saved_model(model, version)
        archive(pathlib.Path(folder), FOLDER / "digits.tar.gz")
        write_samples(version, test_images, test_labels)
    export_frozen(model, FOLDER / "digits.pb")
    (FOLDER / "labels.txt").write_text("".join(f"{digit}\n" for digit in range(10)))


if __name__ == "__main__":
    main()
