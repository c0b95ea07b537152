# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""No command loses an output, writes into its model, or ends in a Python error."""

from __future__ import annotations

import argparse
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.python.cli.test_numbers import parsers
from tfnative import cli
from tfnative._base.output_places import check_places
from tfnative._cli.places import MODELS, OUTPUTS, WHOLE_MODELS

# Every other option whose value is a text, so that a new one has to be put somewhere.
READ_ONLY = {
    "artifact",
    "batching_parameters_file",
    "ca",
    "calibration",
    "certificate",
    "golden",
    "input",
    "key",
    "labels",
    "model",
    "model_config_file",
    "model_dir",
    "model_root",
    "representative_data",
    "ssl_config_file",
    "tls_certificate",
    "tls_client_ca",
    "tls_key",
    "token_file",
    "trusted_keys",
}
NO_PATHS = {
    *("address", "allowed_batch_sizes", "batch_size", "batch_sizes", "batch_threads"),
    *("calibration_samples", "concurrency", "constants", "cpu", "cpu_level", "cpus"),
    *("columns", "device", "drain_seconds", "host", "inputs", "keep", "label"),
    *("labels_output", "rows_per_part"),
    *("latency_target_ms", "max_accuracy_drop", "max_batch_sizes", "max_error"),
    *("max_inflight_bytes", "max_request_bytes", "min_signal_to_noise", "name"),
    *("older_than", "outputs", "poll_seconds", "port", "rate", "read_timeout_seconds"),
    *("require", "rest_port", "rtol", "samples", "seconds", "shapes", "signature"),
    *("signatures", "summary", "tags", "target", "threads", "timeout", "timeouts"),
    *("transforms", "version"),
}
# A folder, in which it makes a file of a name of its own.
MAKES_ITS_OWN_NAME = {("wheel", "output")}

# A command for each that writes, up to its outputs; {} is its model.
COMMANDS = {
    "bench": "bench {} --profile",
    "compile": "compile {}",
    "inspect": "inspect {}",
    "optimize": "optimize {}",
    "run": "run {} --input x.npy",
    "score": "score --model {} --input x.csv",
    "serving predict": "serving predict localhost:1 m --input x.npy",
    "sign": "sign {}",
    "tune": "tune {}",
}


def options_with_values() -> Iterator[tuple[str, argparse.Action]]:
    for command, parser in parsers(cli.make_parser()):
        for action in parser._actions:
            is_command = isinstance(action, argparse._SubParsersAction)
            if not is_command and action.nargs != 0 and not action.choices:
                yield command, action


def test_every_option_is_known_as_what_it_is():
    for command, action in options_with_values():
        kinds = (
            action.dest in OUTPUTS.get(command, ()),
            action.dest in READ_ONLY,
            action.dest in NO_PATHS,
            (command, action.dest) in MAKES_ITS_OWN_NAME,
        )
        assert sum(kinds) == 1, (command, action.dest)
        if action.dest in ("model", "artifact") and command in OUTPUTS:
            is_named = command == "serving predict" or command in MODELS
            assert is_named, command


def written(command: str, name: str, path: object) -> list[str]:
    is_by_name = command in ("run", "serving predict")
    value = f"{path}={path}" if is_by_name else str(path)
    return [f"--{name.replace('_', '-')}", value]


def names_of(command: str) -> list[str]:
    names = OUTPUTS[command]
    return [names[0], names[0]] if command in ("run", "serving predict") else [*names]


PAIRS = [
    (command, first, second)
    for command in OUTPUTS
    for names in [names_of(command)]
    for place, first in enumerate(names)
    for second in names[place + 1 :]
]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder that would be a model, of which nothing may change."""
    folder = tmp_path / "model"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_text("mine")
    (tmp_path / "link").symlink_to(folder)
    return folder


def everything(folder: Path) -> dict[str, str]:
    found = sorted(folder.rglob("*"))
    return {str(p): p.read_text() if p.is_file() else "" for p in found}


def fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    try:
        code = cli.main(arguments)
    except SystemExit as error:  # Of argparse, which prints its usage before.
        code = int(error.code or 0)
    said = capsys.readouterr()
    assert code != 0, (arguments, said.out)
    assert "Traceback" not in said.err
    return code, said.err


@pytest.mark.parametrize(("command", "first", "second"), PAIRS)
def test_two_outputs_never_have_one_place(
    command: str,
    first: str,
    second: str,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    before = everything(tmp_path)
    (tmp_path / "there").mkdir()
    (tmp_path / "here").symlink_to(tmp_path / "there")
    start = COMMANDS[command].format(model).split()
    end = ".html"  # As some of them have to end.
    same, within = (f"there/x{end}", f"here/x{end}"), (f"x{end}", f"x{end}/y{end}")
    for one, other in (same, within):
        flags = written(command, first, tmp_path / one)
        flags += written(command, second, tmp_path / other)
        if "--output" not in flags and command in ("compile", "optimize"):
            flags += ["--output", str(tmp_path / "out")]
        code, said = fails([*start, *flags], capsys)
        assert code == 2, said
        assert "where one would be lost" in said or "would be a part of" in said
    (tmp_path / "here").unlink()
    (tmp_path / "there").rmdir()
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    ("command", "name"),
    [(command, name) for command in MODELS for name in OUTPUTS[command]],
)
def test_no_output_is_a_part_of_the_model(
    command: str,
    name: str,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    before = everything(tmp_path)
    start = COMMANDS[command].format(model).split()
    inside = ("model/x.html", "link/variables/x.html", "model/saved_model.pb", "model")
    for place in inside:
        flags = written(command, name, tmp_path / place)
        if name != "output" and command in ("compile", "optimize"):
            flags += ["--output", str(tmp_path / "out")]
        code, said = fails([*start, *flags], capsys)
        assert code == 2, said
        # Some are refused before, by the ending of their names.
        assert "would be a part of the model" in said or "ends in .html" in said
    assert everything(tmp_path) == before


def test_times_and_public_keys_are_outputs_too(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    flags = ["--model-explorer", f"{tmp_path}/x.json", "--graph"]
    inspect = ["inspect", str(model), "--profile", *flags]
    assert "times" in fails([*inspect, f"{tmp_path}/x.times.json"], capsys)[1]
    key = fails(["sign", f"{model}/key.pub", "--new-key", f"{model}/key"], capsys)
    assert key[0] == 2
    assert not (model / "key").exists()


def test_what_stands_beside_a_library_belongs_to_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "net").mkdir()
    library = tmp_path / "net" / "libnet.so"
    library.write_text("code")
    (tmp_path / "libother.so").symlink_to(library)
    for name in ("libother.so", "net/libnet.so"):
        flags = ["--model-explorer", f"{tmp_path}/net/manifest.json"]
        assert fails(["inspect", f"{tmp_path}/{name}", *flags], capsys)[0] == 2


def test_devices_take_several_outputs():
    outputs = [("one", os.devnull), ("other", os.devnull), ("third", "/dev/stdout")]
    check_places(outputs, [])


LONG = "a" * 300
READING = {
    "bench": "bench {}",
    "compile": "compile {} -o out",
    "inspect": "inspect {}",
    "optimize": "optimize {} -o out",
    "run": "run {} --input x.npy",
    "score": "score --model {} --input x.csv --output out",
    "selftest": "selftest {}",
    "serve": "serve {} --port 0 --rest-port 0",
    "sign": "sign {} --key deploy.key",
    "size": "size {}",
    "tune": "tune {}",
    "verify": "verify {} --trusted-keys keys",
    "wheel": "wheel {}",
}
ODD = {
    "too long": LONG,
    "a part too long": f"{LONG}/model",
    "in a file": "file/model",
    "in a loop": "loop/model",
    "a loop": "loop",
    "long for ever": "/".join(["part"] * 1000),
    "no text": "\udcff",
}


def test_every_command_that_reads_a_path_is_tried():
    readers = {
        command
        for command, action in options_with_values()
        if action.dest in ("model", "artifact", "model_dir")
    }
    assert {name for name in readers if not name.startswith("serving")} == set(READING)


@pytest.mark.parametrize("command", READING)
def test_odd_paths_are_one_line(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    for path in ODD.values():
        if path == "file/model" and command in ("compile", "optimize"):
            continue  # As of any model that is not there, TensorFlow speaks of it.
        arguments = [path if w == "{}" else w for w in READING[command].split()]
        _, said = fails(arguments, capsys)
        lines = [line for line in said.splitlines() if not line.startswith("[")]
        assert len(lines) == 1, said
        assert lines[0].startswith(f"tfnative {command}: error: ")
        assert "cannot compile" not in said or command == "compile"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("command", "name"), [(c, name) for c, names in OUTPUTS.items() for name in names]
)
def test_outputs_that_lead_nowhere_are_one_line(
    command: str,
    name: str,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    (tmp_path / "loop.html").symlink_to("loop.html")
    for place in (f"{LONG}.html", "loop.html"):
        flags = written(command, name, tmp_path / place)
        if name != "output" and command in ("compile", "optimize"):
            flags += ["--output", str(tmp_path / "out")]
        start = COMMANDS[command].format(model).split()
        code, said = fails([*start, *flags], capsys)
        assert code == 2
        name_said, _, _ = command.partition(" ")
        assert said.startswith(f"tfnative {name_said}: error: cannot write ")
        assert len(said.splitlines()) == 1


IRREGULAR = ("/dev/zero", "/dev/full", "pipe", "socket", "/dev/stdin")


@pytest.fixture
def irregular(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A folder with a pipe that nobody writes, a socket, and a model."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("link").unlink()
    Path("link").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket")
        yield model


@pytest.mark.parametrize(
    ("command", "name"),
    [(c, name) for c, names in WHOLE_MODELS.items() for name in names],
)
@pytest.mark.parametrize("place", [*IRREGULAR, "link", "/dev/stdout"])
def test_no_model_is_written_to_what_is_no_file(
    command: str,
    name: str,
    place: str,
    irregular: Path,
    capsys: pytest.CaptureFixture[str],
):
    flags = written(command, name, place)
    if name != "output":
        flags += ["--output", "out"]
    code, said = fails([command, "model", *flags], capsys)
    assert code == 2
    assert f"cannot write --{name.replace('_', '-')} {place}: it is a device" in said
    assert not Path("out").exists()


# Read with a limit, so that a pipe, as of a program that has the key, may be one.
PIPED = {"key", "trusted_keys"}
# Only read by servers that run, or by compilers: their own tests have them.
READ_LATER = {
    *("ca", "calibration", "certificate", "golden", "labels", "model_dir"),
    *("model_root", "representative_data", "ssl_config_file", "tls_certificate"),
    *("tls_client_ca", "tls_key", "token_file"),
}
READS = {
    "artifact": ("wheel {}", "size {}", "selftest {}"),
    "model": ("inspect {}", "bench {}"),
    "input": ("run fake --signature affine --input {}",),
    "batching_parameters_file": ("serve fake --batching-parameters-file {}",),
    "model_config_file": ("serve --model-config-file {}",),
}


def test_every_option_that_reads_is_tried_with_devices():
    assert {*PIPED, *READ_LATER, *READS} == READ_ONLY


@pytest.mark.parametrize(
    "command", [command for commands in READS.values() for command in commands]
)
def test_devices_and_pipes_are_not_read(
    command: str, irregular: Path, fake: Path, capsys: pytest.CaptureFixture[str]
):
    for place in IRREGULAR:
        words = [place if w == "{}" else w for w in command.split()]
        arguments = [str(fake) if w == "fake" else w for w in words]
        _, said = fails(arguments, capsys)
        assert place in said
