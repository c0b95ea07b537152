# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The command, and the figures that docs/scale.md shows."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("simpy", reason="needs simpy: pip install simpy")

from benchmarks.scale.__main__ import main
from benchmarks.scale.chart import FIGURES, draw
from tests.project.pages import ROOT


def test_a_real_batcher_is_measured_and_simulated(tmp_path, capsys):
    file = tmp_path / "found.json"
    options = "check --rounds 1 --seconds 0.7 --repeats 5 --loads 0.5 --json"
    assert main([*options.split(), str(file)]) == 0
    found = json.loads(file.read_text())
    assert "measured" in capsys.readouterr().out
    (at,) = found["at"]
    # A batch sleeps for 4.5 ms at least, and no request takes less in any of them.
    for kind in ("measured", "simulated", "predicted"):
        assert 4500 <= at[kind]["p50"] <= at[kind]["p99"]
    # However busy the machine is: it has the batcher's own arrivals and times.
    assert at["simulated"]["p50"] == pytest.approx(at["measured"]["p50"], rel=0.5)


def test_machines_are_simulated_again_with_the_same_result(tmp_path):
    found = []
    for name in ("a", "b"):
        file = tmp_path / name
        options = "machines --machines 1,4 --requests 300 --loads 0.5,0.9 --json"
        assert main([*options.split(), str(file)]) == 0
        found.append(json.loads(file.read_text()))
    assert found[0] == found[1]
    assert len(found[0]["results"]) == 2 * 4 * 2


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("machines --loads 1.0", "between 0 and 1"),
        ("machines --machines 0", "from 1 on"),
        ("machines --balance fair", "expected random, round robin, two, least"),
        ("check --rows 0", "from 1 on"),
        ("", "required: command"),
    ],
)
def test_what_makes_no_sense_is_refused(capsys, options, expected):
    with pytest.raises(SystemExit) as ended:
        main(options.split())
    assert ended.value.code == 2
    assert expected in " ".join(capsys.readouterr().err.split())


def test_the_help_says_how_to_read_what_comes_out(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "do it first, with your model" in " ".join(capsys.readouterr().out.split())


def test_the_page_has_the_published_figures():
    figures = json.loads(FIGURES.read_text())
    page = (ROOT / "docs" / "scale.md").read_text()
    for each in figures["at"]:
        cells = [f"{each['load']:.0%}"]
        for name in ("p50", "p99"):
            for kind in ("measured", "simulated", "predicted"):
                cells.append(f"{each[kind][name] / 1000:.1f}")
        assert f"| {' | '.join(cells)} |" in page
    assert draw().startswith("<svg")
