"""Train a small classifier on Fisher's iris data with Keras 2 (TensorFlow 2.12, or newer with TF_USE_LEGACY_KERAS=1).

Data set ``train``: a directory with iris.csv. Hyperparameters: epochs, batch_size, learning_rate and model_version. As
input checkpoint, take the checkpoint directory of an earlier run: the newest ``cp-….ckpt`` in it is used. For hyperparameter
tuning Keras prints loss, accuracy, val_loss and val_accuracy, each with a colon before its value.
"""

import argparse
import csv
import os
from pathlib import Path

import numpy as np
import tensorflow as tf

SPECIES = ["setosa", "versicolor", "virginica"]


def parse_hyperparameters() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch_size", type=int, default=16)
    parser.add_argument("--learning_rate", type=float, default=0.01)
    return parser.parse_known_args()[0]


def read_data(file: Path) -> tuple[np.ndarray, np.ndarray]:
    with file.open() as stream:
        rows = list(csv.reader(stream))[1:]
    np.random.default_rng(0).shuffle(rows)
    measurements = np.array([[float(value) for value in row[:4]] for row in rows], dtype=np.float32)
    return measurements, np.array([SPECIES.index(row[4]) for row in rows])


def main() -> None:
    settings = parse_hyperparameters()
    print(f"model version {os.environ.get('EM_HP_MODEL_VERSION', '1')}, {settings}")
    tf.keras.utils.set_random_seed(0)

    x, y = read_data(Path(os.environ["EM_DATASET_TRAIN"]) / "iris.csv")
    x_train, y_train, x_test, y_test = x[30:], y[30:], x[:30], y[:30]

    scale = tf.keras.layers.Normalization()
    scale.adapt(x_train)
    model = tf.keras.Sequential(
        [tf.keras.Input((4,)), scale, tf.keras.layers.Dense(16, "relu"), tf.keras.layers.Dense(3, "softmax")]
    )
    model.compile(tf.keras.optimizers.Adam(settings.learning_rate), "sparse_categorical_crossentropy", ["accuracy"])
    if "EM_CHECKPOINT_INPUT_DIR" in os.environ:
        # What was being written when the run was stopped lacks this file, which comes last.
        whole = Path(os.environ["EM_CHECKPOINT_INPUT_DIR"]).glob("cp-*.ckpt/saved_model.pb")
        newest = max(file.parent for file in whole)
        model.load_weights(newest).expect_partial()  # the metrics that it holds as well are not wanted
        print(f"resumed from {newest.name}")

    callbacks = [
        tf.keras.callbacks.ModelCheckpoint(f"{os.environ['EM_CHECKPOINT_DIR']}/cp-{{epoch:04d}}.ckpt"),
        tf.keras.callbacks.TensorBoard(os.environ["EM_TENSORBOARD_LOG_DIR"]),
    ]
    history = model.fit(
        x_train,
        y_train,
        settings.batch_size,
        settings.epochs,
        verbose=2,
        callbacks=callbacks,
        validation_data=(x_test, y_test),
    )
    model.save(os.environ["EM_MODEL_DIR"])
    print(f"final accuracy={history.history['val_accuracy'][-1]:.4f}")


if __name__ == "__main__":
    main()
