# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models whose last ops need TensorFlow, and whose others are compiled.

They are no part of ``ZOO``: their outputs are strings, or of sizes that depend on data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.models.saving import module_save
from tests.models.split import WORDS

Tensors = dict[str, Any]

LABELS = ["cat", "dog", "bird", "fish", "M\u00fccke"]
CHARACTERS = " abcdef"


def _variable(*shape: int) -> Any:
    import tensorflow as tf

    rng = np.random.default_rng(sum(shape))
    return tf.Variable(rng.standard_normal(shape).astype(np.float32))


def _table(keys: Any, values: Any, default: Any) -> Any:
    import tensorflow as tf

    initializer = tf.lookup.KeyValueTensorInitializer(keys, values)
    return tf.lookup.StaticHashTable(initializer, default)


def _names(module: Any) -> Any:
    import tensorflow as tf

    numbers = tf.range(len(LABELS), dtype=tf.int64)
    module.names = _table(numbers, tf.constant(LABELS), "?")
    return module.names


def _labels() -> tuple[Any, Any]:
    """Labels of a table and of a constant, with keys; and numbers of another table."""
    import tensorflow as tf

    module = tf.Module()
    module.layer = _variable(8, len(LABELS))
    names = _names(module)
    known = tf.range(len(LABELS), dtype=tf.int64)
    module.codes = _table(known, known * 100 + 7, -1)
    specs = [
        tf.TensorSpec([None, 8], tf.float32, "x"),
        tf.TensorSpec([None], tf.string, "key"),
    ]

    @tf.function(input_signature=specs)
    def serving(x: Any, key: Any) -> Tensors:
        scores = tf.nn.softmax(x @ module.layer)
        best, places = tf.math.top_k(scores, 2)
        label = names.lookup(tf.argmax(scores, 1))
        top = tf.gather(tf.constant(LABELS), places)
        percent = tf.strings.as_string(tf.round(best[:, 0] * 100), precision=0)
        return {
            "scores": scores,
            "label": label,
            "top": top,
            "text": tf.strings.join([key, label, percent], " "),
            "key": key,
        }

    @tf.function(input_signature=specs[:1])
    def codes(x: Any) -> Tensors:
        return {"code": module.codes.lookup(tf.argmax(x @ module.layer, 1))}

    module.serving, module.code = serving, codes
    return module, {"serving_default": serving, "codes": codes}


def _ctc(decode: Callable[[Any, Any], Tensors]) -> Callable[[], tuple[Any, Any]]:
    def build() -> tuple[Any, Any]:
        import tensorflow as tf

        module = tf.Module()
        module.layer = _variable(6, len(CHARACTERS) + 1)

        @tf.function(input_signature=[tf.TensorSpec([None, 12, 6], tf.float32, "x")])
        def serving(x: Any) -> Tensors:
            logits = tf.einsum("btf,fc->btc", x, module.layer) * 3
            steps = tf.fill([tf.shape(x)[0]], 12)
            return decode(tf.transpose(logits, [1, 0, 2]), steps)

        module.serving = serving
        return module, serving

    return build


def _greedy_text(logits: Any, steps: Any) -> Tensors:
    import tensorflow as tf

    (found,), _ = tf.nn.ctc_greedy_decoder(logits, steps)
    letters = tf.gather(tf.constant([*CHARACTERS]), tf.sparse.to_dense(found))
    return {"text": tf.strings.reduce_join(letters, 1)}


def _beams(logits: Any, steps: Any) -> Tensors:
    import tensorflow as tf

    (found,), scores = tf.nn.ctc_beam_search_decoder(logits, steps, 4)
    return {
        "indices": found.indices,
        "values": found.values,
        "dense": tf.sparse.to_dense(found, -1),
        "scores": scores,
    }


def _chosen() -> tuple[Any, Any]:
    """Boxes that do not overlap: how many depends on the data."""
    import tensorflow as tf

    module = tf.Module()
    module.layer = _variable(6, 5)

    @tf.function(input_signature=[tf.TensorSpec([None, 6], tf.float32, "x")])
    def serving(x: Any) -> Tensors:
        found = tf.sigmoid(x @ module.layer)
        corner, size, scores = found[:, :2], found[:, 2:4], found[:, 4]
        boxes = tf.concat([corner, corner + size], 1)
        kept = tf.image.non_max_suppression(boxes, scores, 5, 0.3, 0.4)
        return {
            "boxes": tf.gather(boxes, kept),
            "scores": tf.gather(scores, kept),
            "good": tf.boolean_mask(x, scores > 0.5),
        }

    module.serving = serving
    return module, serving


def _both() -> tuple[Any, Any]:
    """A table before the network, and one behind it."""
    import tensorflow as tf

    module = tf.Module()
    module.ids = _table(
        tf.constant(WORDS), tf.range(1, len(WORDS) + 1, dtype=tf.int64), 0
    )
    module.embeddings, module.layer = _variable(len(WORDS) + 1, 8), _variable(8, 5)
    names = _names(module)

    @tf.function(input_signature=[tf.TensorSpec([None, 5], tf.string, "words")])
    def serving(words: Any) -> Tensors:
        ids = module.ids.lookup(words)
        embedded = tf.reduce_mean(tf.gather(module.embeddings, ids), 1)
        scores = embedded @ module.layer
        known = tf.reduce_sum(tf.cast(ids > 0, tf.int64), 1)
        return {
            "scores": scores,
            "label": names.lookup(tf.argmax(scores, 1)),
            "known": known,
        }

    module.serving = serving
    return module, serving


labels = module_save(_labels)
greedy = module_save(_ctc(_greedy_text))
beams = module_save(_ctc(_beams))
chosen = module_save(_chosen)
both = module_save(_both)
