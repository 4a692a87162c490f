"""The yardstick: the same work as a Python Lambda function would do it.

    python handler.py s3://BUCKET/KEY.tar.gz EVENT.json

Like a Lambda function it loads the model at import, once, and answers events
by handler(event, context). Run as a program it answers one API Gateway event
and prints two lines: the reply, and the milliseconds of each stage since the
interpreter reached this file.
"""

import time

START = time.perf_counter()

import base64
import json
import os
import sys
import tarfile
import tempfile

# As any tuned function would set it: TensorFlow reads it when imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import boto3
import numpy as np

LIBRARIES = time.perf_counter()

import tensorflow as tf

TENSORFLOW = time.perf_counter()


def fetch(uri, folder):
    """Downloads the archive at an s3:// URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    path = os.path.join(folder, "model.tar.gz")
    body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"]
    with open(path, "wb") as file:
        for chunk in body.iter_chunks(1 << 20):
            file.write(chunk)
    return path


def unpack(archive, folder):
    """Unpacks the archive; the folder that holds the SavedModel."""
    model = os.path.join(folder, "model")
    with tarfile.open(archive) as tar:
        tar.extractall(model, filter="data")
    for parent, _, files in os.walk(model):
        if "saved_model.pb" in files:
            return parent
    raise FileNotFoundError("no saved_model.pb in the archive")


def load(folder):
    """The default signature as a function, and the dtypes of its inputs."""
    model = tf.saved_model.load(folder)
    signature = model.signatures["serving_default"]
    _, inputs = signature.structured_input_signature
    return model, signature, {name: spec.dtype.as_numpy_dtype for name, spec in inputs.items()}


def predict(body):
    """Answers the row form of a TensorFlow Serving request with one input."""
    (name, dtype), = DTYPES.items()
    rows = np.array(json.loads(body)["instances"], dtype)
    outputs = SIGNATURE(**{name: tf.constant(rows)})
    (output,) = outputs.values()
    return json.dumps({"predictions": output.numpy().tolist()})


def handler(event, context):
    body = event["body"]
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body)
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": predict(body),
        "isBase64Encoded": False,
    }


MODEL_URI = sys.argv[1] if __name__ == "__main__" else os.environ["MODEL_URI"]

with tempfile.TemporaryDirectory() as scratch:
    archive = fetch(MODEL_URI, scratch)
    FETCHED = time.perf_counter()
    unpacked = unpack(archive, scratch)
    UNPACKED = time.perf_counter()
    # The model owns the variables that the signature uses: it must stay.
    MODEL, SIGNATURE, DTYPES = load(unpacked)
    LOADED = time.perf_counter()


def main():
    with open(sys.argv[2], encoding="utf-8") as file:
        reply = handler(json.load(file), None)
    answered = time.perf_counter()
    # Flushed, so that a benchmark sees the answer when it is there and need not
    # count the second or so that TensorFlow takes to shut down.
    print(json.dumps(reply), flush=True)
    marks = (
        ("import_libraries", LIBRARIES),
        ("import_tensorflow", TENSORFLOW),
        ("fetch", FETCHED),
        ("unpack", UNPACKED),
        ("load", LOADED),
        ("predict", answered),
    )
    stages, previous = {}, START
    for name, mark in marks:
        stages[name] = round((mark - previous) * 1000, 1)
        previous = mark
    print(json.dumps({"stages": stages, "total": round((answered - START) * 1000, 1)}))


if __name__ == "__main__":
    main()
