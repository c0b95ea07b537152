# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models, each saved by the function of its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf  # noqa: TID253 - only imported where there is one

v1 = tf.compat.v1

WORDS = ("zero", "one", "two")
DTYPES = (
    *("float32", "float64", "float16", "bfloat16", "complex64", "complex128", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    "string",
)


def spec(shape: Any, dtype: Any = tf.float32, name: str = "x") -> Any:
    return tf.TensorSpec(shape, dtype, name)


def save(path: Path, module: Any, signatures: Any) -> None:
    tf.saved_model.save(module, str(path), signatures)


def affine(path: Path) -> None:
    """Numbers only: what all backends can run. "affine", "two", and "fixed"."""
    module = tf.Module()
    module.kernel = tf.Variable([[1.0, 2], [3, 4], [5, 6]])

    @tf.function(input_signature=[spec([None, 3])])
    def affine(x: Any) -> Any:
        return {"y": x @ module.kernel + 1}

    @tf.function(
        input_signature=[spec([None, 3], name="a"), spec([None], tf.int32, "b")]
    )
    def two(a: Any, b: Any) -> Any:
        return {"sum": tf.reduce_sum(a, 1) + tf.cast(b, tf.float32), "b": b * 2}

    @tf.function(input_signature=[spec([2, 2])])
    def fixed(x: Any) -> Any:
        return {"y": tf.transpose(x)}

    save(path, module, {"affine": affine, "two": two, "fixed": fixed})


def booleans(path: Path) -> None:
    """Ops of which each takes another way to a boolean."""

    @tf.function(input_signature=[spec([None, 3], tf.bool)])
    def serve(x: Any) -> Any:
        return {
            "all": tf.reduce_all(x, 1),
            "cast": tf.cast(x, tf.float32),
            "not": tf.logical_not(x),
            "same": x,
            "sum": tf.reduce_sum(tf.cast(x, tf.int32), 1),
            "where": tf.where(x, 3.0, 5.0),
        }

    save(path, tf.Module(), {"serving_default": serve})


def words(path: Path) -> None:
    """A vocabulary in a file; strings in and out."""
    vocabulary = path.with_name("vocabulary.txt")
    vocabulary.write_text("\n".join(WORDS) + "\n")
    module = tf.Module()
    module.table = tf.lookup.StaticVocabularyTable(
        tf.lookup.TextFileInitializer(
            *(str(vocabulary), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE),
            *(tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER),
        ),
        num_oov_buckets=1,
    )

    @tf.function(input_signature=[spec([None], tf.string, "words")])
    def call(words: Any) -> Any:
        joined = tf.strings.reduce_join(words, separator=" ")
        upper = tf.strings.upper(words)
        return {"ids": module.table.lookup(words), "upper": upper, "joined": joined}

    save(path, module, call)


def counter(path: Path) -> None:
    """Counts its calls."""
    module = tf.Module()
    module.count = tf.Variable(0, dtype=tf.int64)

    @tf.function(input_signature=[spec([], tf.int64, "by")])
    def count(by: Any) -> Any:
        return {"count": module.count.assign_add(by)}

    save(path, module, count)


def examples(path: Path) -> None:
    """Takes tf.Example messages: classes with labels, a number, and both features."""
    module = tf.Module()
    strings = spec([None], tf.string, "examples")

    def parse(serialised: Any) -> Any:
        features = {
            "age": tf.io.FixedLenFeature([], tf.float32),
            "name": tf.io.FixedLenFeature([], tf.string, default_value="nobody"),
        }
        return tf.io.parse_example(serialised, features)

    @tf.function(input_signature=[strings])
    def classify(examples: Any) -> Any:
        old = tf.clip_by_value(parse(examples)["age"] / 100, 0, 1)
        labels = tf.tile(tf.constant([["young", "old"]]), [tf.shape(old)[0], 1])
        return {"scores": tf.stack([1 - old, old], 1), "classes": labels}

    @tf.function(input_signature=[strings])
    def regress(examples: Any) -> Any:
        return {"outputs": 2 * parse(examples)["age"]}

    @tf.function(input_signature=[strings])
    def predict(examples: Any) -> Any:
        return parse(examples)

    signatures = {"classify": classify, "regress": regress, "predict": predict}
    save(path, module, signatures)


def every_dtype(path: Path) -> None:
    """Gives back what it gets: a signature for each type."""
    module = tf.Module()
    signatures = {}
    for name in DTYPES:

        @tf.function(input_signature=[spec(None, tf.dtypes.as_dtype(name))])
        def same(x: Any) -> Any:
            return {"y": tf.identity(x)}

        signatures[name] = same
        setattr(module, name, same)
    save(path, module, signatures)


def unknown_sizes(path: Path) -> None:
    """Any rank; and two sizes that are not known."""
    module = tf.Module()

    @tf.function(input_signature=[spec(None)])
    def any_rank(x: Any) -> Any:
        return {"size": tf.size(x), "flat": tf.reshape(x, [-1])}

    @tf.function(input_signature=[spec([None, None])])
    def matrix(x: Any) -> Any:
        return {"y": tf.transpose(x)}

    @tf.function(input_signature=[spec([None])])
    def positive(x: Any) -> Any:
        return {"y": tf.boolean_mask(x, x > 0)}

    signatures = {"any_rank": any_rank, "matrix": matrix, "positive": positive}
    save(path, module, signatures)


def slow(path: Path) -> None:
    """Multiplies so often as it is told."""
    module = tf.Module()
    module.kernel = tf.Variable(tf.eye(64))

    @tf.function(input_signature=[spec([64, 64]), spec([], tf.int32, "steps")])
    def multiply(x: Any, steps: Any) -> Any:
        for _ in tf.range(steps):
            x = x @ module.kernel
        return {"y": x}

    save(path, module, multiply)


def _save_tf1(path: Path, graph: Any, signatures: Any) -> None:
    with v1.Session(graph=graph) as session:
        session.run(v1.global_variables_initializer())
        info = v1.saved_model.build_tensor_info
        definitions = {
            name: v1.saved_model.signature_def_utils.build_signature_def(
                {key: info(tensor) for key, tensor in inputs.items()},
                {key: info(tensor) for key, tensor in outputs.items()},
            )
            for name, (inputs, outputs) in signatures.items()
        }
        builder = v1.saved_model.Builder(str(path))
        builder.add_meta_graph_and_variables(
            session, ["serve"], signature_def_map=definitions
        )
        builder.save()


def tf1_control_flow(path: Path) -> None:
    """Loops and branches of TensorFlow 1, with Enter, Exit, Switch and Merge."""
    v1.disable_control_flow_v2()
    try:
        with tf.Graph().as_default() as graph:
            x = v1.placeholder(tf.float32, [None], "x")
            times = v1.placeholder(tf.int32, [], "times")
            _, y = v1.while_loop(
                lambda i, _: i < times, lambda i, y: (i + 1, y * 2), (0, x)
            )
            z = v1.cond(times > 2, lambda: y, lambda: -y)
            assert any(o.type == "Enter" for o in graph.get_operations())
            signature = {"x": x, "times": times}, {"y": y, "z": z}
            _save_tf1(path, graph, {"serving_default": signature})
    finally:
        v1.enable_control_flow_v2()


def tf1_ref_variables(path: Path) -> None:
    """Variables of TensorFlow 1, one of which is an output; one tensor, two names."""
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None, 2], "x")
        with v1.variable_scope("", use_resource=False):
            kernel = v1.get_variable(
                "kernel", initializer=np.array([[1, 2], [3, 4]], np.float32)
            )
        y = tf.matmul(x, kernel)
        outputs = {"y": y, "again": y, "x": x, "kernel": kernel}
        _save_tf1(path, graph, {"serving_default": ({"x": x, "same": x}, outputs)})


def ragged_and_sparse(path: Path) -> None:
    """One signature takes numbers, the others what is in several tensors."""
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None], "x")
        sparse = v1.sparse_placeholder(tf.float32, [None, 4])
        ragged = v1.ragged.placeholder(tf.float32, 1, [])
        signatures = {
            "dense": ({"x": x}, {"y": x + 1}),
            "sparse": ({"x": sparse}, {"y": tf.sparse.reduce_sum(sparse)}),
            "ragged": ({"x": ragged}, {"y": tf.reduce_sum(ragged)}),
        }
        _save_tf1(path, graph, signatures)


def parts(path: Path) -> None:
    """A sparse tensor as TensorFlow 2 saves it: in its parts."""
    module = tf.Module()

    @tf.function(input_signature=[tf.SparseTensorSpec([None, 4], tf.float32)])
    def sparse(x: Any) -> Any:
        return {"y": tf.sparse.reduce_sum(x, 1)}

    save(path, module, sparse)
