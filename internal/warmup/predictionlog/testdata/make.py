"""Writes requests.tfrecord, records as TensorFlow Serving's own messages serialize, and
expected.json, what TensorFlow makes of their tensors.

    build/venv/bin/python internal/warmup/predictionlog/testdata/make.py
"""

import json
import pathlib

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

HERE = pathlib.Path(__file__).parent


def predict(signature_name="", output_filter=(), **inputs):
    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = "any"
    request.model_spec.signature_name = signature_name
    request.output_filter.extend(output_filter)
    for alias, proto in inputs.items():
        request.inputs[alias].CopyFrom(proto)
    feeds = {alias: tensor(proto) for alias, proto in inputs.items()}
    return log, expected("predict_log", signature_name or "serving_default", feeds, output_filter or ["y", "z"])


def examples(kind, signature_name, input_, serialized, fetches):
    log = prediction_log_pb2.PredictionLog()
    request = getattr(log, kind).request
    request.model_spec.signature_name = signature_name
    request.input.CopyFrom(input_)
    return log, expected(kind, signature_name, {"inputs": strings(serialized)}, fetches)


def multi_inference(input_, serialized):
    log = prediction_log_pb2.PredictionLog()
    request = log.multi_inference_log.request
    for name, method in (("regress", "regress"), ("classify", "classify")):
        task = request.tasks.add()
        task.model_spec.signature_name = name
        task.method_name = f"tensorflow/serving/{method}"
    request.input.CopyFrom(input_)
    return log, expected("multi_inference_log", "regress", {"inputs": strings(serialized)}, ["outputs", "classes", "scores"])


def session_run(feed, fetch, target=()):
    log = prediction_log_pb2.PredictionLog()
    request = log.session_run_log.request
    for name, proto in feed.items():
        named = request.feed.add(name=name)
        named.tensor.CopyFrom(proto)
    request.fetch.extend(fetch)
    request.target.extend(target)
    return log


def listed(dtype, shape, **values):
    """A TensorProto with a list of values, which may be shorter than the tensor."""
    proto = tf.make_tensor_proto(np.zeros([0], np.float32))
    proto.Clear()
    proto.dtype = dtype.as_datatype_enum
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    for field, content in values.items():
        getattr(proto, field).extend(content)
    return proto


def content(array):
    """A TensorProto with tensor_content."""
    proto = tf.make_tensor_proto(array)
    assert proto.tensor_content
    return proto


def string_content(*values):
    """DecodeStringList's form, which Python does not write."""
    proto = listed(tf.string, [len(values)])
    proto.tensor_content = bytes(len(v) for v in values) + b"".join(values)
    return proto


def tensor(proto):
    """What Tensor::FromProto makes of it."""
    dtype = tf.dtypes.as_dtype(proto.dtype)
    value = tf.io.parse_tensor(proto.SerializeToString(), dtype)
    if dtype == tf.string:
        elements = {"strings": [v.hex() for v in tf.reshape(value, [-1]).numpy().tolist()]}
    else:
        elements = {"data": value.numpy().tobytes().hex()}
    return {"dtype": proto.dtype, "shape": value.shape.as_list(), **elements}


def strings(serialized):
    return tensor(listed(tf.string, [len(serialized)], string_val=serialized))


def expected(kind, signature, feeds, fetches):
    return {"kind": kind, "signature": signature, "feeds": feeds, "fetches": list(fetches)}


def example(**features):
    return tf.train.Example(features=tf.train.Features(feature={
        name: tf.train.Feature(float_list=tf.train.FloatList(value=[v])) for name, v in features.items()
    }))


def inputs():
    """A list of examples, and one with a context: each with what the model is fed."""
    one, two, shared = example(x=1), example(x=2), example(c=3)
    plain = prediction_log_pb2.ClassifyLog().request.input
    plain.example_list.examples.extend([one, two])
    context = prediction_log_pb2.ClassifyLog().request.input
    context.example_list_with_context.examples.extend([one, two])
    context.example_list_with_context.context.CopyFrom(shared)
    whole = [e.SerializeToString() for e in (one, two)]
    return (plain, whole), (context, [shared.SerializeToString() + e for e in whole])


NUMBERS = (
    (tf.float32, [1.5, -2], "float_val", [1.5, -2]),
    (tf.float64, [1.5, -2], "double_val", [1.5, -2]),
    (tf.int32, [1, -2], "int_val", [1, -2]),
    (tf.int16, [1, -2], "int_val", [1, -2]),
    (tf.int8, [1, -2], "int_val", [1, -2]),
    (tf.uint16, [1, 65535], "int_val", [1, 65535]),
    (tf.uint8, [1, 255], "int_val", [1, 255]),
    (tf.int64, [1, -(2**63)], "int64_val", [1, -(2**63)]),
    (tf.uint32, [1, 2**32 - 1], "uint32_val", [1, 2**32 - 1]),
    (tf.uint64, [1, 2**64 - 1], "uint64_val", [1, 2**64 - 1]),
    (tf.bool, [True, False], "bool_val", [True, False]),
    (tf.half, [1.5, -2], "half_val", [0x3E00, 0xC000]),
    (tf.bfloat16, [1.5, -2], "half_val", [0x3FC0, 0xC000]),
    (tf.complex64, [1.5 - 2j, 3], "scomplex_val", [1.5, -2, 3, 0]),
    (tf.complex128, [1.5 - 2j, 3], "dcomplex_val", [1.5, -2, 3, 0]),
)


def cases():
    x = content(np.array([1, 2], np.float32))
    yield predict(x=x)
    yield predict(signature_name="serving_default", output_filter=["z"], x=x)
    for dtype, array, field, values in NUMBERS:
        proto = tf.make_tensor_proto(np.array(array, dtype.as_numpy_dtype))
        yield predict(x=proto)  # the form that Python chooses
        yield predict(x=listed(dtype, [5], **{field: values}))  # the last one repeated
        yield predict(x=listed(dtype, [2, 1], **{field: values}))
        yield predict(x=listed(dtype, [1], **{field: values}))  # one too many
        yield predict(x=listed(dtype, [3]))  # zeros
        yield predict(x=listed(dtype, [], **{field: values}))
        yield predict(x=listed(dtype, [0, 4]))
    for proto in (
        listed(tf.string, [2], string_val=[b"a", b"\xff\x00"]),
        listed(tf.string, [4], string_val=[b"first", b"last"]),
        listed(tf.string, [2, 2]),
        listed(tf.string, [], string_val=[b"scalar"]),
        string_content(b"abc", b"", b"de"),
    ):
        yield predict(x=proto)
    (plain, whole), (context, joined) = inputs()
    for given, serialized in ((plain, whole), (context, joined)):
        yield examples("classify_log", "classify", given, serialized, ["classes", "scores"])
        yield examples("regress_log", "regress", given, serialized, ["outputs"])
        yield multi_inference(given, serialized)
    run = session_run({"in:0": x}, ["out:0", "out"])
    yield run, expected("session_run_log", "serving_default", {"x": tensor(x)}, ["y", "y"])
    skipped = prediction_log_pb2.PredictionLog()
    skipped.predict_streamed_log.SetInParent()
    nothing = prediction_log_pb2.PredictionLog()
    nothing.log_metadata.sampling_config.sampling_rate = 1
    for log in (session_run({"in:0": x}, ["hidden:0"]), session_run({"hidden:0": x}, ["out:0"]), session_run({"in:0": x}, ["out:0"], ["op"]), skipped, nothing):
        yield log, {"kind": log.WhichOneof("log_type") or "", "skipped": True}


def main():
    logs, wanted = zip(*cases())
    with tf.io.TFRecordWriter(str(HERE / "requests.tfrecord")) as writer:
        for log in logs:
            writer.write(log.SerializeToString(deterministic=True))
    lines = ",\n".join(json.dumps(w) for w in wanted)
    (HERE / "expected.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
