"""The Open Inference Protocol with tritonclient[http]: health, metadata, tensors."""

import base64
import itertools

import ml_dtypes
import numpy as np
from tritonclient.http import InferRequestedOutput
from tritonclient.utils import InferenceServerException

import given
from open_inference import connect, tensor

# Models whose cases are asked. Each is the label of a server.
ASKED = ("dtypes", "failing", "half_plus_two/00000123", "multi", "strings", "two_placeholders.pb")


class HealthTest(given.ArrayTest):
    def test_everything_is_alive_and_ready(self):
        name = given.server("multi").name
        with connect("multi") as client:
            self.assertTrue(client.is_server_live())
            self.assertTrue(client.is_server_ready())
            self.assertTrue(client.is_model_ready(name))
            self.assertTrue(client.is_model_ready(name, "1"))

    def test_other_models_and_versions_are_not_ready(self):
        name = given.server("multi").name
        with connect("multi") as client:
            self.assertFalse(client.is_model_ready("other"))
            self.assertFalse(client.is_model_ready(name, "2"))


class MetadataTest(given.ArrayTest):
    def test_the_server_says_what_it_is(self):
        with connect("multi") as client:
            metadata = client.get_server_metadata()
        self.assertEqual(metadata["name"], "tensorlambda")
        self.assertTrue(metadata["version"])
        self.assertIn("binary_tensor_data", metadata["extensions"])

    def test_a_saved_model(self):
        name = given.server("multi").name
        with connect("multi") as client:
            metadata = client.get_model_metadata(name)
            self.assertEqual(client.get_model_metadata(name, "1"), metadata)
        self.assertEqual((metadata["name"], metadata["versions"]), (name, ["1"]))
        self.assertEqual(metadata["platform"], "tensorflow_savedmodel")
        self.assert_tensors(metadata["inputs"], {"a": ("FP32", [-1, 3]), "b": ("INT32", [-1])})
        matrix = [-1, 3]
        outputs = {"product": ("FP32", matrix), "rounded": ("INT32", matrix), "sum": ("FP32", [-1])}
        self.assert_tensors(metadata["outputs"], outputs)

    def test_a_frozen_graph(self):
        label = "two_placeholders.pb"
        with connect(label) as client:
            metadata = client.get_model_metadata(given.server(label).name)
        self.assertEqual(metadata["platform"], "tensorflow_graphdef")
        self.assertEqual({i["name"] for i in metadata["inputs"]}, {"input_1", "keep_prob"})
        self.assertEqual([o["name"] for o in metadata["outputs"]], ["dense_1/BiasAdd"])

    def test_strings_are_bytes(self):
        with connect("strings") as client:
            metadata = client.get_model_metadata(given.server("strings").name)
        self.assert_tensors(metadata["inputs"], {"word": ("BYTES", [-1])})
        self.assert_tensors(metadata["outputs"], {"id": ("INT64", [-1])})

    def assert_tensors(self, tensors: list, want: dict) -> None:
        got = {t["name"]: (t["datatype"], t["shape"]) for t in tensors}
        self.assertEqual(got, want)
        self.assertEqual(len(tensors), len(want))


def elements(array: np.ndarray) -> np.ndarray:
    """The same array, with the text that JSON gives for strings as bytes."""
    if array.dtype != np.object_:
        return array
    values = [v.encode() if isinstance(v, str) else v for v in array.flat]
    return np.array(values, np.object_).reshape(array.shape)


class AnswerTest(given.ArrayTest):
    """Every case of expected.json, each tensor in JSON and binary."""

    def test_answers_are_those_of_python(self):
        for label in ASKED:
            name = given.server(label).name
            with connect(label) as client:
                for case in given.cases(label):
                    self.ask_in_all_forms(client, name, case)

    def ask_in_all_forms(self, client, name: str, case: given.Case) -> None:
        for binary_inputs, binary_outputs in itertools.product((True, False), repeat=2):
            if not binary_inputs and not all(map(has_json_input, case.inputs.values())):
                continue
            if not binary_outputs and not all(map(has_json_output, (case.outputs or {}).values())):
                continue
            with self.subTest(case=str(case), inputs=binary_inputs, outputs=binary_outputs):
                self.ask(client, name, case, binary_inputs, binary_outputs)

    def ask(self, client, name: str, case: given.Case, binary_inputs, binary_outputs) -> None:
        inputs = [tensor(n, array, binary_inputs) for n, array in case.inputs.items()]
        parameters = {"signature_name": case.signature} if case.signature else None
        if case.outputs is None:
            with self.assertRaises(InferenceServerException) as raised:
                client.infer(name, inputs, parameters=parameters)
            self.assertEqual(raised.exception.status(), "400")
            return
        wanted = [InferRequestedOutput(n, binary_outputs) for n in case.outputs]
        result = client.infer(name, inputs, outputs=wanted, parameters=parameters)
        for alias, want in case.outputs.items():
            self.assert_same(elements(result.as_numpy(alias)), want, alias)
        self.assert_form(result, case.outputs, binary_outputs)

    def assert_form(self, result, outputs: dict, binary: bool) -> None:
        response = result.get_response()
        self.assertEqual([o["name"] for o in response["outputs"]], list(outputs))
        for output in response["outputs"]:
            self.assertEqual("data" in output, not binary)
            self.assertEqual("binary_data_size" in output.get("parameters", {}), binary)


def has_json_input(array: np.ndarray) -> bool:
    """bfloat16 and bytes that are no text have none in the client, NaN has none here."""
    return array.dtype != ml_dtypes.bfloat16 and given.is_finite(array) and given.is_text(array)


def has_json_output(array: np.ndarray) -> bool:
    return given.is_finite(array) and given.is_text(array)


class JSONLimitsTest(given.ArrayTest):
    """What JSON cannot say, and binary tensors can."""

    def test_nan_comes_as_null(self):
        for dtype in ("float", "double", "half"):  # ml_dtypes has no None for bfloat16
            with self.subTest(dtype=dtype):
                values = np.array([1.5, np.nan, -0.0], given.DTYPES[dtype])
                self.assert_same(self.identity(dtype, values).as_numpy("y"), values)

    def test_infinities_are_refused_with_a_hint(self):
        for value in (np.inf, -np.inf):
            self.assert_hint("float", np.array([1, value], np.float32))

    def test_bare_nan_and_infinities_are_refused_with_a_hint(self):
        for value in (np.nan, np.inf, -np.inf):
            self.assert_hint("float", np.array([1, value], np.float32), binary=False)

    def assert_hint(self, dtype: str, array: np.ndarray, **options) -> None:
        with self.assertRaises(InferenceServerException) as raised:
            self.identity(dtype, array, **options)
        self.assertEqual(raised.exception.status(), "400")
        self.assertIn("binary", raised.exception.message())

    def test_bytes_that_are_no_text_come_as_base64_and_say_so(self):
        text = np.array([b"plain", b"\xff\xfe", b""], np.object_)
        output = self.identity("string", text).get_output("y")
        self.assertEqual(output["parameters"], {"content_type": "base64"})
        self.assertEqual([base64.b64decode(v) for v in output["data"]], list(text))

    def identity(self, dtype: str, array: np.ndarray, binary=True):
        """The answer in JSON of the signature of a type, which gives x back as y."""
        outputs = [InferRequestedOutput("y", binary_data=False)]
        options = {"outputs": outputs, "parameters": {"signature_name": dtype}}
        inputs = [tensor("x", array, binary)]
        with connect("dtypes") as client:
            return client.infer(given.server("dtypes").name, inputs, **options)


if __name__ == "__main__":
    given.main()
