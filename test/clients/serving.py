"""TensorFlow Serving's messages over its REST API: predict, classify, regress, status."""

import functools
import json
import os

# Before the import, which reads it: the informational lines say nothing here.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import requests
import tensorflow as tf
from google.protobuf import json_format
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest, ClassificationResult
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse, ModelVersionStatus
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.regression_pb2 import RegressionRequest, RegressionResult

import given
import rest

v1 = tf.compat.v1

# Models whose cases are asked. Each is the label of a server.
ASKED = ("dtypes", "failing", "half_plus_two/00000123", "multi", "strings", "unknown_rank")

HALF = "half_plus_two/00000123"
LABELS = "classify_labels"


@functools.cache
def loaded(model: str):
    """A SavedModel in a session of Python's TensorFlow, and its signatures."""
    with tf.Graph().as_default() as graph:
        session = v1.Session(graph=graph)
        meta = v1.saved_model.load(session, ["serve"], str(given.MODELS / model))
    return session, meta.signature_def


def run(model: str, signature: str, examples: list[tf.train.Example]) -> dict[str, np.ndarray]:
    """What Python's TensorFlow says to serialized examples, by output."""
    session, signatures = loaded(model)
    fetches = {name: info.name for name, info in signatures[signature].outputs.items()}
    serialized = [example.SerializeToString() for example in examples]
    return session.run(fetches, {signatures[signature].inputs["inputs"].name: serialized})


def example(**lists: list) -> tf.train.Example:
    message = tf.train.Example()
    for name, values in lists.items():
        feature = message.features.feature[name]
        if isinstance(values[0], bytes):
            feature.bytes_list.value.extend(values)
        elif isinstance(values[0], int):
            feature.int64_list.value.extend(values)
        else:
            feature.float_list.value.extend(values)
    return message


class RESTTest(given.ArrayTest):
    def post(self, model: str, method: str, body: dict, status=200) -> dict:
        # requests' own json= refuses the NaN that TensorFlow Serving reads.
        r = requests.post(f"{given.server(model).model_url}:{method}", json.dumps(body))
        self.assertEqual(r.status_code, status, r.text)
        self.assertEqual(r.headers["Content-Type"], "application/json")
        return r.json()


class PredictTest(RESTTest):
    """Every case of expected.json that JSON can say, in both forms."""

    def test_columns(self):
        for model, case in cases():
            with self.subTest(case=str(case)):
                self.check(model, case, rest.columns, rest.response_of_columns)

    def test_rows(self):
        for model, case in cases():
            if common_rows(case.inputs) and (case.outputs is None or common_rows(case.outputs)):
                with self.subTest(case=str(case)):
                    self.check(model, case, rest.rows, rest.response_of_rows)

    def check(self, model: str, case: given.Case, encode, decode) -> None:
        request = PredictRequest()
        request.model_spec.signature_name = case.signature
        for name, array in case.inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
        if case.outputs is None:
            self.assertTrue(self.post(model, "predict", encode(request), 400)["error"])
            return
        _, signatures = loaded(model)
        reply = self.post(model, "predict", encode(request))
        response = decode(reply, signatures[case.signature])
        for name, want in case.outputs.items():
            self.assert_same(tf.make_ndarray(response.outputs[name]), want, name)


def cases():
    """Nested lists end at a dimension of 0: [] may have had shape [0] or [0,3]."""
    for model in ASKED:
        for case in given.cases(model):
            arrays = [*case.inputs.values(), *(case.outputs or {}).values()]
            if case.inputs and all(0 not in array.shape[:-1] for array in arrays):
                yield model, case


def common_rows(arrays: dict[str, np.ndarray]) -> bool:
    counts = {array.shape[:1] for array in arrays.values()}
    return len(counts) == 1 and counts.isdisjoint({(), (0,)})


class ClassifyTest(RESTTest):
    def classify(self, model: str, request: ClassificationRequest) -> ClassificationResult:
        body = rest.examples(request.model_spec.signature_name, request.input)
        return rest.classification(self.post(model, "classify", body))

    def test_scores(self):
        self.check(HALF, "classify_x_to_y", example(x=[20.0]), example(x=[10.0]))

    def test_labels_and_scores(self):
        examples = [
            example(base=[0.2, 0.7, 0.1]),
            example(base=[1 / 3, -0.0, 1e20], prefix=["größer ".encode()], scale=[3]),
        ]
        for signature in ("serving_default", "classes", "scores"):
            with self.subTest(signature=signature):
                self.check(LABELS, signature, *examples)

    def check(self, model: str, signature: str, *examples: tf.train.Example) -> None:
        request = ClassificationRequest()
        request.model_spec.signature_name = signature
        request.input.example_list.examples.extend(examples)
        want = classifications(run(model, signature, examples))
        self.assertEqual(self.classify(model, request), want)

    def test_context(self):
        request = ClassificationRequest()
        request.model_spec.signature_name = "classify_x_to_y"
        with_context = request.input.example_list_with_context
        with_context.context.CopyFrom(example(x=[20.0], query=[b"pizza", b"\xff"]))
        with_context.examples.extend([example(age=[20, 30]), example(names=[b"foo"])])
        # y = x/2 + 2, where x comes from the context.
        want = ClassificationResult()
        for _ in with_context.examples:
            want.classifications.add().classes.add(label="", score=12.0)
        self.assertEqual(self.classify(HALF, request), want)

    def test_an_integer_is_no_float(self):
        body = {"signature_name": "classify_x_to_y", "examples": [{"x": 20}]}
        self.assertTrue(self.post(HALF, "classify", body, 400)["error"])


def classifications(outputs: dict[str, np.ndarray]) -> ClassificationResult:
    """A label is empty and a score 0 where the signature has no such output."""
    (shape,) = {array.shape for array in outputs.values()}
    labels = outputs.get("classes", np.full(shape, b"", np.object_))
    scores = outputs.get("scores", np.zeros(shape, np.float32))
    result = ClassificationResult()
    for row in zip(labels, scores, strict=True):
        added = result.classifications.add()
        for label, score in zip(*row, strict=True):
            added.classes.add(label=label.decode(), score=score)
    return result


class RegressTest(RESTTest):
    def test_values(self):
        request = RegressionRequest()
        request.model_spec.signature_name = "regress_x_to_y"
        examples = [example(x=[80.0]), example(x=[1 / 3], name=[b"a"], age=[1]), example(x=[-0.0])]
        request.input.example_list.examples.extend(examples)
        body = rest.examples(request.model_spec.signature_name, request.input)
        got = rest.regression(self.post(HALF, "regress", body))
        want = RegressionResult()
        for value in run(HALF, "regress_x_to_y", examples)["outputs"].flat:
            want.regressions.add(value=value)
        self.assertEqual(got, want)
        self.assertEqual(got.regressions[0].value, 42.0)


class StatusTest(RESTTest):
    def test_the_status_is_the_messages_own_json(self):
        want = GetModelStatusResponse()
        version = want.model_version_status.add(version=123, state=ModelVersionStatus.AVAILABLE)
        version.status.SetInParent()
        printed = json_format.MessageToDict(
            want, always_print_fields_with_no_presence=True, preserving_proto_field_name=True
        )
        for path in ("", "/versions/123", "/versions/00000123"):
            r = requests.get(given.server(HALF).model_url + path)
            self.assertEqual(r.status_code, 200, r.text)
            self.assertEqual(json_format.Parse(r.text, GetModelStatusResponse()), want)
            self.assertEqual(r.json(), printed)


if __name__ == "__main__":
    given.main()
