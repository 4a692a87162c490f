"""The form of expected.json."""

import base64
import json
import math
import pathlib

import numpy as np
import tensorflow as tf

from .recipe import Case


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


def write(path: pathlib.Path, records: list[dict]) -> None:
    """Writes one case a line, so that a change of one shows as such in a diff."""
    lines = ",\n".join(json.dumps(record, allow_nan=False) for record in records)
    path.write_text(f'{{"tensorflow": "{tf.__version__}", "cases": [\n{lines}\n]}}\n')
