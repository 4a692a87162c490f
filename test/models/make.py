"""Writes the models of this folder, and expected.json with what Python makes of them.

    pip install -r requirements.txt
    python make.py

Every model is written, loaded again from its files, and asked its cases in a
session, as a C program would. expected.json holds the cases and the answers.
"""

import os
import pathlib
import shutil

# Before the import, which reads it: the informational lines say nothing here.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.config_pb2 import CallableOptions
from tensorflow.core.protobuf.error_codes_pb2 import Code

from recipes import (
    arithmetic,
    choosing,
    dtypes,
    expected,
    frozen,
    running,
    shapes,
    text,
    unsafe,
    warmup,
)
from recipes.recipe import Case, Recipe

v1 = tf.compat.v1

FOLDER = pathlib.Path(__file__).resolve().parent
SUBJECTS = (arithmetic, dtypes, text, shapes, running, choosing, unsafe, warmup, frozen)


def main():
    # The loaders that C programs use are old in Python, and say so each time.
    tf.get_logger().setLevel("ERROR")
    records = []
    for recipe in (recipe for subject in SUBJECTS for recipe in subject.RECIPES):
        path = FOLDER / recipe.path
        rewrite(recipe, path)
        answered = answers(recipe, path)
        records += answered
        print(f"{recipe.path}: {size(path)} bytes, {len(answered)} cases")
    expected.write(FOLDER / "expected.json", records)


def rewrite(recipe: Recipe, path: pathlib.Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.parent.mkdir(exist_ok=True)
    recipe.write(path)


def size(path: pathlib.Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


def answers(recipe: Recipe, path: pathlib.Path) -> list[dict]:
    """Loads the model from its files and runs its cases, in order, in one session."""
    with tf.Graph().as_default(), v1.Session() as session:
        if path.is_file():
            graph = v1.GraphDef.FromString(path.read_bytes())
            tf.import_graph_def(graph, name="")
            return [answer_graph(session, recipe, case) for case in recipe.cases]
        meta = v1.saved_model.load(session, recipe.tags, str(path))
        signatures = meta.signature_def
        return [answer_signature(session, recipe, signatures, case) for case in recipe.cases]


def answer_graph(session, recipe: Recipe, case: Case) -> dict:
    feeds = {f"{name}:0": value for name, value in case.inputs.items()}
    return answer(session, recipe, case, feeds, {name: f"{name}:0" for name in recipe.outputs})


def answer_signature(session, recipe: Recipe, signatures, case: Case) -> dict:
    signature = signatures[case.signature]
    feeds = {signature.inputs[name].name: value for name, value in case.inputs.items()}
    fetches = {name: info.name for name, info in signature.outputs.items()}
    return answer(session, recipe, case, feeds, fetches)


def answer(session, recipe: Recipe, case: Case, feeds: dict, fetches: dict) -> dict:
    record = expected.question(recipe.path, case)
    try:
        outputs = run(session, feeds, fetches)
    except tf.errors.OpError as error:
        if not case.fails:
            raise
        return record | {"error": Code.Name(error.error_code)}
    if case.fails:
        raise AssertionError(f"{recipe.path}: {case} should fail, gave {outputs}")
    return record | {"outputs": expected.tensors(outputs)}


def run(session, feeds: dict, fetches: dict) -> dict:
    """Runs as the C API does.

    Session.run would refuse a shape that the graph does not declare for the fed
    tensor; a callable has no such opinion and lets TensorFlow decide.
    """
    options = CallableOptions(feed=feeds, fetch=fetches.values())
    values = session._make_callable_from_options(options)(*map(np.asarray, feeds.values()))
    return dict(zip(fetches, values))


if __name__ == "__main__":
    main()
