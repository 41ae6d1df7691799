"""Data-parallel training over nodes with MultiWorkerMirroredStrategy, which reads its cluster from TF_CONFIG.

Every worker learns from its own share of each batch of a made-up regression problem; the gradients are averaged, so that all
end with the same weights. Worker 0 is the chief, whose model is the result.
"""

import argparse
import os
import tempfile

import numpy as np
import tensorflow as tf


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=5)
    settings, _ = parser.parse_known_args()

    strategy = tf.distribute.MultiWorkerMirroredStrategy()  # before anything else of TensorFlow's
    worker = strategy.cluster_resolver.task_id or 0
    print(f"worker {worker} of {strategy.extended._num_workers}")

    x = np.random.default_rng(0).normal(size=(1024, 8)).astype(np.float32)
    data = tf.data.Dataset.from_tensor_slices((x, x @ np.arange(8, dtype=np.float32))).batch(64)

    with strategy.scope():
        model = tf.keras.Sequential([tf.keras.Input((8,)), tf.keras.layers.Dense(1)])
        model.compile(tf.keras.optimizers.SGD(0.05), "mse")
    history = model.fit(data, epochs=settings.epochs, verbose=2)
    print(f"final loss={history.history['loss'][-1]:.4f}")

    # Saving talks to all workers, so each has to save; what the others write is thrown away.
    with tempfile.TemporaryDirectory() as nowhere:
        model.save(os.environ["EM_MODEL_DIR"] if worker == 0 else nowhere)


if __name__ == "__main__":
    main()
