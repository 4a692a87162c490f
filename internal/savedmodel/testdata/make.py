"""Makes the models of the tests, and expected.json: what TensorFlow itself says
about them. Run it in this folder with TensorFlow 2.21:

    python make.py
"""

import json
import os
import shutil
import tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import tensorflow as tf
from tensorflow.core.framework import graph_pb2
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import convert_to_constants
from tensorflow.python.framework import function_def_to_graph

v1 = tf.compat.v1
FLOAT = tf.TensorSpec([None, 3], tf.float32, name="x")


class Ordinary(tf.Module):
    """Variables, two signatures, several types, a scalar."""

    def __init__(self):
        self.w = tf.Variable(tf.ones([3, 2]), name="w")

    @tf.function(input_signature=[FLOAT, tf.TensorSpec([], tf.int64, name="scale")])
    def predict(self, x, scale):
        y = tf.matmul(x, self.w) * tf.cast(scale, tf.float32)
        top = tf.math.top_k(y, 1)
        return {"y": y, "best": top.indices, "label": tf.as_string(y), "positive": y > 0}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image")])
    def decode(self, image):
        f = lambda b: tf.io.decode_png(b, channels=1)
        return {"pixels": tf.map_fn(f, image, fn_output_signature=tf.uint8)}


class Table(tf.Module):
    """A vocabulary that is an asset of the model."""

    def __init__(self, path):
        init = tf.lookup.TextFileInitializer(
            path, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER)
        self.table = tf.lookup.StaticHashTable(init, -1)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="word")])
    def predict(self, word):
        return {"id": self.table.lookup(word)}


class Saves(tf.Module):
    @tf.function(input_signature=[FLOAT])
    def predict(self, x):
        tf.raw_ops.SaveV2(prefix="stolen", tensor_names=["x"], shape_and_slices=[""], tensors=[x])
        return {"y": x}


class Loops(tf.Module):
    """Reads a file in the body of a while loop inside a function."""

    @tf.function
    def last(self, name):
        text = tf.constant("")
        for _ in tf.range(2):
            text = tf.io.read_file(name)
        return text

    @tf.function(input_signature=[tf.TensorSpec([], tf.string, name="name")])
    def predict(self, name):
        return {"text": self.last(name)}


class Python(tf.Module):
    @tf.function(input_signature=[FLOAT])
    def predict(self, x):
        return {"y": tf.numpy_function(lambda a: a, [x], tf.float32)}


class Ranks(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32, name="x"), tf.TensorSpec([], tf.float32, name="s")])
    def predict(self, x, s):
        return {"any": x + s, "none": s, "empty": tf.zeros([0, 3])}


class Maps(tf.Module):
    """Writes from the function of a dataset, as deep as functions go."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="names")])
    def predict(self, names):
        def write(name):
            tf.io.write_file(name, "x")
            return name
        count = tf.data.Dataset.from_tensor_slices(names).map(write).reduce(tf.constant(0, tf.int64), lambda n, _: n + 1)
        return {"count": count}


def export(name, module, *signatures):
    folder = tempfile.mkdtemp()
    tf.saved_model.save(module, folder, signatures={k: getattr(module, m) for k, m in signatures})
    keep(name, folder)


def keep(name, folder):
    """Keeps saved_model.pb, without the object graph, which serving ignores."""
    model = saved_model_pb2.SavedModel()
    with open(os.path.join(folder, "saved_model.pb"), "rb") as f:
        model.ParseFromString(f.read())
    for meta in model.meta_graphs:
        meta.ClearField("object_graph_def")
        meta.graph_def.ClearField("debug_info")
    with open(name + ".saved_model.pb", "wb") as f:
        f.write(model.SerializeToString(deterministic=True))
    shutil.rmtree(folder)


def tags():
    """Three meta graphs in one SavedModel, as TensorFlow 1 wrote them."""
    folder = os.path.join(tempfile.mkdtemp(), "model")
    builder = v1.saved_model.Builder(folder)
    for i, tag_set in enumerate([["serve"], ["serve", "gpu"], ["train"]]):
        with v1.Session(graph=tf.Graph()) as s:
            x = v1.placeholder(tf.float32, [None, i + 1], "x")
            w = v1.get_variable("w", [], use_resource=False)
            y = tf.multiply(x, w, "y")
            s.run(v1.global_variables_initializer())
            sig = v1.saved_model.predict_signature_def({"in": x}, {"out": y})
            add = builder.add_meta_graph_and_variables if i == 0 else builder.add_meta_graph
            args = (s, tag_set) if i == 0 else (tag_set,)
            add(*args, signature_def_map={"serving_default": sig})
    builder.save()
    keep("tags", folder)


def table_v1(vocabulary):
    folder = os.path.join(tempfile.mkdtemp(), "model")
    with v1.Session(graph=tf.Graph()) as s:
        word = v1.placeholder(tf.string, [None], "word")
        scale = v1.get_variable("scale", [], tf.int64, v1.zeros_initializer(), use_resource=True)
        init = tf.lookup.TextFileInitializer(
            vocabulary, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER)
        table = tf.lookup.StaticHashTable(init, -1)
        ids = tf.multiply(table.lookup(word), scale, "ids")
        s.run([v1.global_variables_initializer(), v1.tables_initializer()])
        builder = v1.saved_model.Builder(folder)
        builder.add_meta_graph_and_variables(
            s, ["serve"], main_op=v1.tables_initializer(),
            assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
            signature_def_map={"serving_default": v1.saved_model.predict_signature_def({"word": word}, {"ids": ids})})
        builder.save()
    keep("table_v1", folder)


def sparse():
    """A signature over a sparse tensor."""
    folder = os.path.join(tempfile.mkdtemp(), "model")
    with v1.Session(graph=tf.Graph()) as s:
        x = v1.sparse_placeholder(tf.float32, [None, 4], "x")
        y = tf.identity(tf.sparse.to_dense(x), "y")
        builder = v1.saved_model.Builder(folder)
        info = v1.saved_model.build_tensor_info
        sig = v1.saved_model.build_signature_def({"x": info(x)}, {"y": info(y)}, "tensorflow/serving/predict")
        builder.add_meta_graph_and_variables(s, ["serve"], signature_def_map={"serving_default": sig})
        builder.save()
    keep("sparse", folder)


def frozen(name, build, producer=None):
    with tf.Graph().as_default() as g:
        build()
    graph = g.as_graph_def(add_shapes=name == "conv")
    if producer is not None:
        graph.versions.producer = producer
    write(name, graph)


def write(name, graph):
    with open(name + ".pb", "wb") as f:
        f.write(graph.SerializeToString(deterministic=True))


def conv():
    x = v1.placeholder(tf.float32, [None, 4, 4, 1], "image")
    y = tf.nn.conv2d(x, tf.ones([2, 2, 1, 3]), 1, "VALID", name="conv2d/Conv2D")
    y = tf.nn.bias_add(y, tf.zeros([3]), name="conv2d/BiasAdd")
    y = tf.nn.softmax(tf.reshape(y, [-1, 27]), name="softmax")
    tf.math.top_k(y, 2, name="best")


def two():
    x = v1.placeholder(tf.float32, [None, 3], "x")
    keep_prob = v1.placeholder(tf.float32, [], "keep_prob")
    size = v1.placeholder_with_default(tf.constant(1), [], "size")
    y = tf.multiply(x, keep_prob, "product")
    with tf.control_dependencies([v1.assert_positive(keep_prob, name="check")]):
        tf.identity(y, "y")
    tf.split(x, 3, axis=1, name="columns")
    tf.add(size, 1, name="next")


def constant():
    tf.add(tf.constant([1.0]), tf.constant([2.0]), "sum")


def old():
    x = v1.placeholder(tf.float32, [], "x")
    y = v1.placeholder(tf.float32, [None, 2], "y")
    tf.add(x, y, "z")


def frozen_keras_style():
    """A function with variables, frozen and inlined as people do it today."""
    module = Ordinary()
    f = module.predict.get_concrete_function()
    write("frozen_v2", convert_to_constants.convert_variables_to_constants_v2(f).graph.as_graph_def())


def shape_of(proto):
    return None if proto.unknown_rank else [d.size for d in proto.dim]


def tensors(infos):
    return {k: {"tensor": t.name, "dtype": type_name(t.dtype), "shape": shape_of(t.tensor_shape)}
            for k, t in infos.items()}


def type_name(dtype):
    return types_pb2.DataType.Name(tf.dtypes.as_dtype(dtype).base_dtype.as_datatype_enum)


def graph_of(graph_def):
    """What TensorFlow sees: the output types of every node, and the counts."""
    nodes, counts = {}, {}
    with tf.Graph().as_default() as g:
        tf.import_graph_def(graph_def, name="")
    library = {"": g}
    with g.as_default():
        for fn in graph_def.library.function:
            library[fn.signature.name] = function_def_to_graph.function_def_to_graph(fn, include_library_functions=False)
    for name, graph in library.items():
        arguments = set() if name == "" else {
            a.name for fn in graph_def.library.function if fn.signature.name == name for a in fn.signature.input_arg}
        nodes[name] = {o.name: [type_name(t.dtype) for t in o.outputs]
                       for o in graph.get_operations() if o.name not in arguments}
    bodies = [graph_def.node] + [fn.node_def for fn in graph_def.library.function]
    for body in bodies:
        for n in body:
            counts[n.op] = counts.get(n.op, 0) + 1
    return {"outputs": nodes, "op_counts": counts, "producer": graph_def.versions.producer}


def assets(meta):
    """Where TensorFlow's loader looks: first the field, then the collection of old models."""
    if meta.asset_file_def:
        return meta.asset_file_def
    old = []
    for item in meta.collection_def["saved_model_assets"].any_list.value:
        asset = meta_graph_pb2.AssetFileDef()
        item.Unpack(asset)
        old.append(asset)
    return old


def expect():
    expected = {}
    for file in sorted(os.listdir(".")):
        if file.endswith(".saved_model.pb"):
            model = saved_model_pb2.SavedModel()
            with open(file, "rb") as f:
                model.ParseFromString(f.read())
            expected[file] = [dict(
                graph_of(m.graph_def),
                tags=list(m.meta_info_def.tags),
                tensorflow=m.meta_info_def.tensorflow_version,
                signatures={k: {"method": s.method_name, "inputs": tensors(s.inputs), "outputs": tensors(s.outputs)}
                            for k, s in m.signature_def.items() if not k.startswith("__saved_model")},
                saver=[m.saver_def.filename_tensor_name, m.saver_def.save_tensor_name, m.saver_def.restore_op_name],
                assets=[[a.tensor_info.name, a.filename] for a in assets(m)],
            ) for m in model.meta_graphs]
        elif file.endswith(".pb"):
            graph = graph_pb2.GraphDef()
            with open(file, "rb") as f:
                graph.ParseFromString(f.read())
            expected[file] = [graph_of(graph)]
    with open("expected.json", "w") as f:
        json.dump(expected, f, indent=1, sort_keys=True)
        f.write("\n")


def main():
    vocabulary = "words.txt"
    with open(vocabulary, "w") as f:
        f.write("zero\none\n")
    export("ordinary", Ordinary(), ("serving_default", "predict"), ("decode", "decode"))
    export("table", Table(vocabulary), ("serving_default", "predict"))
    export("saves", Saves(), ("serving_default", "predict"))
    export("loops", Loops(), ("serving_default", "predict"))
    export("python", Python(), ("serving_default", "predict"))
    export("ranks", Ranks(), ("serving_default", "predict"))
    export("maps", Maps(), ("serving_default", "predict"))
    tags()
    table_v1(vocabulary)
    sparse()
    frozen("conv", conv)
    frozen("two", two)
    frozen("constant", constant)
    frozen("old", old, producer=21)
    frozen_keras_style()
    os.remove(vocabulary)
    expect()


main()
