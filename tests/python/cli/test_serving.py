# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative serving` asks a server."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tfnative import cli

X = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def server(start_server):
    return start_server()


def said(capsys, *arguments: str) -> str:
    assert cli.main(["serving", *arguments]) == 0
    return capsys.readouterr().out


def test_status(server, capsys):
    text = said(capsys, "status", server.address, "scale")
    assert text.splitlines() == [
        "version  state      error",
        "      2  AVAILABLE",
        "      1  AVAILABLE",
    ]
    found = json.loads(said(capsys, "status", server.address, "scale", "--json"))
    assert found[0] == {"version": 2, "state": "AVAILABLE", "error": None}


def test_metadata(server, capsys):
    text = said(capsys, "metadata", server.address, "scale", "--label", "stable")
    assert text.splitlines() == [
        "scale, version 1",
        "signature             tensor  dtype    shape",
        "serving_default  in   x       float32  (rows, 3)",
        "serving_default  out  y       float32  (rows, 3)",
    ]
    found = json.loads(said(capsys, "metadata", server.address, "scale", "--json"))
    assert found["signatures"]["serving_default"]["inputs"] == [
        {"name": "x", "dtype": "float32", "shape": [-1, 3]}
    ]


def test_predict(server, capsys, tmp_path):
    np.save(tmp_path / "x.npy", X)
    text = said(
        capsys,
        "predict",
        server.address,
        "scale",
        "--version",
        "3",
        "--input",
        str(tmp_path / "x.npy"),
        "--output",
        f"y={tmp_path / 'y.npy'}",
    )
    assert text.splitlines() == ["output  dtype    shape", "y       float32  (2, 3)"]
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), 3 * X)


def test_wait(server, capsys):
    text = said(capsys, "wait", server.address, "scale")
    assert text == "scale, version 2, is ready\n"


def test_errors_are_a_line_and_an_exit_code(server, capsys):
    assert cli.main(["serving", "status", server.address, "other"]) == 1
    message = capsys.readouterr().err
    assert message.startswith("tfnative serving: error: localhost:")
    assert "Servable not found: other" in message


def test_a_version_and_a_label_are_too_much(capsys):
    arguments = ["serving", "status", "a:1", "m", "--version", "1", "--label", "x"]
    with pytest.raises(SystemExit) as raised:
        cli.main(arguments)
    assert raised.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["status", "metadata", "predict", "wait"])
def test_every_action_has_an_example(action, capsys):
    with pytest.raises(SystemExit):
        cli.main(["serving", action, "--help"])
    assert f"tfnative serving {action} " in capsys.readouterr().out
