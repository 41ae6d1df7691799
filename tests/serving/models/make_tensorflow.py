"""Save small SavedModels in the ways that TensorFlow and Keras save them; prints what they answer themselves.

Usage: make_tensorflow.py DIRECTORY
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import keras
import numpy as np
import tensorflow as tf

folder = Path(sys.argv[1])
rows = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
answers: dict[str, Any] = {"rows": rows.tolist()}


def of(name: str, shape: list[int | None] | None = None, dtype: Any = tf.float32) -> tf.TensorSpec:
    return tf.TensorSpec(shape, dtype, name)


class Functions(tf.Module):
    """What Keras models are not: several inputs and outputs, several signatures, fixed shapes, texts."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = tf.Variable(2.0)

    @tf.function(input_signature=[of("a", [None, 2]), of("b", [None], tf.int64)])
    def join(self, a: tf.Tensor, b: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"sum": tf.reduce_sum(a, 1) * self.factor + tf.cast(b, tf.float32), "count": b + 1}

    @tf.function(input_signature=[of("text", [None], tf.string)])
    def shout(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"upper": tf.strings.upper(text), "length": tf.strings.length(text), "is_long": tf.strings.length(text) > 3}

    @tf.function(input_signature=[of("image", [1, 2, 2])])
    def fixed(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"image": image * self.factor}

    @tf.function(input_signature=[of("x")])
    def any_rank(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"x": x * self.factor}

    @tf.function(input_signature=[of("x", [None], tf.bfloat16)])
    def short(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"x": x + x}

    @tf.function(input_signature=[of("x", [None, 2])])
    def turn(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"x": tf.complex(x[:, 0], x[:, 1])}

    @tf.function(input_signature=[of("at", [None], tf.int32)])
    def pick(self, at: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"x": tf.gather(tf.constant([1.0, 2.0]), at)}


network = keras.Sequential(
    [keras.Input((4,), name="measurements"), keras.layers.Dense(3, activation="softmax", name="species")]
)
network.export(folder / "keras", verbose=False)
tf.saved_model.save(network, folder / "versions/2")
(folder / "versions/10").parent.mkdir(exist_ok=True)
network.export(folder / "versions/10", verbose=False)
(folder / "versions/notes").mkdir()
answers["keras"] = network(rows).numpy().tolist()

functions = Functions()
batched = {"serving_default": functions.join, "shout": functions.shout, "short": functions.short, "pick": functions.pick}
tf.saved_model.save(functions, folder / "functions", batched)
tf.saved_model.save(functions, folder / "fixed", {"serving_default": functions.fixed, "join": functions.join})
tf.saved_model.save(functions, folder / "any_rank", {"only": functions.any_rank})
tf.saved_model.save(functions, folder / "turn", {"serving_default": functions.turn})
tf.saved_model.save(functions, folder / "mute", {})

with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    x = tf.compat.v1.placeholder(tf.float32, [None, 4], "x")
    w = tf.compat.v1.get_variable("w", initializer=tf.ones([4, 1]))
    session.run(tf.compat.v1.global_variables_initializer())
    tf.compat.v1.saved_model.simple_save(session, str(folder / "old"), {"x": x}, {"y": tf.matmul(x, w)})

(folder / "cut").mkdir()
(folder / "cut/saved_model.pb").write_bytes(b"no protobuf")
print(json.dumps(answers))
