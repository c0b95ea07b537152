# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is made of latencies: ratios, the table, the picture."""

from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console

from benchmarks import chart, table
from benchmarks.limits import Limits, Reading
from benchmarks.results import Latency, Result, as_json
from benchmarks.work import Work

LIMITS = Limits(gflops=100.0, readings=(Reading("memory", None, 10.0),))
OURS = Latency("tfnative", 10.0, 12.0)
SLOW, FAST = Latency("ort", 30.0, 40.0), Latency("litert", 15.0, 1234.5)
REFUSED = Latency("openvino", None, None, "cannot convert [this]")
WORK = Work(flops=100, bytes=200)
PLAIN = Result("mlp", 1, OURS, (SLOW, FAST, REFUSED), WORK, 2.5)
ALONE = Result("gru", 32, OURS, (), WORK, 2.5)
FAILED = Result("cnn", 1, Latency("tfnative", None, None, "no"), (SLOW,), WORK, 2.5)


def test_the_fastest_peer_is_the_one_to_beat():
    assert PLAIN.fastest_peer is FAST
    assert PLAIN.ratio == 1.5
    assert PLAIN.target == 1.3
    assert PLAIN.fraction_of_limit == 0.25


def test_nothing_is_made_up_where_nothing_was_measured():
    assert (ALONE.fastest_peer, ALONE.ratio, ALONE.target) == (None, None, None)
    assert (FAILED.ratio, FAILED.fraction_of_limit) == (None, None)
    assert PLAIN.ratio_to(REFUSED) is None


def test_json_has_what_is_documented():
    content = json.loads(json.dumps(as_json([PLAIN], LIMITS, {"cpu": "x"}, {})))
    (result,) = content["results"]
    assert result["fastest_peer"] == "litert"
    assert result["peers"][2]["median_micros"] is None
    page = (Path(__file__).parents[2] / "docs/performance.md").read_text()
    for name in (*content, *content["limits"], *result, *result["ours"]):
        assert f"`{name}`" in page, name


def shown(*results: Result) -> str:
    text = io.StringIO()
    table.show(results, LIMITS, Console(file=text, width=40))
    return text.getvalue()


def test_the_table_is_whole_in_a_narrow_window():
    (row,) = [line for line in shown(PLAIN).splitlines() if " mlp " in line]
    cells = "mlp 1 10.0 30.0 15.0 -¹ 12.0 1,234 1.50 1.3 met 25%"
    assert row.split() == cells.split()


def test_a_dash_has_its_reason_below_the_table():
    assert "¹ openvino, mlp: cannot convert [this]\n" in shown(PLAIN)
    assert "¹ tfnative, cnn: no\n" in shown(FAILED)


def test_the_picture_is_drawn_of_whatever_there_is(tmp_path: Path):
    for number, results in enumerate([(PLAIN, FAILED, ALONE), (ALONE,)]):
        output = tmp_path / f"{number}.png"
        chart.draw(results, output, "a machine")
        assert output.read_bytes().startswith(b"\x89PNG")
