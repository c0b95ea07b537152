# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models whose first ops need TensorFlow, and whose others are compiled.

They are no part of ``ZOO``: their inputs are strings.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from tests.models.heads import message
from tests.models.saving import module_save

Tensors = dict[str, Any]

WORDS = [f"word{index}" for index in range(40)]


def random_words(rows: int, rng: np.random.Generator) -> Any:
    """Rows of five words for ``reviews``, not all of which it knows."""
    chosen = rng.integers(0, 50, (rows, 5))
    words = [f"word{index}".encode() for index in chosen.ravel()]
    array = np.empty(len(words), object)
    array[:] = words
    return array.reshape(chosen.shape)


def random_photos(rows: int, rng: np.random.Generator) -> Any:
    """JPEG files of several sizes for ``photos``."""
    from PIL import Image

    found = np.empty(rows, object)
    for row in range(rows):
        size = (int(rng.integers(20, 40)), 24, 3)
        file = io.BytesIO()
        pixels = rng.integers(0, 256, size, np.uint8)
        Image.fromarray(pixels).save(file, "JPEG")
        found[row] = file.getvalue()
    return found


def random_baskets(rows: int, rng: np.random.Generator) -> Any:
    """Messages with any number of words for ``baskets``."""
    found = np.empty(rows, object)
    for row in range(rows):
        features: dict[str, Any] = {"price": rng.random(2).astype(np.float32)}
        if row % 3:
            features["items"] = random_words(1, rng)[0, : row % 6].tolist()
        found[row] = message(**features)
    return found


def _variable(*shape: int) -> Any:
    import tensorflow as tf

    rng = np.random.default_rng(sum(shape))
    return tf.Variable(rng.standard_normal(shape).astype(np.float32) / 2)


def _table(folder: Path) -> Any:
    import tensorflow as tf

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "words.txt"
    file.write_text("\n".join(WORDS) + "\n")
    return tf.lookup.StaticVocabularyTable(
        tf.lookup.TextFileInitializer(
            str(file),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        ),
        num_oov_buckets=1,
    )


def reviews(path: Path) -> Path:
    """Looks words up in a file, then embeds them; has another signature of numbers."""

    def build() -> tuple[Any, Any]:
        import tensorflow as tf

        module = tf.Module()
        module.table = _table(path.parent / "vocabulary")
        module.embeddings = _variable(len(WORDS) + 1, 8)
        module.layers = [_variable(8, 16), _variable(16, 3)]

        def dense(x: Any) -> Tensors:
            for layer in module.layers:
                x = tf.tanh(x @ layer)
            return {"scores": x}

        words = tf.TensorSpec([None, 5], tf.string, "words")
        weights = tf.TensorSpec([None, 5], tf.float32, "weights")

        @tf.function(input_signature=[words, weights])
        def serving(words: Any, weights: Any) -> Tensors:
            ids = module.table.lookup(tf.strings.lower(words))
            embedded = tf.gather(module.embeddings, ids)
            return dense(tf.reduce_sum(embedded * weights[:, :, None], 1))

        @tf.function(input_signature=[tf.TensorSpec([None, 8], tf.float32, "x")])
        def numbers(x: Any) -> Tensors:
            return dense(x)

        module.serving, module.numbers = serving, numbers
        return module, {"serving_default": serving, "numbers": numbers}

    return module_save(build)(path)


def _photos() -> tuple[Any, Any]:
    import tensorflow as tf

    module = tf.Module()
    module.kernel, module.layer = _variable(3, 3, 3, 4), _variable(4, 2)

    def decode(file: Any) -> Any:
        image = tf.io.decode_jpeg(file, channels=3)
        image = tf.image.resize(image, [16, 16])
        return tf.ensure_shape(image, [16, 16, 3])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "files")])
    def serving(files: Any) -> Tensors:
        images = tf.map_fn(decode, files, fn_output_signature=tf.float32)
        images = tf.ensure_shape(images, [None, 16, 16, 3]) / 255
        hidden = tf.nn.relu(tf.nn.conv2d(images, module.kernel, 2, "SAME"))
        return {"scores": tf.nn.softmax(tf.reduce_mean(hidden, [1, 2]) @ module.layer)}

    module.serving = serving
    return module, serving


def _baskets() -> tuple[Any, Any]:
    import tensorflow as tf

    module = tf.Module()
    keys = tf.constant(WORDS)
    module.table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(keys, tf.range(1, len(WORDS) + 1)), 0
    )
    module.embeddings = _variable(len(WORDS) + 1, 8)
    module.layer = _variable(10, 3)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def serving(examples: Any) -> Tensors:
        parsed = tf.io.parse_example(
            examples,
            {
                "items": tf.io.VarLenFeature(tf.string),
                "price": tf.io.FixedLenFeature([2], tf.float32),
            },
        )
        items = tf.sparse.to_dense(parsed["items"])
        items = tf.ensure_shape(tf.pad(items, [[0, 0], [0, 6]])[:, :6], [None, 6])
        embedded = tf.gather(module.embeddings, module.table.lookup(items))
        hidden = tf.concat([tf.reduce_mean(embedded, 1), parsed["price"]], 1)
        return {"scores": hidden @ module.layer}

    module.serving = serving
    return module, serving


def tf1(path: Path) -> Path:
    """As TensorFlow 1 saves a vocabulary: a table with an initializer, and an asset."""
    import tensorflow as tf

    v1 = tf.compat.v1
    file = path.parent / "words.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(WORDS) + "\n")
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        words = v1.placeholder(tf.string, [None], name="words")
        initializer = tf.lookup.TextFileInitializer(
            str(file),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        ids = tf.lookup.StaticHashTable(initializer, 0).lookup(words)
        rng = np.random.default_rng(3)
        weights = v1.get_variable(
            "w", initializer=rng.standard_normal((len(WORDS), 2)).astype(np.float32)
        )
        scores = tf.nn.softmax(tf.one_hot(ids, len(WORDS)) @ weights)
        session.run(v1.global_variables_initializer())
        build = v1.saved_model.build_tensor_info
        signature = v1.saved_model.build_signature_def(
            {"words": build(words)}, {"scores": build(scores)}
        )
        builder = v1.saved_model.Builder(str(path))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {"serving_default": signature},
            assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
            main_op=v1.tables_initializer(),
        )
        builder.save()
    return path


def graph_def(path: Path) -> Path:
    """A frozen graph that decodes one image, of one size."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        file = v1.placeholder(tf.string, [], name="file")
        image = tf.cast(tf.io.decode_jpeg(file, channels=3), tf.float32)
        image = tf.ensure_shape(image, [32, 32, 3])[None] / 255
        rng = np.random.default_rng(3)
        kernel = tf.constant(rng.standard_normal((3, 3, 3, 4)).astype(np.float32))
        hidden = tf.nn.conv2d(image, kernel, 2, "SAME")
        tf.identity(tf.reduce_mean(hidden, [1, 2]), name="features")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


photos = module_save(_photos)
baskets = module_save(_baskets)
