"""The yardstick for requests a second: the same model behind FastAPI.

    python server.py MODEL_FOLDER

Serves the row form of TensorFlow Serving's REST API for a model with one input
and one output on a free port, and prints the URL when it is ready. It ends at
SIGTERM.
"""

import gc
import os
import socket
import sys

# As any tuned server would set it: TensorFlow reads it when imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import orjson
import tensorflow as tf
import uvicorn
from fastapi import FastAPI, Request, Response

# The model owns the variables that the signature uses: it must stay.
MODEL = tf.saved_model.load(sys.argv[1])
SIGNATURE = MODEL.signatures["serving_default"]
((INPUT, SPEC),) = SIGNATURE.structured_input_signature[1].items()
(OUTPUT,) = SIGNATURE.structured_outputs
DTYPE = SPEC.dtype.as_numpy_dtype

app = FastAPI()


def predict(rows):
    return SIGNATURE(**{INPUT: tf.constant(rows)})[OUTPUT].numpy()


# A coroutine that computes in the event loop: a thread from FastAPI's pool
# (plain def) made it slower, also for several clients at once. So did a pydantic
# body and a dict as the result, several times for an image.
@app.post("/v1/models/{name}:predict")
async def answer(name: str, request: Request):
    rows = np.array(orjson.loads(await request.body())["instances"], DTYPE)
    reply = orjson.dumps({"predictions": predict(rows)}, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(reply, media_type="application/json")


def main():
    predict(np.zeros([size or 1 for size in SPEC.shape], DTYPE))
    # Else each collection, which parsing JSON brings about, would walk through
    # all of TensorFlow's Python.
    gc.collect()
    gc.freeze()
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Clients that come now wait in the listener's queue.
        print(f"serving http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
