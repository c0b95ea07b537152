# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of strings, the files that they are read from, and tags stay.

The folder that a model is optimized from is gone when the optimized one is run.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

import tfnative
from tests.aot.optimize.plain_tensorflow import run_with_tensorflow
from tests.models import split
from tests.models.saving import module_save
from tfnative._optimize.options import OptimizeOptions
from tfnative.errors import CompileError, InvalidArgumentError
from tfnative_aot.optimize.optimize import optimize
from tfnative_aot.progress import Silent


def test_tables_of_strings_and_their_files_stay(tmp_path: Path):
    path = split.reviews(tmp_path / "reviews" / "1")
    (path / "assets.extra").mkdir()
    (path / "assets.extra" / "notes.txt").write_text("ours")
    done = tfnative.optimize(path, tmp_path / "small")
    # Tables tell no shapes: they are seen when it runs.
    assert all(step.flops == done.steps[0].flops for step in done.steps)
    assert done.steps[0].flops
    rng = np.random.default_rng(4)
    inputs = {
        "words": split.random_words(6, rng),
        "weights": rng.random((6, 5)).astype(np.float32),
    }
    was = run_with_tensorflow(path, "serving_default", inputs)
    files = {p.name: p.read_bytes() for p in (path / "assets").iterdir()}
    shutil.rmtree(path)
    now = run_with_tensorflow(done.output, "serving_default", inputs)
    for name, array in was.items():
        np.testing.assert_allclose(now[name], array, atol=1e-5)
    assert {p.name: p.read_bytes() for p in (done.output / "assets").iterdir()} == files
    assert (done.output / "assets.extra" / "notes.txt").read_text() == "ours"
    assert tfnative.load(done.output, backend="tensorflow").predict(inputs).keys() == (
        was.keys()
    )


def test_a_graph_def_of_tables_is_refused_before_the_first_step(tmp_path: Path):
    path = split.reviews(tmp_path / "reviews")
    told = _Told()
    with pytest.raises(CompileError, match=r"has tables.*--format saved_model"):
        optimize(path, tmp_path / "a.pb", OptimizeOptions(format="graphdef"), told)
    assert told.stages == ["load and freeze the model"]
    assert not (tmp_path / "a.pb").exists()


class _Told(Silent):
    def __init__(self) -> None:
        self.stages: list[str] = []

    def stage(self, name: str, total: int = 0) -> None:
        self.stages.append(name)


def _codes(file: Path) -> Any:
    def build() -> tuple[Any, Any]:
        module = tf.Module()

        def table(key: tuple[Any, int], value: tuple[Any, int], default: Any) -> Any:
            return tf.lookup.StaticHashTable(
                tf.lookup.TextFileInitializer(str(file), *key, *value, delimiter="|"),
                default,
            )

        module.codes = table((tf.string, 0), (tf.int64, 1), -1)
        module.words = table((tf.int64, 1), (tf.string, 0), "?")
        module.weights = tf.Variable(tf.random.stateless_normal([9, 4], (1, 2)))

        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.string, "words")])
        def serving(words: Any) -> dict[str, Any]:
            codes = module.codes.lookup(words)
            rows = tf.reduce_sum(tf.gather(module.weights, codes + 1), 1)
            scores = rows @ tf.transpose(module.weights)
            return {
                "scores": scores,
                "codes": codes,
                "back": module.words.lookup(codes),
            }

        module.serving = serving
        return module, serving

    return build


@pytest.mark.slow
def test_optimized_tables_are_compiled_and_optimized_again(tmp_path: Path):
    # Several tables read one file, which has names that are not those of this machine.
    file = tmp_path / "W\u00f6rter.txt"
    file.write_text("cat|3\nM\u00fccke|7\r\n two words |0\n|5\n", newline="")
    path = module_save(_codes(file))(tmp_path / "codes")
    words = [["cat", "M\u00fccke"], [" two words ", ""], ["Cat", "cat|3"]]
    inputs = {"words": np.array(words, object)}
    was = run_with_tensorflow(path, "serving_default", inputs)
    assert was["codes"].tolist() == [[3, 7], [0, 5], [-1, -1]]
    first = tfnative.optimize(path, tmp_path / "first", strict=True)
    shutil.rmtree(path)
    file.unlink()
    again = tfnative.optimize(first.output, tmp_path / "again", strict=True)
    artifact = tfnative.compile(
        first.output, tmp_path / "compiled", cpus=["native"], batch_sizes=[1]
    )
    for found in (
        run_with_tensorflow(first.output, "serving_default", inputs),
        run_with_tensorflow(again.output, "serving_default", inputs),
        tfnative.load(artifact).predict(inputs),
    ):
        np.testing.assert_array_equal(found["codes"], was["codes"])
        np.testing.assert_array_equal(found["back"], was["back"])
        np.testing.assert_allclose(found["scores"], was["scores"], atol=1e-5)


def _tagged(path: Path) -> Path:
    """One graph for each set of tags, which multiply by 1, 2 and 3."""
    v1 = tf.compat.v1
    builder = v1.saved_model.Builder(str(path))
    add = builder.add_meta_graph_and_variables
    for factor, tags in enumerate((["serve"], ["serve", "gpu"], ["train"]), 1):
        with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
            x = v1.placeholder(tf.float32, [None, 3], name="x")
            y = x * v1.get_variable("ones", initializer=tf.ones([3])) * float(factor)
            session.run(v1.global_variables_initializer())
            signature = v1.saved_model.predict_signature_def({"x": x}, {"y": y})
            signatures = {"serving_default": signature}
            if factor == 1:
                add(session, tags, signatures)
            else:
                builder.add_meta_graph(tags, signatures)
    builder.save()
    return path


def test_the_graph_of_the_tags_is_optimized_and_keeps_them(tmp_path: Path):
    path = _tagged(tmp_path / "net")
    for place, (tags, factor) in enumerate(
        {("serve",): 1, ("gpu", "serve"): 2, ("train",): 3}.items()
    ):
        done = tfnative.optimize(path, tmp_path / str(place), tags=tags)
        loaded = tf.saved_model.load(str(done.output), tags=list(tags))
        y = loaded.signatures["serving_default"](x=tf.ones([2, 3]))["y"]
        np.testing.assert_array_equal(y, np.full((2, 3), factor, np.float32))
    with pytest.raises(InvalidArgumentError, match="Tags present: serve; gpu,serve;"):
        tfnative.optimize(path, tmp_path / "none", tags=("gpu",))
    assert not (tmp_path / "none").exists()
