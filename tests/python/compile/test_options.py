# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What compile can be asked for, whoever asks: a program or a command line."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, strategies as st

import tfnative
from tests.python.strategies import names
from tfnative import CompileOptions, InvalidArgumentError
from tfnative._base.options.declare import options_of
from tfnative._base.options.flags import add_flags, given_flags
from tfnative._compile import door
from tfnative._compile.options import (
    CalibrationMethod,
    CompileKeywords,
    Precision,
)

sizes = st.lists(st.integers(1, (1 << 31) - 1), min_size=1, max_size=3)
lists = st.lists(names, max_size=3)
by_name = st.dictionaries(names, names, max_size=2)
values = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | names,
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
asked = st.builds(
    CompileOptions,
    name=st.none() | names,
    signatures=st.none() | lists,
    batch_sizes=sizes,
    shapes=st.none() | st.dictionaries(names, sizes, max_size=2),
    constants=st.none() | st.dictionaries(names, values, max_size=2),
    target=st.none() | names,
    cpus=st.none() | lists,
    tags=lists,
    inputs=st.none() | by_name | lists,
    outputs=st.none() | by_name | lists,
    golden=st.just("/a/b.npz") | st.none(),
    rtol=st.none() | st.floats(0, allow_infinity=False),
    static=st.none() | st.booleans(),
    weights=st.sampled_from(["inside", "separate"]),
    minimal=st.booleans(),
    sources=st.booleans(),
    winograd=st.booleans(),
    precision=st.sampled_from(get_args(Precision)),
    calibration=st.just("/a/b.npz") | st.none(),
    calibration_method=st.sampled_from(get_args(CalibrationMethod)),
    calibration_samples=st.integers(1, 100_000),
    labels=st.just("/a/y.npy") | st.none(),
    labels_output=st.none() | names,
    max_accuracy_drop=st.floats(0, 100) | st.sampled_from(["0.5%", "3"]),
    min_signal_to_noise=st.floats(0, allow_infinity=False),
    precision_report=st.none() | st.just("curve.svg"),
    checks=st.booleans(),
    rows_independent=st.booleans(),
    dump_hlo=st.none() | st.sampled_from(["hlo", Path("build/hlo")]),
)


def test_those_who_check_types_see_the_same_options():
    fields = {field.name: field.type for field in dataclasses.fields(CompileOptions)}
    assert _written(CompileKeywords) == fields
    keywords = tfnative.compile.__annotations__["keywords"]
    assert keywords == "Unpack[CompileKeywords]"


def _written(keywords: Any) -> dict[str, str]:
    return {n: of.__forward_arg__ for n, of in keywords.__annotations__.items()}


def test_the_signature_and_the_docstring_show_them():
    parameters = inspect.signature(tfnative.compile).parameters
    text = inspect.getdoc(tfnative.compile) or ""
    for each in options_of(CompileOptions):
        assert parameters[each.name].default == each.default
        assert f"\n    {each.name}: " in text


@pytest.mark.parametrize("of", [CompileOptions, tfnative.LoadOptions], ids=str)
def test_where_the_default_is_none_it_is_said_what_that_means(of):
    silent = [each.name for each in options_of(of) if each.default is None]
    assert [each.name for each in options_of(of) if each.default_is] == silent


@given(asked)
def test_the_process_that_compiles_is_asked_the_same(options: CompileOptions):
    sent = json.loads(json.dumps(options.to_json()))
    assert CompileOptions.from_json(sent) == options


@given(asked)
def test_the_record_is_what_is_not_the_default(options: CompileOptions):
    record = json.loads(json.dumps(options.record()))
    # Where XLA's programs were written to says nothing of what was compiled.
    names = ("golden", "calibration", "labels", "dump_hlo", "precision_report")
    assert record.keys() == options.given().keys() - {"dump_hlo", "precision_report"}
    beside = {name: getattr(options, name) for name in names}
    again = CompileOptions.from_json({**record, **beside})
    assert again == options


def test_the_record_names_golden_files_and_arrays_without_places_and_values():
    assert CompileOptions(golden=Path("/home/me/x.npz")).record() == {"golden": "x.npz"}
    arrays = {"y": np.ones(3), "x": [1.0]}
    assert CompileOptions(golden=arrays).record() == {"golden": ["x", "y"]}
    with pytest.raises(InvalidArgumentError, match="golden: another process"):
        CompileOptions(golden=arrays).to_json()


def test_samples_may_be_a_file_arrays_or_many_of_these_and_are_not_read_yet():
    assert CompileOptions(calibration=Path("/me/x.npz")).record() == {
        "calibration": "x.npz"
    }
    arrays = {"y": np.ones(3), "x": [1.0]}
    assert CompileOptions(calibration=arrays).record() == {"calibration": ["x", "y"]}
    read = iter([{"x": np.ones(3)}])
    several = CompileOptions(calibration=read)
    assert several.calibration is read
    assert several.record() == {"calibration": []}
    assert next(read)
    for options in (several, CompileOptions(calibration=arrays)):
        with pytest.raises(InvalidArgumentError, match="calibration: another process"):
            options.to_json()


def test_labels_may_be_a_file_or_an_array_and_are_not_read_yet():
    assert CompileOptions(labels=Path("/me/y.npy")).record() == {"labels": "y.npy"}
    assert CompileOptions(labels="y.npy").to_json()["labels"].endswith("/y.npy")
    classes = np.arange(3)
    options = CompileOptions(labels=classes)
    assert options.labels is classes
    assert options.record() == {"labels": ""}
    with pytest.raises(InvalidArgumentError, match="labels: another process"):
        options.to_json()


@pytest.mark.parametrize(
    ("given", "points"), [("0.5%", 0.5), (" 2 % ", 2.0), ("3", 3.0), (0, 0.0), (1, 1.0)]
)
def test_points_of_percent_may_have_their_sign(given, points):
    assert CompileOptions(max_accuracy_drop=given).max_accuracy_drop == points
    assert read_flags(f"--max-accuracy-drop {given}".replace(" %", "%")) == (
        CompileOptions(max_accuracy_drop=points)
    )


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"batch_sizes": [0]}, r"batch_sizes must be .* got \[0\] \(--batch-sizes of"),
        (
            {"shapes": [3]},
            "shapes must be a dict of shapes by input, of sizes up to",
        ),
        ({"shapes": {"x": 3}}, "shapes must be"),
        ({"shapes": {"x": [1.5]}}, "shapes must be"),
        ({"shapes": {3: [1]}}, "shapes must be .*--shape of"),
        ({"constants": 3}, "constants must be a dict by input of numbers, bools"),
        ({"constants": {"x": None}}, "constants must be"),
        ({"constants": {"x": [1.0, float("inf")]}}, "expected finite numbers, got inf"),
        ({"inputs": 3}, "inputs must be a dict of tensors by name, or a list"),
        ({"inputs": "x:0"}, "inputs must be"),
        ({"outputs": {"x": 0}}, "outputs must be"),
        ({"golden": 3}, "golden must be the path of a .npz file, or a dict"),
        ({"golden": b"x"}, "golden must be"),
        ({"calibration": 3}, "calibration must be the path of a .npz or TFRecord file"),
        ({"calibration": b"x"}, "calibration must be .* an iterable of such dicts or"),
        ({"calibration": np.ones(3)}, "calibration must be"),
        ({"calibration": {3: [1]}}, "calibration must be"),
        ({"calibration_method": "max"}, "calibration_method must be 'min-max', 'mov"),
        ({"calibration_samples": 0}, "calibration_samples must be a whole number in 1"),
        ({"calibration_samples": True}, "calibration_samples must be"),
        ({"labels": 3}, "labels must be the path of a .npy or .npz file, or an array"),
        ({"labels": b"x"}, "labels must be"),
        ({"labels": {"x": [1]}}, "labels must be"),
        ({"labels_output": 3}, "labels_output must be a str or None"),
        ({"max_accuracy_drop": -1}, "max_accuracy_drop must be points of percent from"),
        ({"max_accuracy_drop": "101%"}, "max_accuracy_drop must be"),
        ({"max_accuracy_drop": "half"}, "max_accuracy_drop must be"),
        ({"max_accuracy_drop": "nan%"}, "max_accuracy_drop must be"),
        ({"max_accuracy_drop": True}, "max_accuracy_drop must be"),
        ({"max_accuracy_drop": None}, "max_accuracy_drop must be"),
        ({"min_signal_to_noise": -1}, "min_signal_to_noise must be a finite number"),
        ({"precision_report": "x.pdf"}, "precision_report must be .* in .svg or .png"),
        ({"precision_report": 3}, "precision_report must be"),
        ({"weights": "outside"}, "weights must be 'inside' or 'separate'"),
        ({"tags": "serve"}, "tags must be a list of names, got 'serve'"),
        ({"static": "no"}, r"static must be .*\(--static of the command line\)"),
        ({"rtol": -1}, "rtol must be a finite number from 0 on or None"),
        ({"options": 3}, r"options must be tfnative\.CompileOptions or None, got 3"),
    ],
    ids=str,
)
def test_wrong_options_are_refused_before_anything_is_done(options, problem, tmp_path):
    with pytest.raises(InvalidArgumentError, match=problem):
        tfnative.compile(tmp_path / "missing", tmp_path / "out", **options)
    assert list(tmp_path.iterdir()) == []


def test_an_option_that_there_is_not_is_pythons_error(tmp_path):
    with pytest.raises(TypeError, match=r"compile\(\) got an .* argument 'batch_size'"):
        tfnative.compile(tmp_path, tmp_path / "out", batch_size=1)  # type: ignore[call-arg]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[CompileOptions]:
    """What the compiler is asked for; a stand-in for it."""
    found: list[CompileOptions] = []

    def compile(  # noqa: A001 - as re.compile
        model: Path, output: Path, options: CompileOptions, progress: object
    ) -> Path:
        found.append(options)
        return Path(output)

    monkeypatch.setattr(door, "compile", compile, raising=False)
    monkeypatch.setattr(door, "require", lambda *_: None)
    return found


def test_keywords_options_and_both_reach_the_compiler(calls, tmp_path):
    base = CompileOptions(batch_sizes=[1, 8], cpus=["native"])
    tfnative.compile("model", tmp_path, batch_sizes=(1, 8), cpus=("native",))
    tfnative.compile("model", tmp_path, options=base)
    tfnative.compile("model", tmp_path, options=base, rtol=1e-3, cpus=None)
    assert calls[:2] == [base, base]
    assert calls[2] == CompileOptions(batch_sizes=[1, 8], rtol=1e-3)


FLAGS: dict[str, tuple[str, Any]] = {
    "name": ("--name digits", "digits"),
    "signatures": ("--signature a --signature b,c", ("a", "b,c")),
    "batch_sizes": ("--batch-sizes 1,8", (1, 8)),
    "shapes": ("--shape x=?,3 --shape y=2", {"x": (-1, 3), "y": (2,)}),
    "constants": (
        "--constant training=false --constant sizes=[2,3] --constant mode=a=b",
        {"training": False, "sizes": (2, 3), "mode": "a=b"},
    ),
    "target": ("--target linux-aarch64", "linux-aarch64"),
    "cpus": ("--cpu x86-64-v2,native --cpu x", ("x86-64-v2", "native", "x")),
    "tags": ("--tags serve,gpu", ("serve", "gpu")),
    "inputs": (
        "--inputs a=x:0,b=y:0 --inputs c=z:0",
        {"a": "x:0", "b": "y:0", "c": "z:0"},
    ),
    "outputs": ("--outputs x:0,y:0", ("x:0", "y:0")),
    "golden": ("--golden mine.npz", "mine.npz"),
    "rtol": ("--rtol 1e-3", 1e-3),
    "static": ("--no-static", False),
    "weights": ("--weights separate", "separate"),
    "minimal": ("--minimal", True),
    "sources": ("--sources", True),
    "winograd": ("--no-winograd", False),
    "precision": ("--precision int8-weights", "int8-weights"),
    "calibration": ("--calibration images.npz", "images.npz"),
    "calibration_method": ("--calibration-method kl", "kl"),
    "calibration_samples": ("--calibration-samples 500", 500),
    "labels": ("--labels labels.npy", "labels.npy"),
    "labels_output": ("--labels-output scores", "scores"),
    "max_accuracy_drop": ("--max-accuracy-drop 1.5%", 1.5),
    "min_signal_to_noise": ("--min-signal-to-noise 40", 40.0),
    "precision_report": ("--precision-report curve.svg", "curve.svg"),
    "checks": ("--no-checks", False),
    "rows_independent": ("--rows-independent", True),
    "dump_hlo": ("--dump-hlo build/hlo", "build/hlo"),
}


def read_flags(text: str) -> CompileOptions:
    parser = argparse.ArgumentParser()
    add_flags(parser, CompileOptions)
    found = parser.parse_args(text.split())
    return CompileOptions(**given_flags(CompileOptions, found))


@pytest.mark.parametrize("name", [each.name for each in options_of(CompileOptions)])
def test_each_option_has_a_flag_that_sets_it_and_nothing_else(name):
    text, expected = FLAGS[name]
    assert read_flags(text).given() == {name: expected}


def test_constants_may_be_arrays_and_pythons_words():
    given = {"x": np.float32([[1, 2.5]]), "y": np.int64(3)}
    assert CompileOptions(constants=given).constants == {"x": ((1.0, 2.5),), "y": 3}
    assert read_flags("--constant a=True").constants == {"a": True}


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ("--constant training", "expected NAME=VALUE, as in --constant training=false"),
        ("--constant a=1 --constant a=2", "'a' comes twice"),
    ],
)
def test_malformed_constants_are_refused(flags, problem):
    with pytest.raises(InvalidArgumentError, match=problem):
        read_flags(flags)


def test_no_flag_is_the_default():
    assert read_flags("") == CompileOptions()


def test_flags_of_the_right_form_with_a_wrong_value_are_refused(capsys):
    with pytest.raises(SystemExit):
        read_flags("--rtol -1")
    said = capsys.readouterr().err
    assert "--rtol: expected a finite number from 0 on, got '-1'" in said
    with pytest.raises(SystemExit):
        read_flags("--batch-sizes 0")
    assert "--batch-sizes: expected whole numbers from 1" in capsys.readouterr().err
