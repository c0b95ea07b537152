# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Samples of models with a head, or a tail, are what callers give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.models import heads, split, tails
from tfnative.errors import InvalidArgumentError
from tfnative_aot.load.load_model import load_model
from tfnative_aot.quantize.calibrate.entry import Entry, entry_of
from tfnative_aot.split.divide import prepare

Maker = Callable[[Path], Any]


def strings(values: list[bytes]) -> Any:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def recorded(messages: Any, path: Path) -> Path:
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as writer:
        for message in messages:
            writer.write(message)
    return path


def entry(model: Path, folder: Path, signature: str = "serving_default") -> Entry:
    loaded = load_model(model, tags=("serve",), inputs=None, outputs=None)
    return entry_of(prepare(loaded, signature, None), loaded, None, folder)


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_messages_are_parsed_as_the_sdk_parses_them(tmp_path: Path):
    own = entry(heads.passengers(tmp_path / "model"), tmp_path)
    messages = heads.random_messages(9, rng())
    path = recorded(messages, tmp_path / "messages.tfrecord")
    (sample, *rest) = (data := own.behind(own.read(path, 100))).samples
    assert len(rest) == 8
    assert data.stacked == {tensor.name for tensor in own.prepared.graph.inputs}
    import tensorflow as tf

    feature = tf.train.Example.FromString(messages[0]).features.feature
    np.testing.assert_array_equal(
        sample["fare"], np.array(feature["fare"].float_list.value, np.float32)
    )
    assert sample["age"] == feature["age"].int64_list.value[0]
    assert np.isnan(sample["weight"]).all()  # It is missing there, and has a default.
    given = own.behind(own.read({"examples": strings(messages)}, 100))
    for one, other in zip(data.samples, given.samples, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


def test_what_no_head_reads_passes_it(tmp_path: Path):
    own = entry(heads.passengers(tmp_path / "model"), tmp_path, "biased")
    bias = rng().standard_normal((5, 3)).astype(np.float32)
    messages = strings(heads.random_messages(5, rng()))
    found = own.behind(own.read({"examples": messages, "bias": bias}, 100))
    np.testing.assert_array_equal([each["bias"] for each in found.samples], bias)


def test_a_head_of_tensorflow_gives_what_is_compiled_its_inputs(tmp_path: Path):
    own = entry(split.baskets(tmp_path / "model"), tmp_path)
    path = recorded(split.random_baskets(6, rng()), tmp_path / "baskets.tfrecord")
    found = own.behind(own.read(path, 100))
    assert len(found) == 6
    assert set(found.samples[0]) == {t.name for t in own.prepared.graph.inputs}


def test_a_sample_that_the_head_refuses_is_refused(tmp_path: Path):
    own = entry(heads.passengers(tmp_path / "model"), tmp_path)
    given = {"examples": strings([b"no message"] * 3)}
    with pytest.raises(InvalidArgumentError, match="before the compiled part of"):
        own.behind(own.read(given, 100))


def words(count: int) -> dict[str, Any]:
    return {"words": split.random_words(count, rng())}


def keyed(count: int) -> dict[str, Any]:
    x = rng().standard_normal((count, 8)).astype(np.float32)
    return {"x": x, "key": strings([b"key"] * count)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "samples", "precision"),
    [
        (heads.passengers, None, "int8"),
        (tails.both, words, "auto"),
        (tails.labels, keyed, "int8"),
    ],
    ids=["parser", "head and tail", "tail"],
)
def test_parts_are_compiled_in_8_bits(
    make: Maker,
    samples: Callable[[int], dict[str, Any]] | None,
    precision: str,
    tmp_path: Path,
):
    given: Any = samples(100) if samples else None
    if given is None:
        path = tmp_path / "messages.tfrecord"
        given = recorded(heads.random_messages(100, rng()), path)
    artifact = tfnative.compile(
        make(tmp_path / "model"),
        tmp_path / "net",
        precision=precision,
        calibration=given,
        cpus=["native"],
        batch_sizes=[1],
        **({"min_signal_to_noise": 20.0} if precision == "auto" else {}),
    )
    with tfnative.load(artifact) as model:
        own = model.manifest.signatures["serving_default"]
    assert own.precision is not None
    assert {layer.computed for layer in own.precision.layers} == {"int8"}
    for each in own.precision.outputs:
        assert each.signal_to_noise is not None
        assert each.signal_to_noise > 20
    assert tfnative.selftest(artifact).passed
