"""What the scripts are given: servers on the command line, cases of ../models/expected.json."""

import base64
import dataclasses
import json
import pathlib
import sys
import unittest
import urllib.parse

import ml_dtypes
import numpy as np

MODELS = pathlib.Path(__file__).resolve().parent.parent / "models"

# Element types by the names that TensorFlow uses in its messages.
DTYPES = {
    "float": np.float32,
    "double": np.float64,
    "half": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
    "string": np.object_,
    "bool": np.bool_,
}

# The values of the command line's LABEL=VALUE, by label.
GIVEN: dict[str, str] = {}


def main() -> None:
    """Reads the command line and runs the tests of the script that calls."""
    for argument in sys.argv[1:]:
        label, equals, value = argument.partition("=")
        if not equals or label in GIVEN:
            sys.exit(f"{argument}: want each LABEL=VALUE once")
        GIVEN[label] = value
    if not GIVEN:
        sys.exit(f"usage: {sys.argv[0]} LABEL=VALUE ...")
    unittest.main(argv=sys.argv[:1])


@dataclasses.dataclass(frozen=True)
class Server:
    """A server of one model."""

    model_url: str  # http://HOST:PORT/v1/models/NAME

    @property
    def address(self) -> str:
        return urllib.parse.urlsplit(self.model_url).netloc

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def name(self) -> str:
        return self.model_url.rpartition("/")[2]


def server(label: str) -> Server:
    return Server(GIVEN[label])


@dataclasses.dataclass(frozen=True)
class Case:
    """A question to a model and what Python's TensorFlow answers."""

    model: str  # path below ../models
    signature: str  # empty for a frozen graph
    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray] | None  # None: TensorFlow fails

    def __str__(self) -> str:
        return f"{self.model} {self.signature} {self.inputs}"


def cases(model: str) -> list[Case]:
    """The cases of a model that has any."""
    with open(MODELS / "expected.json", encoding="utf-8") as file:
        records = json.load(file)["cases"]
    found = [case(record) for record in records if record["model"] == model]
    if not found:
        raise KeyError(f"expected.json has no case of {model}")
    return found


def case(record: dict) -> Case:
    outputs = arrays(record["outputs"]) if "outputs" in record else None
    return Case(record["model"], record["signature"], arrays(record["inputs"]), outputs)


def arrays(tensors: dict) -> dict[str, np.ndarray]:
    return {name: array(tensor) for name, tensor in tensors.items()}


def array(tensor: dict) -> np.ndarray:
    name, values = tensor["dtype"], tensor["values"]
    if name == "string":
        values = [base64.b64decode(value) for value in values]
    elif name in ("float", "double", "half", "bfloat16"):
        values = [float(value) for value in values]
    return np.array(values, DTYPES.get(name, name)).reshape(tensor["shape"])


class ArrayTest(unittest.TestCase):
    """A test that compares tensors."""

    maxDiff = None

    def assert_same(self, got: np.ndarray, want: np.ndarray, message="") -> None:
        """The same type, shape and bits; but a NaN is as good as any other."""
        self.assertEqual((got.dtype, got.shape), (want.dtype, want.shape), message)
        if identity(got) != identity(want):
            self.fail(f"{message}: got {got!r}, want {want!r}")


def identity(array: np.ndarray):
    if array.dtype == np.object_:
        return array.tolist()
    if not is_floating(array):
        return array.tobytes()
    return np.where(np.isnan(array), np.nan, array).astype(array.dtype).tobytes()


def is_floating(array: np.ndarray) -> bool:
    return array.dtype == ml_dtypes.bfloat16 or array.dtype.kind == "f"


def is_finite(array: np.ndarray) -> bool:
    return not is_floating(array) or bool(np.isfinite(array).all())


def is_text(array: np.ndarray) -> bool:
    """Whether strings are all UTF-8; true of numbers."""
    return array.dtype != np.object_ or all(is_utf8(element) for element in array.flat)


def is_utf8(element: bytes) -> bool:
    try:
        element.decode()
    except UnicodeDecodeError:
        return False
    return True
