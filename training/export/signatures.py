# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The signatures of an exported model.

- ``serving_default``: features by name to ``probabilities``, ``value`` or
  ``reconstruction``;
- ``classify`` and ``regress``: serialized tf.Examples, as TensorFlow Serving's Classify
  and Regress take them, to ``classes`` and ``scores``, or to ``outputs``. Of two
  classes, ``regress`` gives the probability of the second, so that both can be asked at
  once, by its MultiInference;
- ``embedding``: features to what the last layer sees, so that a model has two heads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from training.export.examples import INPUT
from training.models import MODELS

if TYPE_CHECKING:
    from training.data import Data

METHODS = {
    "classify": "tensorflow/serving/classify",
    "regress": "tensorflow/serving/regress",
}
"""What TensorFlow Serving calls a signature's kind; all others are predict's."""

_NOBODY = 2**31 - 1
"""Beyond any table."""


def make_signatures(
    model: Any, data: Data, architecture: str, keras: Any
) -> dict[str, Any]:
    """Concrete functions by the name of the signature.

    Args:
        model: A ``keras.Model`` in float32, on one device.
        data: What it was trained on.
        architecture: Name of the model.
        keras: The module that it was built with.
    """
    import tensorflow as tf

    name = model.layers[-1].name
    features = {
        feature: tf.TensorSpec((None, *spec.shape), tf.as_dtype(spec.dtype), feature)
        for feature, spec in data.features.items()
    }
    heads = _embeddings(model, architecture, keras)

    def predict(**inputs: Any) -> Any:
        return {name: model(_looked_up(inputs, data), training=False)}

    def embed(**inputs: Any) -> Any:
        return heads(_looked_up(inputs, data), training=False)

    made = {
        "serving_default": _concrete(predict, features),
        "embedding": _concrete(embed, features),
    }
    if MODELS[architecture].target == "label":
        examples = {INPUT: tf.TensorSpec((None,), tf.string, INPUT)}
        if data.task == "classify":
            made["classify"] = _concrete(_classify(model, data), examples)
        if data.task == "regress" or len(data.labels) == 2:
            made["regress"] = _concrete(_regress(model, data), examples)
    return made


def _concrete(function: Callable[..., Any], signature: dict[str, Any]) -> Any:
    import tensorflow as tf

    return tf.function(function, autograph=False).get_concrete_function(**signature)


def _embeddings(model: Any, architecture: str, keras: Any) -> Any:
    """A model of the same layers, that gives vectors by name."""
    named = MODELS[architecture].embeddings
    if named:
        outputs = {name: model.get_layer(name).output for name in named}
    else:
        last = [layer for layer in model.layers if type(layer).__name__ == "Dense"][-1]
        outputs = {"embedding": last.input}
    return keras.Model(model.input, outputs)


def _classify(model: Any, data: Data) -> Callable[..., Any]:
    import tensorflow as tf

    names = tf.constant([label.encode() for label in data.labels])

    def classify(inputs: Any) -> Any:
        scores = model(_parsed(inputs, data), training=False)
        classes = tf.broadcast_to(names, tf.shape(scores))
        return {"classes": classes, "scores": scores}

    return classify


def _regress(model: Any, data: Data) -> Callable[..., Any]:
    def regress(inputs: Any) -> Any:
        found = model(_parsed(inputs, data), training=False)
        return {"outputs": found[:, 1:] if data.task == "classify" else found}

    return regress


def _parsed(serialized: Any, data: Data) -> dict[str, Any]:
    """Features of tf.Examples, with numbers as a model gets them: no packed bytes."""
    import tensorflow as tf

    spec = {
        name: tf.io.FixedLenFeature(
            feature.shape, tf.int64 if feature.dtype == "int32" else tf.float32
        )
        for name, feature in data.features.items()
    }
    parsed = tf.io.parse_example(serialized, spec)
    return _looked_up(parsed, data)


def _looked_up(inputs: Mapping[str, Any], data: Data) -> dict[str, Any]:
    """Features as a model gets them, with numbers that nobody has where none is meant.

    Keras looks up -1 as the last of a table, and the cast of 2^32 is 0: a user whom
    there is not would get the answer of another one, and not an error.
    """
    import tensorflow as tf

    found = {}
    for name, feature in data.features.items():
        value = inputs[name]
        if feature.below:
            nobody = tf.constant(_NOBODY, value.dtype)
            value = tf.where(value < 0, nobody, tf.minimum(value, nobody))
        found[name] = tf.cast(value, feature.dtype)
    return found
