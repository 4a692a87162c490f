"""Loads models and their packed forms, and asks both the same.

    python packed.py ORIGINAL=PACKED ...

Exits with 1 and the reasons where a packed model does not load although its
original does, has other signatures, or answers otherwise: than the original as
tf.saved_model.load gives it, or in a session than the cases that Python answered
for the original.
"""

import json
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from given import MODELS, Case, case, identity
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.core.protobuf.config_pb2 import CallableOptions

v1 = tf.compat.v1

# Fewer answers than these mean that something was not asked at all.
LEAST = {"functions": 60, "sessions": 100}


def main() -> None:
    tf.get_logger().setLevel("ERROR")  # the loaders for sessions call themselves old
    known = cases_by_model()
    faults, compared = [], dict.fromkeys(LEAST, 0)
    for pair in sys.argv[1:]:
        original, _, packed = pair.partition("=")
        name = str(pathlib.Path(original).relative_to(MODELS))
        for way, check in (("functions", check_functions), ("sessions", check_session)):
            count, found = check(original, packed, known.get(name, []))
            compared[way] += count
            faults += [f"{name}, {way}: {fault}" for fault in found]
    faults += [f"{way}: only {compared[way]} answers were compared" for way in LEAST if compared[way] < LEAST[way]]
    if faults:
        sys.exit("\n".join(faults))


def cases_by_model() -> dict[str, list[Case]]:
    known = {}
    for path in (MODELS / "expected.json", MODELS / "pack" / "expected.json"):
        for record in json.loads(path.read_text(encoding="utf-8"))["cases"]:
            known.setdefault(record["model"], []).append(case(record))
    return known


def check_functions(original: str, packed: str, cases: list[Case]) -> tuple[int, list[str]]:
    """Compares what tf.saved_model.load makes of both; how many answers, and the faults."""
    try:
        before = tf.saved_model.load(original)
    except Exception:
        return 0, []  # models that only the C++ loader takes
    try:
        after = tf.saved_model.load(packed)  # held, since its tables live no longer than it does
    except Exception as error:
        return 0, [f"does not load: {error}"]
    names = set(before.signatures) - {"__saved_model_init_op"}
    if names != set(after.signatures):
        return 0, [f"signatures {sorted(after.signatures)}, not {sorted(names)}"]
    count, faults = 0, []
    for question in cases or [ones(name, before.signatures[name]) for name in sorted(names)]:
        want, got = (call(model.signatures[question.signature], question) for model in (before, after))
        if isinstance(want, str) and question.outputs is not None:
            continue  # TensorFlow runs this original in sessions only, where it is asked too
        count += not isinstance(want, str)
        faults += differences(question, want, got)
    return count, faults


def ones(name: str, signature) -> Case:
    """A question to a signature that nothing is known of."""
    _, inputs = signature.structured_input_signature
    return Case(str(name), name, {alias: filled(spec) for alias, spec in inputs.items()}, None)


def filled(spec: tf.TensorSpec, batch: int = 2) -> np.ndarray:
    """Ones, or texts."""
    shape = [batch] if spec.shape.rank is None else [batch if d is None else d for d in spec.shape]
    if spec.dtype == tf.string:
        return np.full(shape, b"red", object)
    return np.ones(shape, spec.dtype.as_numpy_dtype)


def call(signature, question: Case):
    """The outputs of a signature, or the kind of its error."""
    try:
        inputs = {name: tf.constant(value) for name, value in question.inputs.items()}
        return {name: array(tensor.numpy()) for name, tensor in signature(**inputs).items()}
    except Exception as error:  # whatever it is, both must have one
        return type(error).__name__


def check_session(_: str, packed: str, cases: list[Case]) -> tuple[int, list[str]]:
    """Asks the packed model all cases in one session, as TensorFlow 1 and C programs do."""
    if not cases:
        return 0, []
    faults = []
    with tf.Graph().as_default(), v1.Session() as session:
        try:
            meta = v1.saved_model.loader.load(session, tags(packed), packed)
        except Exception as error:
            return 0, [f"does not load: {error}"]
        for question in cases:
            want = "an error" if question.outputs is None else question.outputs
            faults += differences(question, want, run(session, meta.signature_def[question.signature], question))
    return len(cases), faults


def tags(folder: str) -> list[str]:
    """Those of the only meta graph."""
    content = pathlib.Path(folder, "saved_model.pb").read_bytes()
    (meta,) = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    return list(meta.meta_info_def.tags)


def run(session, signature, question: Case):
    """A callable lets TensorFlow judge shapes, where Session.run would ask the declared ones."""
    feeds = [signature.inputs[name].name for name in question.inputs]
    options = CallableOptions(feed=feeds, fetch=[info.name for info in signature.outputs.values()])
    try:
        values = session._make_callable_from_options(options)(*question.inputs.values())
    except tf.errors.OpError as error:
        return type(error).__name__
    return dict(zip(signature.outputs, map(array, values)))


def array(value) -> np.ndarray:
    """TensorFlow gives a text without a shape as bytes."""
    return np.array(value, object) if isinstance(value, bytes) else np.asarray(value)


def differences(question: Case, want, got) -> list[str]:
    return [] if same(want, got) else [f"{question}: {want}, packed {got}"]


def same(a, b) -> bool:
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and isinstance(b, str)
    return a.keys() == b.keys() and all(
        x.shape == b[name].shape and x.dtype == b[name].dtype and identity(x) == identity(b[name]) for name, x in a.items()
    )


main()
