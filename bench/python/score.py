"""The yardstick of batch scoring: a file of JSON lines from S3 to S3.

    python score.py MODEL_FOLDER s3://BUCKET/INPUT.jsonl s3://BUCKET/OUTPUT.jsonl

Prints one JSON line: how many rows, and the seconds from opening the input to the
end of the upload. What comes before, importing and loading, is not counted.
"""

import gc
import json
import os
import sys
import tempfile
import time

# As any tuned script would set it: TensorFlow reads it when imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import boto3
import numpy as np
import tensorflow as tf

BATCH = 1024


def batches(lines):
    """Lists of up to BATCH rows."""
    rows = []
    for line in lines:
        rows.append(json.loads(line))
        if len(rows) == BATCH:
            yield rows
            rows = []
    if rows:
        yield rows


def location(uri):
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": key}


def score(predict, name, dtype, source, target):
    """Scores every line of an object into a line of another; the number of rows."""
    s3 = boto3.client("s3")
    lines = s3.get_object(**source)["Body"].iter_lines(chunk_size=1 << 20)
    count = 0
    with tempfile.TemporaryFile() as file:
        for rows in batches(lines):
            (output,) = predict(**{name: tf.constant(np.array(rows, dtype))}).values()
            answers = [json.dumps({"prediction": row}) for row in output.numpy().tolist()]
            file.write("\n".join(answers).encode() + b"\n")
            count += len(rows)
        file.seek(0)
        s3.upload_fileobj(file, target["Bucket"], target["Key"])
    return count


def main():
    folder, source, target = sys.argv[1:]
    model = tf.saved_model.load(folder)
    predict = model.signatures["serving_default"]
    _, inputs = predict.structured_input_signature
    ((name, spec),) = inputs.items()
    predict(**{name: tf.zeros([BATCH, *spec.shape[1:]], spec.dtype)})  # traced and warm
    # TensorFlow brings hundreds of thousands of objects. Without this the garbage
    # collector walks them again and again while JSON makes lists.
    gc.collect()
    gc.freeze()
    start = time.perf_counter()
    rows = score(predict, name, spec.dtype.as_numpy_dtype, location(source), location(target))
    print(json.dumps({"rows": rows, "seconds": time.perf_counter() - start}), flush=True)


if __name__ == "__main__":
    main()
