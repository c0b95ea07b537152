# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models of tables classify and regress tf.Examples as in TensorFlow, once compiled."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.turns import Once
from tfnative._base.wire import bytes_field
from training.errors import ExportError
from training.export import Checked, check, heldout_path
from training.export.check import _golden
from training.export.compare import Compared, largest_difference
from training.export.examples import INPUT, as_examples
from training.fit import FitOptions, fit

pytestmark = pytest.mark.slow

SIGNATURES = {
    "breast_cancer": {"classify", "embedding", "regress", "serving_default"},
    "diabetes": {"embedding", "regress", "serving_default"},
}
OF_EXAMPLES = [
    (data, signature)
    for data, names in SIGNATURES.items()
    for signature in sorted(names & {"classify", "regress"})
]
BOTH = "classify + regress"


@dataclass(frozen=True)
class Both:
    """A trained model, in TensorFlow and compiled; and what ``check`` said of both."""

    reference: tfnative.Model
    compiled: tfnative.Model
    checked: dict[str, Any]
    rows: np.ndarray

    def outputs(self, signature: str, messages: list[bytes]) -> list[Any]:
        """What each gives for them, or the kind of its error."""
        found: list[Any] = []
        given = {INPUT: np.array(messages, object)}
        for model in (self.reference, self.compiled):
            try:
                found.append(model.predict(given, signature=signature))
            except tfnative.Error as error:
                found.append(type(error))
        return found


@pytest.fixture(scope="module")
def models(once: Once, data_root: Path) -> Iterator[dict[str, Both]]:
    def make(name: str, folder: Path) -> Path:
        output = folder / "model"
        place = str(data_root / name)
        fit(FitOptions("wide_deep", name, data_folder=place, steps=60, output=output))
        checked = check(output, folder / "compiled", batch_sizes=[8], cpus=["native"])
        (folder / "checked.json").write_text(json.dumps(asdict(checked)))
        return folder

    found = {}
    for name in SIGNATURES:
        folder = once(
            f"training/examples-{name}", lambda place, name=name: make(name, place)
        )
        found[name] = Both(
            tfnative.load(folder / "model", backend="tensorflow"),
            tfnative.load(folder / "compiled"),
            json.loads((folder / "checked.json").read_text()),
            np.load(heldout_path(folder / "model"))["features"],
        )
    yield found
    for both in found.values():
        both.reference.close()
        both.compiled.close()


@pytest.mark.parametrize("data", SIGNATURES)
def test_every_signature_is_compiled_and_asked_for_the_held_out_rows(
    models: dict[str, Both], data: str
):
    both = models[data]
    assert both.compiled.signatures.keys() == SIGNATURES[data]
    compared = {each["signature"]: each for each in both.checked["signatures"]}
    asked = SIGNATURES[data] | ({BOTH} if "classify" in SIGNATURES[data] else set())
    assert compared.keys() == asked
    largest = 1.0 if data == "breast_cancer" else 400.0
    for name, each in compared.items():
        assert each["rows"] == len(both.rows)
        assert each["largest_difference"] <= 3e-6 * largest * (name != "embedding" or 9)
        measured = name not in ("embedding", BOTH)
        assert (each["metric"] == both.checked["metric"]) == measured
        if measured:
            expected = pytest.approx(both.checked["tensorflow"], rel=1e-5)
            assert each["tensorflow"] == expected
            assert each["compiled"] == expected


def test_the_table_has_a_line_for_each_signature(models: dict[str, Both]):
    fields = dict(models["breast_cancer"].checked)
    compared = tuple(Compared(**each) for each in fields.pop("signatures"))
    lines = Checked(**fields, signatures=compared).summary().splitlines()
    head = lines.index(next(line for line in lines if line.startswith("signature")))
    assert [line[:18].strip() for line in lines[head + 1 :]] == [
        each.signature for each in compared
    ]
    for line, each in zip(lines[head + 1 :], compared, strict=True):
        assert str(each.rows) in line
        assert each.compiled is None or f"{each.compiled:.4f}" in line


@pytest.mark.parametrize("rows", [0, 1, 5, 8, 19])
@pytest.mark.parametrize(("data", "signature"), OF_EXAMPLES)
def test_any_number_of_examples_gives_what_tensorflow_gives(
    models: dict[str, Both], data: str, signature: str, rows: int
):
    both = models[data]
    messages = list(as_examples({"features": both.rows[:rows]})) if rows else []
    expected, got = both.outputs(signature, messages)
    assert largest_difference(signature, expected, got) <= 1e-3
    for name, array in expected.items():
        assert len(array) == rows
        if array.dtype != object:
            np.testing.assert_allclose(got[name], array, rtol=1e-5, atol=1e-6)


def odd_examples(row: np.ndarray) -> dict[str, bytes]:
    """Messages of a row that few would write, by what is odd about them."""
    features = {"features": row}
    plain = tfnative.encode_example(features)
    values = row.astype("<f4")
    unpacked = b"".join(b"\x0d" + struct.pack("<f", value) for value in values)

    def with_feature(content: bytes) -> bytes:
        entry = bytes_field(1, b"features") + bytes_field(2, content)
        return bytes_field(1, bytes_field(1, entry))

    def changed(value: float) -> bytes:
        other = row.copy()
        other[0] = value
        return tfnative.encode_example({"features": other})

    return {
        "plain": plain,
        "other features": tfnative.encode_example(
            {**features, "age": 7, "name": "x", "none": None}
        ),
        "twice": changed(3.0) + plain,
        "unpacked": with_feature(bytes_field(2, unpacked)),
        "an unknown field": plain + bytes_field(9, b"later"),
        "infinite": changed(np.inf),
        "very large": changed(3e38),
        "tiny": changed(1e-42),
        "negative zero": changed(-0.0),
        "no features": b"",
        "missing": tfnative.encode_example({"feature": row}),
        "without values": tfnative.encode_example({"features": None}),
        "empty": with_feature(bytes_field(2, b"")),
        "one too few": tfnative.encode_example({"features": row[1:]}),
        "one too many": tfnative.encode_example({"features": [*row, 1.0]}),
        "integers": tfnative.encode_example({"features": row.astype(np.int64)}),
        "text": tfnative.encode_example({"features": ["x"] * len(row)}),
        "cut off": plain[:-1],
        "no message": b"\xff\xff",
    }


@pytest.mark.parametrize("oddity", odd_examples(np.zeros(3, np.float32)))
@pytest.mark.parametrize(("data", "signature"), OF_EXAMPLES)
def test_an_odd_example_is_what_it_is_in_tensorflow(
    models: dict[str, Both], data: str, signature: str, oddity: str
):
    both = models[data]
    odd = odd_examples(both.rows[0])
    expected, got = both.outputs(signature, [odd["plain"], odd[oddity], odd["plain"]])
    if isinstance(expected, type):
        assert got is expected is tfnative.InvalidArgumentError
        return
    for name, array in expected.items():
        if array.dtype == object:
            assert (got[name] == array).all()
        else:
            np.testing.assert_allclose(got[name], array, rtol=1e-5, atol=1e-6)


def test_some_oddities_are_taken_and_some_refused(models: dict[str, Both]):
    both = models["diabetes"]
    refused = set()
    for oddity, message in odd_examples(both.rows[0]).items():
        expected, _ = both.outputs("regress", [message])
        if isinstance(expected, type):
            refused.add(oddity)
    assert refused == {
        *("no features", "missing", "without values", "empty", "one too few"),
        *("one too many", "integers", "text", "cut off", "no message"),
    }


def test_both_are_asked_at_once(models: dict[str, Both]):
    both = models["breast_cancer"]
    messages = list(as_examples({"features": both.rows[:9]}))
    tasks: Any = {"classify": "classify", "regress": "regress"}
    expected = both.reference.multi_inference(messages, tasks)
    got = both.compiled.multi_inference(messages, tasks)
    assert got["classify"].labels.tolist() == expected["classify"].labels.tolist()
    assert set(got["classify"].labels[0]) == {"malignant", "benign"}
    for second in (got["regress"], got["classify"].scores[:, 1]):
        np.testing.assert_allclose(second, expected["regress"], rtol=1e-5)


@pytest.mark.parametrize(("dtype", "kept"), [("float32", True), ("int32", False)])
def test_rows_to_compile_with_are_left_out_where_examples_have_other_types(
    tmp_path: Path, dtype: str, kept: bool
):
    np.savez(tmp_path / "model_golden.npz", item=np.ones((2, 1), dtype))
    found = _golden(tmp_path / "model")
    assert (found is not None) == kept
    if found is not None:
        assert found.keys() == {"item", INPUT}


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"scores": np.ones((2, 3))}, r"compiled it is float64 \(2, 3\)"),
        ({"scores": np.ones((2, 2), np.float32)}, "compiled it is float32"),
        ({"score": np.ones((2, 2))}, "gives score, and in TensorFlow scores"),
        ({"scores": np.full((2, 2), np.nan)}, "not finite"),
    ],
)
def test_what_is_not_the_same_is_never_compared(other: dict[str, Any], said: str):
    with pytest.raises(ExportError, match=said):
        largest_difference("classify", {"scores": np.ones((2, 2))}, other)


def test_other_names_of_classes_are_an_error():
    names = np.array([[b"no", b"yes"]] * 2, object)
    other = names.copy()
    other[1] = [b"yes", b"no"]
    assert largest_difference("classify", {"classes": names}, {"classes": names}) == 0
    with pytest.raises(ExportError, match="classes, row 1: compiled it is"):
        largest_difference("classify", {"classes": names}, {"classes": other})
