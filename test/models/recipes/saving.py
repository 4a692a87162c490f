"""Writes SavedModels and GraphDefs so that the same run gives the same bytes."""

import pathlib

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

v1 = tf.compat.v1


def save_module(module: tf.Module, folder: pathlib.Path, signatures: dict) -> None:
    """Writes a SavedModel as TensorFlow 2 does: signatures call functions."""
    tf.saved_model.save(module, str(folder), signatures=signatures)
    settle(folder)


def save_session(session, folder: pathlib.Path, signatures: dict, tags=("serve",)) -> None:
    """Writes a SavedModel as TensorFlow 1 did: signatures name graph tensors."""
    builder = v1.saved_model.Builder(str(folder))
    builder.add_meta_graph_and_variables(session, tags, signature_def_map=signatures)
    builder.save()
    settle(folder)


def signature(inputs: dict, outputs: dict, method: str = "predict"):
    """A SignatureDef over tensors of the default graph."""
    describe = v1.saved_model.build_tensor_info
    return v1.saved_model.build_signature_def(
        {name: describe(tensor) for name, tensor in inputs.items()},
        {name: describe(tensor) for name, tensor in outputs.items()},
        f"tensorflow/serving/{method}",
    )


def settle(folder: pathlib.Path) -> None:
    """Takes out of a SavedModel what differs from run to run.

    That is the random identity in fingerprint.pb, which no loader needs, and
    the order of protobuf maps.
    """
    (folder / "fingerprint.pb").unlink(missing_ok=True)
    path = folder / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    path.write_bytes(model.SerializeToString(deterministic=True))


def save_graph(graph: v1.GraphDef, path: pathlib.Path) -> None:
    path.write_bytes(graph.SerializeToString(deterministic=True))
