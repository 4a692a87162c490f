"""Writes expected.json: what TensorFlow itself says about the demo model.

    pip install -r ../models/requirements.txt
    python expected.py
"""

import json
import os
import pathlib
import tarfile
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf
from tensorflow.core.framework import graph_pb2, types_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import function_def_to_graph

HERE = pathlib.Path(__file__).parent
DIGITS = HERE.parent.parent / "models" / "digits"


def enum(dtype) -> str:
    return types_pb2.DataType.Name(dtype.as_datatype_enum)


def operations(graph: graph_pb2.GraphDef) -> list[dict]:
    """Every node, in stored order, then those of the functions by name."""
    with tf.Graph().as_default() as imported:
        tf.import_graph_def(graph, name="")
    found = [operation(node, imported, "") for node in graph.node]
    for function in sorted(graph.library.function, key=lambda f: f.signature.name):
        with imported.as_default():  # where the functions are that it calls
            body = function_def_to_graph.function_def_to_graph(function)
        found += [operation(node, body, function.signature.name) for node in function.node_def]
    return found


def operation(node, graph: tf.Graph, function: str) -> dict:
    outputs = [enum(tensor.dtype.base_dtype) for tensor in graph.get_operation_by_name(node.name).outputs]
    record = {"name": node.name, "op": node.op, "device": node.device, "outputs": outputs}
    return record | ({"function": function} if function else {})


def counts(found: list[dict]) -> dict:
    types = [record["op"] for record in found]
    return {op: types.count(op) for op in sorted(set(types))}


def tensor(info) -> dict:
    shape = None if info.tensor_shape.unknown_rank else [d.size for d in info.tensor_shape.dim]
    return {"tensor": info.name, "dtype": types_pb2.DataType.Name(info.dtype), "shape": shape}


def signature(definition) -> dict:
    return {
        "method": definition.method_name,
        "inputs": {name: tensor(info) for name, info in definition.inputs.items()},
        "outputs": {name: tensor(info) for name, info in definition.outputs.items()},
    }


def savedmodel() -> dict:
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(DIGITS / "digits.tar.gz") as archive:
            archive.extractall(folder)
        model = saved_model_pb2.SavedModel.FromString((pathlib.Path(folder) / "1" / "saved_model.pb").read_bytes())
    (meta,) = model.meta_graphs
    found = operations(meta.graph_def)
    return {
        "format": "savedmodel",
        "version": 1,
        "tags": sorted(meta.meta_info_def.tags),
        "tensorflow": meta.meta_info_def.tensorflow_version,
        "signatures": {
            name: signature(definition)
            for name, definition in meta.signature_def.items()
            if name != "__saved_model_init_op"
        },
        "operations": found,
        "op_counts": counts(found),
    }


def frozen() -> dict:
    """A frozen graph has no signature of its own: its placeholders and sinks are one."""
    graph = graph_pb2.GraphDef.FromString((DIGITS / "digits.pb").read_bytes())
    found = operations(graph)
    with tf.Graph().as_default() as imported:
        tf.import_graph_def(graph, name="")
        ops = imported.get_operations()
        read = {t.name for op in ops for t in op.inputs}
        ends = [op for op in ops if op.outputs and not any(t.name in read for t in op.outputs)]
    return {
        "format": "graphdef",
        "version": 1,
        "tags": [],
        "tensorflow": "",
        "signatures": {
            "serving_default": {
                "method": "tensorflow/serving/predict",
                "inputs": {op.name: endpoint(op) for op in ops if op.type == "Placeholder"},
                "outputs": {op.name: endpoint(op) for op in ends},
            }
        },
        "operations": found,
        "op_counts": counts(found),
    }


def endpoint(op) -> dict:
    tensor = op.outputs[0]
    shape = None if tensor.shape.rank is None else [-1 if d is None else d for d in tensor.shape.as_list()]
    return {"tensor": tensor.name, "dtype": enum(tensor.dtype), "shape": shape}


if __name__ == "__main__":
    answers = {"digits.tar.gz": savedmodel(), "digits.pb": frozen()}
    (HERE / "expected.json").write_text(json.dumps(answers, indent=1) + "\n")
