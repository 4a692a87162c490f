"""A model that carries its own warm-up requests, as TensorFlow Serving defines them."""

import pathlib

import tensorflow as tf

from .arithmetic import example, write_half_plus_two
from .recipe import Case, Recipe, floats

FILE = "assets.extra/tf_serving_warmup_requests"

# Field numbers of tensorflow_serving/apis, whose Python package would be the
# only need for a second TensorFlow here.
CLASSIFY_LOG, REGRESS_LOG, PREDICT_LOG = 2, 3, 6  # PredictionLog
REQUEST = 1  # ClassifyLog, RegressLog, PredictLog
MODEL_SPEC, INPUTS, INPUT = 1, 2, 2  # the requests
NAME, SIGNATURE_NAME = 1, 3  # ModelSpec
KEY, VALUE = 1, 2  # a map entry
EXAMPLE_LIST, EXAMPLES = 1, 1  # Input, ExampleList


def write_warmup(folder: pathlib.Path) -> None:
    """half_plus_two with a predict, a regress and a classify request."""
    write_half_plus_two(folder)
    write_records(
        folder,
        field(PREDICT_LOG, field(REQUEST, predict_request(floats([[1], [2]])))),
        field(REGRESS_LOG, field(REQUEST, example_request("regress_x_to_y", example(x=1.0)))),
        field(CLASSIFY_LOG, field(REQUEST, example_request("classify_x_to_y", example(x=1.0)))),
    )


def write_warmup_failing(folder: pathlib.Path) -> None:
    """A warm-up request that fails: TensorFlow Serving then fails the load."""
    write_half_plus_two(folder)
    request = example_request("regress_x_to_y", example(x2=1.0))
    write_records(folder, field(REGRESS_LOG, field(REQUEST, request)))


def write_records(folder: pathlib.Path, *records: bytes) -> None:
    path = folder / FILE
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)


def predict_request(x) -> bytes:
    tensor = tf.make_tensor_proto(x).SerializeToString(deterministic=True)
    entry = field(KEY, b"x") + field(VALUE, tensor)
    return field(MODEL_SPEC, spec("serving_default")) + field(INPUTS, entry)


def example_request(signature_name: str, serialized: bytes) -> bytes:
    examples = field(EXAMPLE_LIST, field(EXAMPLES, serialized))
    return field(MODEL_SPEC, spec(signature_name)) + field(INPUT, examples)


def spec(signature_name: str) -> bytes:
    return field(NAME, b"half_plus_two") + field(SIGNATURE_NAME, signature_name.encode())


def field(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


RECIPES = (
    Recipe("warmup", write_warmup, (Case({"x": floats([[2]])}),)),
    Recipe("warmup_failing", write_warmup_failing),
)
