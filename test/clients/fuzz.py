"""Schemathesis asks a server what its OpenAPI document allows, and what it does not:
python fuzz.py http://127.0.0.1:8080 [option of schemathesis run ...]

The requests follow from the document and the seed. What a JSON schema cannot say of a request
or an answer is said here, beside what follows from it.
"""

import base64
import json
import math
import os
import sys
import tempfile

# What Hypothesis and Schemathesis remember of a run. The first looks when it is imported.
MEMORY = tempfile.TemporaryDirectory()
os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = os.path.join(MEMORY.name, "hypothesis")

import hypothesis.strategies as st
import requests
import schemathesis
from schemathesis.cli import schemathesis as command
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import RejectedPositiveData

JSON = "application/json"
LENGTH, SHAPE = "Inference-Header-Content-Length", "X-Tensor-Shape"

# Elements of a row that no model here has.
MUCH = 1 << 20

# The document of the server that is asked.
DOCUMENT: dict = {}

# Bodies that are no JSON: bytes for whatever is to be wrong. What is to be right, examples says.
for media_type in ("application/octet-stream", "application/x-npy", "application/jsonlines", "text/csv", "image/jpeg", "image/png"):
    schemathesis.openapi.media_type(media_type, st.binary())


@schemathesis.deserializer(JSON)
def bare_nan(context, response):
    """The answers of v1 have NaN and infinities where a schema can only say number."""
    return json.loads(response.content, parse_constant=lambda _: 0.0)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes what is meant to be right so in what a schema cannot say."""
    if case.method != "POST" or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.media_type != JSON:  # the signature's bytes: no schema has them, but the examples do
        for name, body in examples(case):
            case.headers, kwargs["data"] = headers(case, name), body
        return
    for key in ("instances", "inputs"):
        if key in case.body:
            case.body[key] = without_point(case.body[key])
    if case.path.endswith("/infer"):
        case.headers = {name: value for name, value in case.headers.items() if name != LENGTH}  # of binary tensors only
        if "outputs" in case.body:  # each once
            case.body["outputs"] = list({output["name"]: output for output in case.body["outputs"]}.values())
        for tensor in case.body["inputs"]:
            reshape(tensor)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """False for what a schema cannot say, so that it is no failure."""
    if isinstance(failure, AcceptedNegativeData):
        # A header without a value is one that is missing; the shape is looked at with raw bytes only.
        return case.headers.get(LENGTH, "0") != "" and SHAPE not in case.headers and (case.query or {}).get("top", "0") != ""
    if not isinstance(failure, RejectedPositiveData):
        return True
    if case.media_type != JSON:
        return any(examples(case))
    error = response.json()["error"]
    if "not an image" in error:  # base64 of anything else
        return False
    if "is an infinity" in error:  # an answer of v2 that has no JSON
        return False
    if "inconsistent batch size" in error:  # outputs of the model that have no rows in common
        return False
    return agrees(case.body)


def examples(case):
    """The bodies of the examples of the type of this case, by name; of some models there are none."""
    content = resolve(operation(case)["requestBody"])["content"]
    for name, given in content[case.media_type].get("examples", {}).items():
        if "value" in given:
            yield name, given["value"].encode()
        else:
            yield name, base64.b64decode(given["x-base64"])


def headers(case, name: str) -> dict[str, str]:
    """The headers that belong to the example with that name."""
    given = [resolve(p) for p in operation(case).get("parameters", [])]
    return {p["name"]: str(p["examples"][name]["value"]) for p in given if name in p.get("examples", {})}


def operation(case) -> dict:
    return DOCUMENT["paths"][case.path]["post"]


def resolve(reference: dict) -> dict:
    value = DOCUMENT
    for key in reference["$ref"].split("/")[1:]:
        value = value[key]
    return value


def without_point(value):
    """The same numbers, with whole ones as integers: 1.0 is none here, but is in a schema."""
    if isinstance(value, list):
        return [without_point(v) for v in value]
    if isinstance(value, dict):
        return {key: without_point(v) for key, v in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def reshape(tensor: dict) -> None:
    """Gives a tensor of v2 the shape that its data has."""
    shape, data = tensor["shape"], tensor["data"]
    row = math.prod(shape[1:])
    if any(isinstance(v, list) for v in data):
        tensor["shape"] = list(shape_of(data) or shape)
    elif not shape and len(data) != 1 or not 0 < row <= MUCH:  # no rank is declared, so any will do
        tensor["shape"] = [len(data)]
    elif shape:
        tensor["data"] = data[: len(data) // row * row]
        tensor["shape"] = [len(data) // row, *shape[1:]]


def shape_of(value):
    """The shape of nested lists, None where those of a level differ in length."""
    if not isinstance(value, list):
        return ()
    shapes = {shape_of(v) for v in value} or {()}
    return None if len(shapes) > 1 or None in shapes else (len(value), *shapes.pop())


def agrees(body: dict) -> bool:
    """Whether all lists of a level are equally long, and all inputs have as many rows."""
    rows = body.get("instances")
    inputs = body.get("inputs")
    if rows is not None and isinstance(rows[0], dict):
        tensors = [[row.get(name) for row in rows] for name in rows[0]]
    elif rows is not None:
        tensors = [rows]
    elif isinstance(inputs, list) and all(isinstance(t, dict) and "data" in t for t in inputs):
        shapes = [shape_of(t["data"]) for t in inputs]
        return None not in shapes and len({t["shape"][0] for t in inputs if t["shape"]}) <= 1
    elif isinstance(inputs, dict) and "b64" not in inputs:
        tensors = list(inputs.values())
    else:
        tensors = [inputs]
    shapes = [shape_of(t) for t in tensors]
    return None not in shapes and len({s[0] for s in shapes if s}) <= 1


if __name__ == "__main__":
    url = sys.argv[1] + "/openapi.json"
    DOCUMENT = requests.get(url, timeout=30).json()
    # The examples are sent as they are by another test.
    phases = ["--phases", "coverage,fuzzing", "--max-examples", "15"]
    repeatable = ["--seed", "1", "--no-shrink", "--continue-on-failure", "--suppress-health-check", "all"]
    os.chdir(MEMORY.name)
    command(["run", url, *phases, *repeatable, "--warnings", "off", *sys.argv[2:]])
