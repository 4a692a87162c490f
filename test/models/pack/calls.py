"""Functions that call functions, and what they take and give."""

import pathlib

import numpy as np
import tensorflow as tf
from recipes.recipe import Case, Recipe, floats
from recipes.saving import save_module, save_session, signature
from tensorflow.core.framework import function_pb2, types_pb2
from tensorflow.core.protobuf import saved_model_pb2

v1 = tf.compat.v1

X = tf.TensorSpec([None], tf.float32, "x")


def write_nested(folder: pathlib.Path) -> None:
    """Three functions deep, the inner two called twice with other arguments; the innermost colocates two of its nodes."""
    module = tf.Module()
    module.factor = tf.Variable(3.0, name="factor")

    @tf.function
    def innermost(a, b):
        product = a * module.factor
        with v1.colocate_with(product.op):
            return product - b, b

    @tf.function
    def middle(a, b):
        difference, same = innermost(a, b)
        return difference + innermost(same, a)[0], difference

    @tf.function(input_signature=[X])
    def outer(x):
        first, _ = middle(x, x + 1.0)
        second, third = middle(first, tf.reverse(x, [0]))
        return {"first": first, "second": second, "third": third}

    module.outer = outer
    save_module(module, folder, {"serving_default": outer})


def write_lists(folder: pathlib.Path) -> None:
    """Outputs with numbers and with lists of types, in functions that are called.

    Functions say "split:output:1" and "idx:0" where graphs count all outputs.
    """

    @tf.function
    def parts(x):
        left, middle, right = tf.split(x, 3)
        top, bottom = tf.unstack(tf.reshape(middle, [2, -1]))
        return tf.concat([right, left], 0), top - bottom, tf.split(x, [1, -1])[1]

    @tf.function
    def mixed(x):
        # Two outputs of one argument each, then lists of several types.
        values, places = tf.unique(x)
        mean, variance = tf.nn.moments(x, [0])
        a, b, c = tf.raw_ops.IdentityN(input=[values, places, tf.stack([mean, variance])])
        return c, b, a

    @tf.function(input_signature=[X])
    def answer(x):
        swapped, difference, rest = parts(x)
        moments, places, values = mixed(swapped)
        top, indices = tf.math.top_k(values, 2)
        return {
            "swapped": swapped, "difference": difference, "rest": rest, "moments": moments,
            "places": places, "values": values, "top": top, "indices": indices,
        }  # fmt: skip

    module = tf.Module()
    module.answer = answer
    save_module(module, folder, {"serving_default": answer})


def write_compiled(folder: pathlib.Path) -> None:
    """A function that XLA must compile, and one around it; both read a variable."""
    module = tf.Module()
    module.weight = tf.Variable([1.0, 2.0, 3.0], name="weight")

    @tf.function(jit_compile=True)
    def compiled(x):
        return tf.reduce_sum(x * module.weight) + module.weight

    @tf.function(input_signature=[tf.TensorSpec([3], tf.float32, "x")])
    def answer(x):
        return {"y": compiled(x) - module.weight[0]}

    module.answer = answer
    save_module(module, folder, {"serving_default": answer})


def write_default_attr(folder: pathlib.Path) -> None:
    """Calls of TensorFlow 1, by operation name, of a function with attributes.

    T is what the call says, or float; the Cast inside gets its types from both
    the call and the function's defaults. Python makes no such functions any more.
    """
    scratch = v1.Graph()
    with scratch.as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], "x")
        v1.identity(x, "with_default")
        tf.cast(x, tf.float64, "with_double")
        outputs = {"serving_default": "with_default:0", "double": "with_double:0"}
        tensors = {name: scratch.get_tensor_by_name(output) for name, output in outputs.items()}
        save_session(session, folder, {name: signature({"x": x}, {"y": y}) for name, y in tensors.items()})
    edit_model(folder, call_by_name)


def call_by_name(meta) -> None:
    """Makes the two nodes behind x calls of halve."""
    for node in meta.graph_def.node:
        if node.name == "x":
            continue
        node.op = "halve"
        node.attr.clear()
        if node.name == "with_double":
            node.attr["T"].type = types_pb2.DT_DOUBLE
    meta.graph_def.library.function.append(halve())


def halve() -> function_pb2.FunctionDef:
    """halve(x: float) -> (y: T), where T is float unless the call says otherwise."""
    function = function_pb2.FunctionDef()
    definition = function.signature
    definition.name = "halve"
    definition.input_arg.add(name="x", type=types_pb2.DT_FLOAT)
    definition.output_arg.add(name="y", type_attr="T")
    attr = definition.attr.add(name="T", type="type")
    attr.default_value.type = types_pb2.DT_FLOAT
    half = function.node_def.add(name="half", op="Const")
    half.attr["dtype"].type = types_pb2.DT_FLOAT
    half.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(0.5))
    product = function.node_def.add(name="product", op="Mul", input=["x", "half:output:0"])
    product.attr["T"].type = types_pb2.DT_FLOAT
    cast = function.node_def.add(name="cast", op="Cast", input=["product:z:0"])
    cast.attr["SrcT"].type = types_pb2.DT_FLOAT
    cast.attr["DstT"].placeholder = "T"
    function.ret["y"] = "cast:y:0"
    return function


def edit_model(folder: pathlib.Path, edit) -> None:
    """Changes the only meta graph of a SavedModel by hand."""
    path = folder / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    edit(model.meta_graphs[0])
    path.write_bytes(model.SerializeToString(deterministic=True))


RECIPES = (
    Recipe("pack/nested", write_nested, (Case({"x": floats([1, 2, 4])}), Case({"x": floats([-0.5])}))),
    Recipe("pack/lists", write_lists, (Case({"x": floats([1, 5, 3, 2, 5, 8])}), Case({"x": floats(np.arange(12) % 5)}))),
    Recipe("pack/compiled", write_compiled, (Case({"x": floats([1, 0, -2])}),)),
    Recipe(
        "pack/default_attr",
        write_default_attr,
        (Case({"x": floats([3, -1])}), Case({"x": floats([0.2])}, "double")),
    ),
)
