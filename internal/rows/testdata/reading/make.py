"""Makes the files that the tests of reading compare with. Run it in this folder with
TensorFlow 2 and NumPy 2:

    python make.py

examples.tfrecord   four tf.train.Examples: x is two floats, n one integer, s one string;
                    the third has no n, the fourth three floats
words.tfrecord      three records that are no examples: "one", "", "three"
two.npz             x: floats of shape (3, 2), 0 to 5; n: integers of shape (3,), 10 to 12
one.npz             an array without a name: floats of shape (3, 2), 0 to 5; compressed
rows.npy            floats of shape (7, 2), 0 to 13
fortran.npy         the same in Fortran order
"""

import numpy as np
import tensorflow as tf


def example(**features):
    lists = {}
    for name, values in features.items():
        if isinstance(values[0], float):
            lists[name] = tf.train.Feature(float_list=tf.train.FloatList(value=values))
        elif isinstance(values[0], int):
            lists[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=values))
        else:
            lists[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    return tf.train.Example(features=tf.train.Features(feature=lists)).SerializeToString(deterministic=True)


with tf.io.TFRecordWriter("examples.tfrecord") as out:
    out.write(example(x=[0.5, -1.0], n=[7], s=[b"a"], unused=[1]))
    out.write(example(x=[1.5, 2.0], n=[-300], s=[b"\xff"]))
    out.write(example(x=[1.5, 2.0], s=[b""]))
    out.write(example(x=[1.5, 2.0, 3.0], n=[1], s=[b"b"]))

with tf.io.TFRecordWriter("words.tfrecord") as out:
    for word in (b"one", b"", b"three"):
        out.write(word)

x = np.arange(6, dtype=np.float32).reshape(3, 2)
np.savez("two.npz", x=x, n=np.arange(10, 13, dtype=np.int64))
np.savez_compressed("one.npz", x)

rows = np.arange(14, dtype=np.float32).reshape(7, 2)
np.save("rows.npy", rows)
np.save("fortran.npy", np.asfortranarray(rows))
