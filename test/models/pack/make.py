"""Writes the models for `bootstrap pack`, and what Python makes of them.

    pip install -r ../requirements.txt
    python make.py

Each holds what is hard to rewrite: see README.md. They are written and asked as
those of the folder above are, whose scripts this one uses; the answers are in
expected.json.
"""

import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

import make as models  # noqa: E402: that of the folder above
import tensorflow as tf  # noqa: E402

import assets  # noqa: E402
import calls  # noqa: E402
import control_flow  # noqa: E402
import effects  # noqa: E402
import flow_calls  # noqa: E402
import graphs  # noqa: E402
import parsing  # noqa: E402
import recurrent  # noqa: E402
import tables  # noqa: E402
import variables  # noqa: E402
from recipes import expected  # noqa: E402

# The order matters to the bytes: TensorFlow numbers the functions of a process.
SUBJECTS = (calls, control_flow, variables, tables, effects, graphs, recurrent, parsing, flow_calls, assets)
LARGEST = 50_000  # bytes of a model


def main():
    tf.get_logger().setLevel("ERROR")
    records = []
    for recipe in (recipe for subject in SUBJECTS for recipe in subject.RECIPES):
        path = FOLDER.parent / recipe.path
        models.rewrite(recipe, path)
        answered, _, _ = models.model_answers(recipe, path)
        records += answered
        if models.size(path) > LARGEST:
            raise AssertionError(f"{recipe.path}: {models.size(path)} bytes are too many")
        print(f"{recipe.path}: {models.size(path)} bytes, {len(answered)} cases")
    expected.write(FOLDER / "expected.json", records)


if __name__ == "__main__":
    main()
