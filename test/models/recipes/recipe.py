"""What a test model is: how it is written, and what it is asked."""

import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np

DEFAULT = "serving_default"


@dataclasses.dataclass(frozen=True)
class Case:
    """A request to a model.

    inputs are arrays by alias, or by operation for a frozen graph. A case that
    fails is one that TensorFlow refuses at run time.
    """

    inputs: dict[str, np.ndarray]
    signature: str = DEFAULT
    fails: bool = False


@dataclasses.dataclass(frozen=True)
class ExampleCase:
    """A classify or regress request to a model.

    examples are features by name: a number, a string or bytes, or a list of such
    of one type. All of them have those of context besides.
    """

    method: str
    signature: str
    examples: tuple[dict, ...]
    context: dict | None = None
    fails: bool = False


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A model: where it lies below this folder, how it is written, its cases.

    Cases run in their order in one session, so a model may hold state.
    outputs are the operations to fetch from a frozen graph, which has no
    signature that names them. examples are the requests that are no predict.
    """

    path: str
    write: Callable[[pathlib.Path], None]
    cases: tuple[Case, ...] = ()
    tags: tuple[str, ...] = ("serve",)
    outputs: tuple[str, ...] = ()
    examples: tuple[ExampleCase, ...] = ()


def floats(values) -> np.ndarray:
    return np.array(values, np.float32)


def texts(*values: bytes) -> np.ndarray:
    return np.array(values, object)
