"""The messages of tensorflow-serving-api as TensorFlow Serving's REST API carries them."""

import base64

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.classification_pb2 import ClassificationResult
from tensorflow_serving.apis.input_pb2 import Input
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.regression_pb2 import RegressionResult


def columns(request: PredictRequest) -> dict:
    """A request in column form: a tensor for each input."""
    inputs = {name: nested(tf.make_ndarray(t)) for name, t in request.inputs.items()}
    return {"signature_name": request.model_spec.signature_name, "inputs": inputs}


def rows(request: PredictRequest) -> dict:
    """A request in row form: plain values where there is one input, else objects."""
    inputs = {name: nested(tf.make_ndarray(t)) for name, t in request.inputs.items()}
    if len(inputs) == 1:
        (instances,) = inputs.values()
    else:
        instances = [dict(zip(inputs, row)) for row in zip(*inputs.values(), strict=True)]
    return {"signature_name": request.model_spec.signature_name, "instances": instances}


def response_of_columns(reply: dict, signature: SignatureDef) -> PredictResponse:
    named = reply["outputs"]
    if len(signature.outputs) == 1:
        named = dict.fromkeys(signature.outputs, named)
    return response(named, signature)


def response_of_rows(reply: dict, signature: SignatureDef) -> PredictResponse:
    predictions = reply["predictions"]
    if len(signature.outputs) == 1:
        named = dict.fromkeys(signature.outputs, predictions)
    else:
        named = {name: [row[name] for row in predictions] for name in signature.outputs}
    return response(named, signature)


def response(named: dict, signature: SignatureDef) -> PredictResponse:
    """named must have the signature's outputs and no others."""
    if named.keys() != signature.outputs.keys():
        raise AssertionError(f"outputs {list(named)}, want {list(signature.outputs)}")
    message = PredictResponse()
    for name, info in signature.outputs.items():
        dtype = tf.as_dtype(info.dtype)
        array = np.array(flat(named[name]), dtype.as_numpy_dtype).reshape(shape(named[name]))
        message.outputs[name].CopyFrom(tf.make_tensor_proto(array, dtype))
    return message


def examples(signature_name: str, input: Input) -> dict:
    """The body of :classify and :regress."""
    body = {"signature_name": signature_name}
    example_list = input.example_list
    if input.HasField("example_list_with_context"):
        example_list = input.example_list_with_context
        body["context"] = features(example_list.context)
    return body | {"examples": [features(example) for example in example_list.examples]}


def features(example: tf.train.Example) -> dict:
    """A feature is a list, or its value where it has one."""
    values = {name: feature_list(f) for name, f in example.features.feature.items()}
    return {name: v[0] if len(v) == 1 else v for name, v in values.items()}


def feature_list(feature: tf.train.Feature) -> list:
    kind = feature.WhichOneof("kind")
    return [leaf(value) for value in getattr(feature, kind).value]


def classification(reply: dict) -> ClassificationResult:
    result = ClassificationResult()
    for classes in reply["results"]:
        added = result.classifications.add()
        for label, score in classes:
            added.classes.add(label=label, score=score)
    return result


def regression(reply: dict) -> RegressionResult:
    result = RegressionResult()
    for value in reply["results"]:
        result.regressions.add(value=value)
    return result


def nested(array: np.ndarray):
    if array.ndim > 0:
        return [nested(np.asarray(part)) for part in array]
    return leaf(array.item())


def leaf(value):
    """Bytes in base64. The rest is JSON, TensorFlow Serving's NaN and Infinity too."""
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode("ascii")}
    return value if isinstance(value, (bool, int)) else float(value)


def flat(value) -> list:
    if isinstance(value, list):
        return [element for part in value for element in flat(part)]
    if isinstance(value, dict):
        return [base64.b64decode(value["b64"])]
    return [value.encode() if isinstance(value, str) else value]


def shape(value) -> list[int]:
    """The shape of nested lists; reshape refuses it where they are ragged."""
    if not isinstance(value, list):
        return []
    return [len(value)] + (shape(value[0]) if value else [])
