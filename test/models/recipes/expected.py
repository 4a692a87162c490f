"""The form of expected.json."""

import base64
import json
import math
import pathlib

import numpy as np
import tensorflow as tf
from google.protobuf import json_format

from .recipe import Case, ExampleCase


def question(model: str, case: Case) -> dict:
    """A case as tensors and, where JSON can say it, as a TensorFlow Serving request."""
    record = {"model": model, "signature": case.signature}
    if all(has_json_form(np.asarray(value)) for value in case.inputs.values()):
        record["request"] = request(case)
    return record | {"inputs": tensors(case.inputs)}


def has_json_form(array: np.ndarray) -> bool:
    """Nested lists end at a dimension of 0: [] may have had shape [0] or [0,3]."""
    return 0 not in array.shape[:-1]


def request(case: Case) -> str:
    """The body, in column form. It is text: its bare NaN and Infinity are no JSON."""
    body = {"signature_name": case.signature} if case.signature else {}
    body["inputs"] = {name: nested(np.asarray(value)) for name, value in case.inputs.items()}
    return json.dumps(body)


def tensors(arrays: dict) -> dict:
    return {name: tensor(np.asarray(arrays[name])) for name in sorted(arrays)}


def tensor(array: np.ndarray) -> dict:
    """Data type, shape and the elements in row-major order."""
    return {
        "dtype": dtype_name(array),
        "shape": list(array.shape),
        "values": [legal(plain(element)) for element in array.reshape(-1)],
    }


def dtype_name(array: np.ndarray) -> str:
    """The name that TensorFlow uses in its messages: float, half, string."""
    if is_text(array):
        return "string"
    name = tf.as_dtype(array.dtype).name
    return {"float16": "half", "float32": "float", "float64": "double"}.get(name, name)


def is_text(array: np.ndarray) -> bool:
    return array.dtype.kind in "OS"


def plain(element):
    """An element as JSON has it, strings in base64; NaN and infinities stay."""
    if isinstance(element, bytes):
        return {"b64": base64.b64encode(element).decode("ascii")}
    if isinstance(element, (bool, np.bool_)):
        return bool(element)
    if np.issubdtype(type(element), np.integer):
        return int(element)
    return float(element)


def legal(value):
    """Names what JSON has no number for: "NaN", "Infinity", "-Infinity"."""
    if isinstance(value, dict):
        return value["b64"]
    if isinstance(value, float) and not math.isfinite(value):
        return json.dumps(value)
    return value


def nested(value) -> object:
    if isinstance(value, np.ndarray) and value.ndim > 0:
        return [nested(part) for part in value]
    return plain(value[()] if isinstance(value, np.ndarray) else value)


def example_question(model: str, case: ExampleCase) -> dict:
    """A classify or regress request as TensorFlow Serving's body and as TensorFlow's strings."""
    body = {"signature_name": case.signature}
    if case.context is not None:
        body["context"] = features(case.context)
    body["examples"] = [features(example) for example in case.examples]
    return {
        "model": model,
        "method": case.method,
        "request": json.dumps(body),
        "examples": [base64.b64encode(text).decode("ascii") for text in serialized(case)],
    }


def features(example: dict) -> dict:
    """The features in protobuf's order of a map: a name stands behind those it begins."""
    order = sorted(example, key=lambda name: name + "\U0010ffff")
    return {name: feature(example[name]) for name in order}


def feature(value) -> object:
    if isinstance(value, list):
        return [feature(element) for element in value]
    return plain(value) if isinstance(value, bytes) else value


def serialized(case: ExampleCase) -> list[bytes]:
    """The strings to feed: the context goes in front, as TensorFlow Serving has it."""
    context = example_bytes(case.context or {})
    return [context + example_bytes(example) for example in case.examples]


def example_bytes(example: dict) -> bytes:
    message = tf.train.Example()
    for name, value in example.items():
        for element in value if isinstance(value, list) else [value]:
            append(message.features.feature[name], element)
    return message.SerializeToString(deterministic=True)


def append(feature: tf.train.Feature, element) -> None:
    if isinstance(element, str):
        element = element.encode()
    if isinstance(element, bytes):
        feature.bytes_list.value.append(element)
    elif isinstance(element, float):
        feature.float_list.value.append(element)
    else:
        feature.int64_list.value.append(int(element))


def signatures(definitions) -> dict:
    """SignatureDefs as protobuf's JSON form has them, without those that cannot be called."""
    return {
        name: json_format.MessageToDict(
            definitions[name],
            always_print_fields_with_no_presence=True,
            preserving_proto_field_name=True,
        )
        for name in sorted(definitions)
        if not name.startswith("__saved_model_")
    }


def write(path: pathlib.Path, records: list[dict]) -> None:
    """Writes one case a line, so that a change of one shows as such in a diff."""
    lines = ",\n".join(json.dumps(record, allow_nan=False) for record in records)
    path.write_text(f'{{"tensorflow": "{tf.__version__}", "cases": [\n{lines}\n]}}\n')


def write_metadata(path: pathlib.Path, models: dict) -> None:
    """Writes one model a line."""
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(models[name], sort_keys=True)}" for name in sorted(models))
    path.write_text(f"{{\n{lines}\n}}\n")
