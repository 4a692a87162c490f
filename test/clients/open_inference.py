"""Questions of the Open Inference Protocol, as tritonclient[http] makes them."""

import contextlib

import numpy as np
from tritonclient.http import InferenceServerClient, InferInput
from tritonclient.utils import np_to_triton_dtype

import given

# Inputs of the model multi: rows enough for replies that are worth compressing.
A = np.arange(3000, dtype=np.float32).reshape(1000, 3) / 8
B = np.arange(1000, dtype=np.int32)


def connect(label: str, **options):
    """A client of a server, for a with statement."""
    client = InferenceServerClient(given.server(label).address, **options)
    return contextlib.closing(client)


def tensor(name: str, array: np.ndarray, binary=True) -> InferInput:
    value = InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    return value.set_data_from_numpy(array, binary_data=binary)


def multi(binary=True) -> list[InferInput]:
    return [tensor("a", A, binary), tensor("b", B, binary)]


class MultiTest(given.ArrayTest):
    """A test that asks the model multi."""

    def infer(self, inputs: list[InferInput], **options):
        with connect("multi") as client:
            return client.infer(given.server("multi").name, inputs, **options)

    def assert_multi(self, result) -> None:
        """All outputs for all of A and B, by arithmetic that is exact."""
        b = B.astype(np.float32)
        self.assert_same(result.as_numpy("sum"), A.sum(axis=1) + b, "sum")
        self.assert_same(result.as_numpy("product"), A * b[:, np.newaxis], "product")
        self.assert_same(result.as_numpy("rounded"), np.round(A).astype(np.int32), "rounded")
