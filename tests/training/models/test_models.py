# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Every architecture maps features to one output, and says what data it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.data import Data, open_data
from training.data.spec import Arrays, FeatureSpec, Source
from training.data.write import write
from training.errors import DataError
from training.export.examples import as_examples
from training.export.signatures import make_signatures
from training.models import NAMES, build_model

pytestmark = pytest.mark.slow
ROWS = 6
FITS = {
    "mlp": ("image", "table", "value", "words"),
    "cnn": ("image",),
    "mobilenet_v2": ("image",),
    "resnet": ("image",),
    "lstm": ("image", "text"),
    "transformer": ("image", "text"),
    "wide_deep": ("table", "value"),
    "keyword": ("words",),
    "autoencoder": ("image",),
    "two_tower": ("ratings",),
}
KINDS = ("image", "table", "value", "text", "words", "ratings")


def source(kind: str) -> Source:
    """Random rows of a kind of data."""
    random = np.random.default_rng(4)
    lines = np.empty(ROWS, object)
    lines[:] = [b"a line %d" % row for row in range(ROWS)]
    floats = random.normal(size=(ROWS, 5)).astype(np.float32)
    number = random.integers(0, 9, (ROWS, 1))
    features = {
        "image": {"image": (FeatureSpec((8, 8, 1)), random.random((ROWS, 8, 8, 1)))},
        "table": {"features": (FeatureSpec((5,)), floats)},
        "value": {"features": (FeatureSpec((5,)), floats)},
        "text": {"text": (FeatureSpec((16,), "int32", "text", below=128), lines)},
        "words": {
            "audio": (
                FeatureSpec((2_000,), stored="samples"),
                random.integers(-99, 99, (ROWS, 2_000)).astype(np.int16),
            )
        },
        "ratings": {
            name: (FeatureSpec((1,), "int32", "integers", below=9), number)
            for name in ("user", "item")
        },
    }[kind]
    labels = random.normal(300, 20, ROWS) if kind == "value" else np.arange(ROWS) % 3
    part = Arrays({name: rows for name, (_, rows) in features.items()}, labels)
    return Source(
        "regress" if kind == "value" else "classify",
        {name: spec for name, (spec, _) in features.items()},
        () if kind == "value" else ("a", "b", "c"),
        part,
        part,
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Data]:
    folder: Path = tmp_path_factory.mktemp("kinds")
    for kind in KINDS:
        write("digits", source(kind), folder / kind, shards=1)
    return {kind: open_data("digits", folder / kind) for kind in KINDS}


def test_the_table_has_every_model():
    assert set(FITS) == set(NAMES)


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name in NAMES for kind in FITS[name]]
)
def test_a_model_gives_one_named_output_and_its_signatures(
    name: str, kind: str, data: dict[str, Data]
):
    import keras

    given = data[kind]
    model = build_model(name, given)
    features, _ = given.held_out()
    output = model(features).numpy()
    called = model.layers[-1].name
    if name == "autoencoder":
        assert called == "reconstruction"
        assert output.shape == features["image"].shape
    elif given.task == "regress":
        assert (called, output.shape) == ("value", (ROWS, 1))
        assert 100 < output.mean() < 500
    else:
        assert (called, output.shape) == ("probabilities", (ROWS, 3))
        np.testing.assert_allclose(output.sum(axis=1), 1, rtol=1e-5)
    made = make_signatures(model, given, name, keras)
    (served,) = made["serving_default"](**{k: _tensor(v) for k, v in features.items()})
    assert served == called
    expected = {"serving_default", "embedding"}
    assert made.keys() == expected | ({given.task} if name != "autoencoder" else set())


def test_of_two_classes_the_second_ones_probability_is_a_number_of_its_own(
    data: dict[str, Data], tmp_path: Path
):
    import keras

    three = source("table")
    part = Arrays(three.train.features, three.train.labels % 2)
    two = replace(three, labels=("no", "yes"), train=part, held_out=part)
    write("digits", two, tmp_path / "two", shards=1)
    given = open_data("digits", tmp_path / "two")
    made = make_signatures(build_model("mlp", given), given, "mlp", keras)
    features, _ = given.held_out()
    examples = _tensor(as_examples(features))
    (number,) = made["regress"](inputs=examples).values()
    scores = made["classify"](inputs=examples)["scores"]
    np.testing.assert_allclose(number[:, 0], scores[:, 1], rtol=1e-6)
    assert number.shape == (ROWS, 1)


@pytest.mark.parametrize("number", [-1, -9, 9, 2**31 - 1, 2**32, 2**63 - 1, -(2**63)])
def test_a_number_that_nobody_has_gets_no_answer(number: int, data: dict[str, Data]):
    import keras
    import tensorflow as tf

    given = data["ratings"]
    model = build_model("two_tower", given)
    made = make_signatures(model, given, "two_tower", keras)
    rows = {name: np.array([[1]], np.int64) for name in ("user", "item")}
    made["classify"](inputs=_tensor(as_examples(rows)))
    rows["user"][0] = number
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"is not in \[0, 9\)"):
        made["classify"](inputs=_tensor(as_examples(rows)))
    if abs(number) < 2**31:
        narrow = {name: _tensor(each.astype(np.int32)) for name, each in rows.items()}
        for name in ("serving_default", "embedding"):
            with pytest.raises(tf.errors.InvalidArgumentError, match="is not in"):
                made[name](**narrow)


def _tensor(value: np.ndarray) -> object:
    import tensorflow as tf

    return tf.constant(value)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_refuses_data_that_does_not_fit(name: str, data: dict[str, Data]):
    for kind in set(KINDS) - set(FITS[name]):
        if (name, kind) == ("mlp", "ratings"):
            continue
        with pytest.raises(DataError, match=f"the model {name} does not fit"):
            build_model(name, data[kind])


def test_the_same_seed_makes_the_same_weights(data: dict[str, Data]):
    first, again, other = (
        build_model("mlp", data["table"], seed=seed).get_weights() for seed in (1, 1, 2)
    )
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert any((one != two).any() for one, two in zip(first, other, strict=True))


def test_an_unknown_model_lists_what_there_is(data: dict[str, Data]):
    with pytest.raises(DataError, match=", ".join(NAMES)):
        build_model("vgg", data["image"])
