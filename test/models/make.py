"""Writes the models of this folder, and what Python makes of them.

    pip install -r requirements.txt
    python make.py

Every model is written, loaded again from its files, and asked its cases in a
session, as a C program would. expected.json holds the cases and the answers,
expected_examples.json those of classify and regress, and expected_metadata.json
the signatures as protobuf's JSON form has them.
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
    examples,
    expected,
    frozen,
    images,
    running,
    shapes,
    text,
    unsafe,
    warmup,
)
from recipes.recipe import Case, ExampleCase, Recipe

v1 = tf.compat.v1

FOLDER = pathlib.Path(__file__).resolve().parent
# The order matters to the bytes: TensorFlow numbers the functions of a process.
SUBJECTS = (
    arithmetic,
    dtypes,
    text,
    shapes,
    running,
    choosing,
    unsafe,
    warmup,
    frozen,
    examples,
    images,
)


def main():
    # The loaders that C programs use are old in Python, and say so each time.
    tf.get_logger().setLevel("ERROR")
    records, example_records, metadata = [], [], {}
    for recipe in (recipe for subject in SUBJECTS for recipe in subject.RECIPES):
        path = FOLDER / recipe.path
        rewrite(recipe, path)
        if path.is_file():
            answered = graph_answers(recipe, path)
        else:
            answered, example_answers, metadata[recipe.path] = model_answers(recipe, path)
            example_records += example_answers
        records += answered
        print(f"{recipe.path}: {size(path)} bytes, {len(answered) + len(recipe.examples)} cases")
    expected.write(FOLDER / "expected.json", records)
    expected.write(FOLDER / "expected_examples.json", example_records)
    expected.write_metadata(FOLDER / "expected_metadata.json", metadata)


def rewrite(recipe: Recipe, path: pathlib.Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.parent.mkdir(exist_ok=True)
    recipe.write(path)


def size(path: pathlib.Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


def graph_answers(recipe: Recipe, path: pathlib.Path) -> list[dict]:
    """Loads a frozen graph from its file and runs its cases, in order, in one session."""
    with tf.Graph().as_default(), v1.Session() as session:
        graph = v1.GraphDef.FromString(path.read_bytes())
        tf.import_graph_def(graph, name="")
        return [answer_graph(session, recipe, case) for case in recipe.cases]


def model_answers(recipe: Recipe, path: pathlib.Path) -> tuple[list[dict], list[dict], dict]:
    """Does the same for a SavedModel, with the cases of classify and regress; its signatures."""
    with tf.Graph().as_default(), v1.Session() as session:
        meta = v1.saved_model.load(session, recipe.tags, str(path))
        signatures = meta.signature_def
        return (
            [answer_signature(session, recipe, signatures, case) for case in recipe.cases],
            [answer_examples(session, recipe, signatures, case) for case in recipe.examples],
            expected.signatures(signatures),
        )


def answer_graph(session, recipe: Recipe, case: Case) -> dict:
    feeds = {f"{name}:0": value for name, value in case.inputs.items()}
    return answer(session, recipe, case, feeds, {name: f"{name}:0" for name in recipe.outputs})


def answer_signature(session, recipe: Recipe, signatures, case: Case) -> dict:
    signature = signatures[case.signature]
    feeds = {signature.inputs[name].name: value for name, value in case.inputs.items()}
    return answer(session, recipe, case, feeds, fetches(signature))


def answer_examples(session, recipe: Recipe, signatures, case: ExampleCase) -> dict:
    signature = signatures[case.signature]
    question = expected.example_question(recipe.path, case)
    feeds = {signature.inputs["inputs"].name: np.array(expected.serialized(case), object)}
    return question | outcome(session, recipe, case, feeds, fetches(signature))


def fetches(signature) -> dict:
    return {name: info.name for name, info in signature.outputs.items()}


def answer(session, recipe: Recipe, case: Case, feeds: dict, fetches: dict) -> dict:
    return expected.question(recipe.path, case) | outcome(session, recipe, case, feeds, fetches)


def outcome(session, recipe: Recipe, case: Case | ExampleCase, feeds: dict, fetches: dict) -> dict:
    try:
        outputs = run(session, feeds, fetches)
    except tf.errors.OpError as error:
        if not case.fails:
            raise
        return {"error": Code.Name(error.error_code)}
    if case.fails:
        raise AssertionError(f"{recipe.path}: {case} should fail, gave {outputs}")
    return {"outputs": expected.tensors(outputs)}


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
