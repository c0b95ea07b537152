# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is made of turns: fractions, verdicts, tables, JSON, the picture."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.batching import __main__ as command, chart, native, table
from benchmarks.batching.overhead import Overhead
from benchmarks.batching.plan import Plan
from benchmarks.batching.queueing import Queueing
from benchmarks.batching.rounds import Round
from benchmarks.batching.servers import Batching
from benchmarks.batching.throughput import Throughput
from benchmarks.batching.turns import Player, Turns, close, take_turns
from benchmarks.process import WorkerProcess

BATCHING = Batching(32, 1000, 2)


def turns(name: str, *rows_per_second: int, queued: float = 0.0) -> Turns:
    return Turns(
        name, tuple(Round(n, 1.0, 0.5, 10.0, 20.0, queued) for n in rows_per_second)
    )


ONE, ALL = turns("model, 1 thread", 100, 10), turns("model, 2 threads", 200, 20)
OURS = (turns("tfnative", 190, 19), turns("tfnative-c++", 100, 10))
REFUSED = Turns("openvino", problem="cannot convert [this]")
THROUGHPUT = Throughput(
    "cnn", BATCHING, 64, ONE, ALL, OURS, (turns("tensorflow", 38, 4), REFUSED)
)
QUEUEING = Queueing("cnn", BATCHING, 70.0, 2000.0, turns("c++", 70, queued=4999.0))
FAST = Overhead("C++", BATCHING, turns("nothing", 1_000_000), None, 2.0)
SLOW = Overhead("Python", BATCHING, turns("b", 20_000), turns("m", 100_000), 12.0)
PLAIN = Overhead("coroutines", BATCHING, turns("b", 20_000), None, None)
EVERYTHING = [THROUGHPUT, QUEUEING, FAST, SLOW, PLAIN]
PLAN = Plan(("cnn",), (), 64, (1, 2), 1000, 5, 1.0, Path())


def test_fractions_are_of_what_the_model_does_by_itself():
    assert THROUGHPUT.fraction(OURS[0]) == pytest.approx(0.95)
    assert THROUGHPUT.fraction(REFUSED) is None
    first, second = THROUGHPUT.verdicts
    assert (first.met, second.met) == (True, False)


def test_with_one_batch_thread_the_model_is_shown_once():
    one = Throughput("cnn", Batching(32, 1000, 1), 64, ONE, ONE, OURS, ())
    assert one.everyone == (ONE, *OURS)
    assert THROUGHPUT.everyone[:2] == (ONE, ALL)


def test_rows_may_wait_for_the_timeout_and_two_batches():
    (verdict,) = QUEUEING.verdicts
    assert (verdict.value, verdict.target, verdict.met) == (4999, 5000, True)


def test_what_the_model_takes_anyway_is_not_overhead():
    assert FAST.micros == pytest.approx(1)
    assert SLOW.micros == pytest.approx(40)
    assert [v.met for one in (FAST, SLOW, PLAIN) for v in one.verdicts] == [True, False]


def test_a_target_without_a_measurement_is_missed():
    nobody = Overhead("C++", BATCHING, REFUSED, None, 2.0)
    assert nobody.micros is None
    assert [verdict.met for verdict in nobody.verdicts] == [False]


def shown() -> str:
    text = io.StringIO()
    table.show(EVERYTHING, Console(file=text, width=40))
    return text.getvalue()


def test_tables_are_whole_in_a_narrow_window():
    rows = [line.split() for line in shown().splitlines()]
    cells = "tensorflow 21 0.01 0.02 69,079 39% 20% 0.21"
    assert [row for row in rows if row[:1] == ["tensorflow"]] == [cells.split()]
    cells = "cnn, 2 batch threads: p99 of queueing at 70% load"
    cells += " 4,999 µs ≤ 5,000 µs met"
    assert cells.split() in rows


def test_a_dash_has_its_reason_below_the_table():
    assert "openvino: cannot convert [this]\n" in shown()


def test_a_line_says_how_it_went():
    assert table.line(FAST).endswith(": 1 µs, met (≤ 2 µs)")
    assert table.line(PLAIN) == "coroutines, 2 batch threads: 50 µs"
    assert table.line(THROUGHPUT).count("\n") == 1


def test_json_has_what_is_documented():
    content = json.loads(json.dumps(command.as_json(EVERYTHING, {"cpu": "x"}, PLAN)))
    page = (Path(__file__).parents[2] / "docs/performance.md").read_text()
    section = page[page.index("## Batching") :]
    names = {*content, *content["settings"], *content["targets"][0]}
    for kind in ("throughput", "queueing", "overhead"):
        names.update(content[kind][0])
    names.update(content["throughput"][0]["contestants"][0])
    names.update(content["queueing"][0]["rounds"][0])
    missing = [name for name in sorted(names) if f"`{name}`" not in section]
    assert missing == []
    assert [target["met"] for target in content["targets"]].count(False) == 2


def test_the_picture_is_drawn_of_whatever_there_is(tmp_path: Path):
    for number, results in enumerate([[THROUGHPUT], [THROUGHPUT] * 3]):
        output = tmp_path / f"{number}.png"
        chart.draw(results, output, "a machine")
        assert output.read_bytes().startswith(b"\x89PNG")


WORKER = """
import json, sys
print("noise"); print("result: {}", flush=True)
fields = "rows seconds cpu_seconds p50_micros p99_micros".split()
for line in sys.stdin:
    if "fall" in line: sys.exit("it fell")
    print("result:", json.dumps(dict.fromkeys(fields, int(line))), flush=True)
"""


def test_contestants_take_turns_and_one_that_falls_is_left_out():
    processes = [WorkerProcess(name, [sys.executable, "-c", WORKER]) for name in "ab"]
    players = [Player("a", processes[0], "1"), Player("b", processes[1], "fall")]
    first, second, third = take_turns([*players, Player("c", "absent", "1")], 2)
    close([*processes, "absent"])
    assert [one.rows for one in first.rounds] == [1, 1]
    assert second == Turns("b", problem="it fell")
    assert third == Turns("c", problem="absent")


@pytest.mark.parametrize(
    "option", ["--models=nothing", "--peers=nobody", "--parts=none", "--rounds=0"]
)
def test_what_is_not_known_is_refused(option: str):
    with pytest.raises(SystemExit) as error_info:
        command.main([option])
    assert error_info.value.code == 2


@pytest.mark.slow
@pytest.mark.usefixtures("in_this_process")
def test_it_runs_without_peers_and_without_cmake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def refuse() -> Path:
        raise RuntimeError("cannot run cmake")

    monkeypatch.setattr(native, "build", refuse)
    options = "--models cnn --rounds 1 --seconds 0.01 --callers 3 --batch-threads 1"
    options += f" --json {tmp_path}/a.json --chart {tmp_path}/a.png --folder {tmp_path}"
    assert command.main([*options.split(), "--peers", ""]) == 0
    content = json.loads((tmp_path / "a.json").read_text())
    (throughput,) = content["throughput"]
    problems = {one["contestant"]: one["problem"] for one in throughput["contestants"]}
    assert problems == {
        "model, 1 thread": "",
        "tfnative": "",
        "tfnative-asyncio": "",
        "tfnative-c++": "cannot run cmake",
    }
    assert len(content["overhead"]) == 6
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "Targets" in capsys.readouterr().out
