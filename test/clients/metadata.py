"""The metadata of every model as TensorFlow Serving's messages.

Each LABEL=FILE is a model below ../models and what the server says of it.
"""

import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import Int64Value
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap
from tensorflow_serving.apis.model_pb2 import ModelSpec

import given

# It cannot be called, so the server hides it; TensorFlow Serving lists it.
INIT_OP = "__saved_model_init_op"


def signatures(model: str) -> dict[str, SignatureDef]:
    """The signatures in the SavedModel's own file, those of {serve} where it has a choice."""
    saved = SavedModel.FromString((given.MODELS / model / "saved_model.pb").read_bytes())
    graphs = saved.meta_graphs
    if len(graphs) > 1:
        graphs = [graph for graph in graphs if list(graph.meta_info_def.tags) == ["serve"]]
    (graph,) = graphs
    return {name: s for name, s in graph.signature_def.items() if name != INIT_OP}


def printed(message: Message) -> dict:
    """The JSON that TensorFlow Serving prints: every field, under its own name."""
    return json_format.MessageToDict(
        message, always_print_fields_with_no_presence=True, preserving_proto_field_name=True
    )


class MetadataTest(given.ArrayTest):
    def test_the_metadata_is_the_models_own_signatures(self):
        for model, file in given.GIVEN.items():
            with self.subTest(model=model), open(file, encoding="utf-8") as reply:
                self.check(model, json.load(reply))

    def check(self, model: str, reply: dict) -> None:
        own, spec = signatures(model), model_spec(model)
        self.assertTrue(own)
        definitions = reply["metadata"]["signature_def"]
        parsed = json_format.ParseDict(definitions, SignatureDefMap())
        self.assertEqual(dict(parsed.signature_def), own)
        self.assertEqual(json_format.ParseDict(reply["model_spec"], ModelSpec()), spec)
        # A message read back is forgiving: defaulted fields may be missing, numbers
        # may stand for their texts. Clients that read the JSON itself are not.
        want = {"signature_def": {name: printed(signature) for name, signature in own.items()}}
        self.assertEqual(definitions, want)
        self.assertEqual(reply, {"model_spec": printed(spec), "metadata": {"signature_def": want}})


def model_spec(model: str) -> ModelSpec:
    folders = model.split("/")
    version = int(folders.pop()) if folders[-1].isdecimal() else 1
    return ModelSpec(name=folders[-1], version=Int64Value(value=version))


if __name__ == "__main__":
    given.main()
