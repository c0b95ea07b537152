# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Examples are classified and regressed, whatever form they come in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import tfnative
from tfnative._model import Model
from tfnative._signature import Signature, TensorSpec

F4 = np.dtype(np.float32)
I4 = np.dtype(np.int32)
TEXT = np.dtype(object)


def signature(name: str, inputs: list[TensorSpec], outputs: list[TensorSpec]):
    return Signature(
        name, {t.name: t for t in inputs}, {t.name: t for t in outputs}, (), True
    )


class Recorder(Model):
    """A model that is asked, and answers what it was told to."""

    name = "recorder"
    closed = False
    backend: ClassVar[str] = "none"

    def __init__(self, *signatures: Signature, answers: dict[str, Any]) -> None:
        self.signatures = {each.name: each for each in signatures}
        self.answers = answers
        self.asked: list[tuple[str, Any]] = []
        self.files: dict[str, Path] = {}

    def signature(self, name: str | None = None) -> Signature:
        assert name is not None
        if name not in self.signatures:
            raise tfnative.InvalidArgumentError(name)
        return self.signatures[name]

    def predict(self, inputs, /, *, signature=None, out=None):
        self.asked.append((signature, inputs))
        return self.answers

    @property
    def assets(self) -> Mapping[str, Path]:
        return self.files


EXAMPLES = TensorSpec("inputs", TEXT, (-1,))
AGE = TensorSpec("age", F4, (-1, 1))
COUNT = TensorSpec("count", I4, (-1,))
CLASSES = TensorSpec("classes", TEXT, (-1, 2))
SCORES = TensorSpec("scores", F4, (-1, 2))
VALUE = TensorSpec("outputs", F4, (-1, 1))
TABLE = np.array([[0.25, 0.75], [1, 0]], F4)
NAMES = np.array([[b"no", b"yes"], [b"no", b"yes"]], object)


@pytest.fixture
def of_examples() -> Recorder:
    return Recorder(
        signature("classify", [EXAMPLES], [CLASSES, SCORES]),
        answers={"classes": NAMES, "scores": TABLE},
    )


@pytest.fixture
def of_features() -> Recorder:
    probabilities = TensorSpec("probabilities", F4, (-1, 2))
    return Recorder(
        signature("serving_default", [AGE, COUNT], [probabilities]),
        answers={"probabilities": TABLE},
    )


ROWS = [{"age": 1.5, "count": 3}, {"age": 2.5, "count": 4}]
COLUMNS = {"age": np.array([1.5, 2.5]), "count": [3, 4]}
MESSAGES = [tfnative.encode_example(row) for row in ROWS]


@pytest.mark.parametrize("examples", [ROWS, COLUMNS])
def test_features_become_serialised_examples_where_those_are_taken(
    of_examples: Recorder, examples: Any
):
    found = of_examples.classify(examples)
    assert found.top() == [[("yes", 0.75)], [("no", 1.0)]]
    ((name, inputs),) = of_examples.asked
    assert name == "classify"
    assert inputs["inputs"].tolist() == [tfnative.encode_example(row) for row in ROWS]


def test_serialised_examples_are_passed_on(of_examples: Recorder):
    examples = [tfnative.encode_example(row) for row in ROWS]
    of_examples.classify(examples)
    assert of_examples.asked[0][1]["inputs"].tolist() == examples
    assert of_examples.asked[0][1]["inputs"].dtype == TEXT


@pytest.mark.parametrize("examples", [ROWS, COLUMNS, MESSAGES])
def test_features_become_arrays_where_those_are_taken(
    of_features: Recorder, examples: Any
):
    of_features.classify(examples)
    ((_, inputs),) = of_features.asked
    assert inputs["age"].dtype == F4
    assert inputs["age"].tolist() == [[1.5], [2.5]]
    assert inputs["count"].dtype == I4
    assert inputs["count"].tolist() == [3, 4]


def test_features_that_all_rows_share_are_given_once(
    of_features: Recorder, of_examples: Recorder
):
    rows = [{"age": 1.5}, {"age": 2.5, "count": 4}]
    of_features.classify(rows, context={"count": 3})
    assert of_features.asked[0][1]["count"].tolist() == [3, 4]
    of_features.classify({"age": [1.5, 2.5]}, context={"count": 3})
    assert of_features.asked[1][1]["count"].tolist() == [3, 3]


def test_serialised_examples_need_sizes_that_are_known():
    model = Recorder(
        signature(
            "any", [TensorSpec("x", F4, (-1, -1))], [TensorSpec("y", F4, (-1, 2))]
        ),
        answers={"y": TABLE},
    )
    with pytest.raises(tfnative.InvalidArgumentError, match="sizes of 'x' are unknown"):
        model.classify([tfnative.encode_example({"x": [1.0, 2.0]})])
    model.classify([{"x": [1.0, 2.0]}])
    assert model.asked[0][1]["x"].tolist() == [[1, 2]]


def test_features_that_all_serialised_examples_share_are_merged(of_examples: Recorder):
    tf = pytest.importorskip("tensorflow")
    own = tfnative.encode_example({"count": 4})
    of_examples.classify([own], context={"age": 1.5, "count": 3})
    (merged,) = of_examples.asked[0][1]["inputs"]
    feature = tf.train.Example.FromString(merged).features.feature
    assert feature["age"].float_list.value == [1.5]
    assert feature["count"].int64_list.value == [4]


def test_features_that_all_share_are_read_from_serialised_examples(
    of_features: Recorder,
):
    own = [tfnative.encode_example({"count": count}) for count in (4, 5)]
    of_features.classify(own, context={"age": 1.5, "count": 3})
    assert of_features.asked[0][1]["age"].tolist() == [[1.5], [1.5]]
    assert of_features.asked[0][1]["count"].tolist() == [4, 5]


def test_no_examples_have_no_classes(of_features: Recorder):
    of_features.answers = {"probabilities": TABLE[:0]}
    assert len(of_features.classify([])) == 0
    assert of_features.asked[0][1]["age"].shape == (0, 1)


@pytest.mark.parametrize(
    ("examples", "match"),
    [
        ([{"age": 1.5}], "row 0: feature 'count' is missing"),
        ([{**ROWS[0], "x": 1}], "expected the features age, count, got age, count, x"),
        ({"age": [1.5], "count": [1, 2]}, "age: 1, count: 2"),
        ({"age": 1.5, "count": 1}, "age: None"),
        ([b"x"], "example 0"),
        ([tfnative.encode_example({"age": 1.5})], "example 0.*'count'"),
        ([tfnative.encode_example({"age": 1, "count": 3})], "example 0.*'age'"),
        ([{"age": 1.5, "count": 2**40}], "'count'.*int32, which cannot hold"),
        ([{"age": 1.5, "count": 0.5}], "'count': expected int32, got float64"),
        (b"x", "expected a sequence of examples.*got bytes"),
        (5, "expected a sequence of examples.*got int"),
    ],
)
def test_examples_that_do_not_fit_are_refused(
    of_features: Recorder, examples: Any, match: str
):
    with pytest.raises(tfnative.InvalidArgumentError, match=match):
        of_features.classify(examples)
    assert not of_features.asked


def test_examples_of_two_kinds_are_refused(of_examples: Recorder):
    with pytest.raises(tfnative.InvalidArgumentError, match="example 1: expected"):
        of_examples.classify([b"", {}])


def test_labels_are_the_models_or_the_callers(
    of_features: Recorder, of_examples: Recorder, tmp_path: Path
):
    assert of_features.classify(ROWS).labels is None
    assert of_features.classify(ROWS, labels=["no", "yes"]).top()[0][0][0] == "yes"
    labels = tmp_path / "labels.txt"
    labels.write_text("nein\nja\n", encoding="utf-8")
    of_features.files = {"labels.txt": labels}
    assert of_features.classify(ROWS).labels.tolist() == ["nein", "ja"]
    other = tmp_path / "other.txt"
    other.write_text("non\noui\n", encoding="utf-8")
    of_features.files["other.txt"] = other
    assert of_features.classify(ROWS).labels is None, "which of the two?"
    found = of_features.classify(ROWS, labels="other.txt")
    assert found.labels.tolist() == ["non", "oui"]
    assert of_examples.classify(ROWS, labels=["a", "b"]).labels.tolist() == ["a", "b"]


def test_labels_that_do_not_fit_are_refused(of_features: Recorder):
    with pytest.raises(tfnative.InvalidArgumentError, match=r"2 labels.*got 3"):
        of_features.classify(ROWS, labels=["a", "b", "c"])
    with pytest.raises(tfnative.InvalidArgumentError, match=r"no asset 'labels.txt'"):
        of_features.classify(ROWS, labels="labels.txt")


def test_regression_gives_a_number_for_each_example():
    model = Recorder(
        signature("regress", [EXAMPLES], [VALUE]),
        answers={"outputs": np.array([[1], [2]], F4)},
    )
    assert model.regress(ROWS).tolist() == [1, 2]


def test_the_signature_that_can_do_it_is_found():
    model = Recorder(
        signature("serving_default", [EXAMPLES], [CLASSES, SCORES, VALUE]),
        signature("classification", [EXAMPLES], [CLASSES, SCORES]),
        signature("regression", [EXAMPLES], [VALUE]),
        answers={"classes": NAMES, "scores": TABLE},
    )
    model.classify(ROWS)
    assert model.asked[0][0] == "classification"
    with pytest.raises(tfnative.InvalidArgumentError, match="'regression' cannot"):
        model.classify(ROWS, signature="regression")


def test_a_model_that_cannot_do_it_says_what_is_needed(of_examples: Recorder):
    with pytest.raises(
        tfnative.InvalidArgumentError, match="no signature can regress: expected an"
    ):
        of_examples.regress(ROWS)


def test_two_signatures_that_can_do_it_need_a_name():
    model = Recorder(
        signature("a", [EXAMPLES], [SCORES]),
        signature("b", [EXAMPLES], [SCORES]),
        answers={"scores": TABLE},
    )
    with pytest.raises(tfnative.InvalidArgumentError, match="classify with, of a, b"):
        model.classify(ROWS)
    assert model.classify(ROWS, signature="b").scores is TABLE


def test_several_heads_are_asked_at_once():
    class TwoHeads(Recorder):
        def _predict_signatures(self, names, inputs):
            self.asked.append((names, inputs))
            return [{"scores": TABLE}, {"outputs": TABLE[:, 0]}]

    model = TwoHeads(
        signature("a", [EXAMPLES], [SCORES]),
        signature("b", [EXAMPLES], [VALUE]),
        answers={},
    )
    found = model.multi_inference(ROWS, {"a": "classify", "b": "regress"})
    assert found["a"].scores is TABLE
    assert found["b"].tolist() == [0.25, 1]
    assert [names for names, _ in model.asked] == [["a", "b"]]
    assert model.multi_inference(ROWS, {}) == {}


def test_heads_with_other_inputs_are_refused():
    model = Recorder(
        signature("a", [EXAMPLES], [SCORES]),
        signature("b", [AGE], [VALUE]),
        answers={},
    )
    tasks = {"a": "classify", "b": "regress"}
    with pytest.raises(tfnative.InvalidArgumentError, match="'a' and 'b' have other"):
        model.multi_inference(ROWS, tasks)
    with pytest.raises(tfnative.InvalidArgumentError, match="got 'guess'"):
        model.multi_inference(ROWS, {"a": "guess"})


def test_a_compiled_model_classifies(model: tfnative.Model):
    rows = [{"x": [1, 2, 3]}, {"x": [6, 5, 4]}]
    found = model.classify(rows, signature="affine", labels=["a", "b", "c"])
    assert found.top() == [[("c", 7.0)], [("a", 13.0)]]
