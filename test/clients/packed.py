"""Loads models and their packed forms, and asks both the same.

    python packed.py ORIGINAL=PACKED ...

Exits with 1 and the reasons where a packed model does not load although its
original does, has other signatures, or answers otherwise.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf


def value(spec, batch=2):
    """Something to feed a tensor: ones, or texts."""
    if spec.shape.rank is None:
        shape = [batch]
    else:
        shape = [d if d is not None else batch for d in spec.shape]
    if spec.dtype == tf.string:
        return tf.constant(np.full(shape, b"red"))
    return tf.cast(tf.ones(shape), spec.dtype)


def ask(signature):
    """The outputs of a signature, or the kind of its error."""
    _, inputs = signature.structured_input_signature
    try:
        return {name: t.numpy() for name, t in signature(**{name: value(spec) for name, spec in inputs.items()}).items()}
    except Exception as error:  # whatever it is, both must have it
        return type(error).__name__


def same(a, b):
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and isinstance(b, str)
    if a.keys() != b.keys():
        return False
    return all(x.shape == b[k].shape and x.dtype == b[k].dtype and (x == b[k]).all() for k, x in a.items())


def main():
    faults, compared = [], 0
    for pair in sys.argv[1:]:
        original, _, packed = pair.partition("=")
        try:
            before = tf.saved_model.load(original).signatures
        except Exception:
            continue  # models that only the C++ loader takes
        try:
            after = tf.saved_model.load(packed).signatures
        except Exception as error:
            faults.append(f"{original}: packed it does not load: {error}")
            continue
        if set(before) - {"__saved_model_init_op"} != set(after):
            faults.append(f"{original}: signatures {sorted(before)}, packed {sorted(after)}")
        for name in after:
            want, got = ask(before[name]), ask(after[name])
            compared += not isinstance(want, str)
            if not same(want, got):
                faults.append(f"{original}: signature {name}: {want}, packed {got}")
    if compared < 20:
        faults.append(f"only {compared} answers were compared")
    if faults:
        sys.exit("\n".join(faults))


main()
