# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The picture of docs/kubernetes.md: the dashboard, with numbers of a real server.

    python -m tools.docs.dashboard_picture build/digits docs/images/dashboard.png

serves a compiled model for two minutes and a half, asks it by gRPC and by REST, little
and then much, swaps its version meanwhile, and has Prometheus (the program has to be
installed) look at it each second. Each panel of deploy/grafana/serving.json is drawn by
its own queries and at its own place. It is drawn by matplotlib, not by Grafana.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import tfnative
from tools.docs.prometheus import Prometheus, Series

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "deploy" / "grafana" / "serving.json"
BATCHING = ROOT / "deploy" / "components" / "queue-time" / "batching.txt"
Query = Callable[[str], Series]
_PHASES = ((2, 50), (24, 50), (6, 50))
"""Threads that ask at once, and for how many seconds."""
_SWAP_SECONDS = 75
_REPLACED = {"$namespace": ".*", "$model": ".*", "$__rate_interval": "10s"}
_UNITS = {"reqps": "a second", "ops": "a second", "short": "number"}
"""Grafana's names of units, where they say nothing."""
_ROW_INCHES, _COLUMN_INCHES = 0.28, 0.55


def expanded(query: str) -> str:
    """A query of the dashboard, as Grafana would ask it for all models."""
    for old, new in _REPLACED.items():
        query = query.replace(old, new)
    return query


def draw(dashboard: dict[str, Any], ask: Query, start: float, path: Path) -> int:
    """Draws all panels, and returns how many curves they have.

    Args:
        dashboard: Grafana's.
        ask: Gives the series of a query over the time that is drawn.
        start: Of that time, in seconds since 1970.
        path: Of a PNG file.
    """
    from matplotlib.figure import Figure

    panels = dashboard["panels"]
    width = max(p["gridPos"]["x"] + p["gridPos"]["w"] for p in panels)
    height = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in panels)
    figure = Figure(figsize=(width * _COLUMN_INCHES, height * _ROW_INCHES), dpi=100)
    curves = 0
    for panel in panels:
        at = panel["gridPos"]
        place = (
            (at["x"] + 1.1) / width,
            1 - (at["y"] + at["h"] - 1.9) / height,
            (at["w"] - 1.5) / width,
            (at["h"] - 2.9) / height,
        )
        curves += _draw_panel(figure.add_axes(place), panel, ask, start)
    figure.savefig(path)
    return curves


def _draw_panel(axes: Any, panel: dict[str, Any], ask: Query, start: float) -> int:
    curves = 0
    for target in panel["targets"]:
        for labels, pairs in ask(expanded(target["expr"])):
            times, values = np.array(pairs).T
            name = re.sub(
                r"\{\{(\w+)\}\}",
                lambda found, labels=labels: labels.get(found[1], ""),
                target["legendFormat"],
            )
            axes.plot((times - start) / 60, values, label=name, linewidth=1)
            curves += 1
    unit = panel["fieldConfig"]["defaults"]["unit"]
    axes.set_title(
        f"{panel['title']} ({_UNITS.get(unit, unit)})", fontsize=8, loc="left"
    )
    axes.tick_params(labelsize=6)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3, linewidth=0.5)
    if curves:
        axes.legend(
            fontsize=6,
            ncols=4,
            frameon=False,
            loc="upper left",
            bbox_to_anchor=(-0.02, -0.09),
        )
    else:
        axes.text(0.5, 0.5, "none", ha="center", transform=axes.transAxes, fontsize=8)
        axes.set_xticks([])
        axes.set_yticks([])
    return curves


def between(prometheus: Prometheus, start: float, end: float) -> Query:
    """Asks for each second of a time; what is no number is left out."""

    def ask(query: str) -> Series:
        found = prometheus.between(query, start, end, 1)
        numbers = [
            (labels, [pair for pair in pairs if not math.isnan(pair[1])])
            for labels, pairs in found
        ]
        return [(labels, pairs) for labels, pairs in numbers if pairs]

    return ask


def _ask_all(addresses: list[str], versions: Path, model: Path) -> None:
    """The traffic that the picture shows."""
    is_over = threading.Event()
    swap = threading.Timer(_SWAP_SECONDS, (versions / "2").symlink_to, [model])
    swap.start()
    for count, seconds in _PHASES:
        is_over.clear()
        threads = [
            threading.Thread(target=_ask, args=(addresses[i % 4 == 3], i, is_over))
            for i in range(count)
        ]
        for thread in threads:
            thread.start()
        is_over.wait(seconds)
        is_over.set()
        for thread in threads:
            thread.join()
    swap.join()


def _ask(address: str, number: int, is_over: threading.Event) -> None:
    generator = np.random.default_rng(number)
    with tfnative.serving.Client(address) as client:
        while not is_over.is_set():
            rows = int(generator.integers(1, 5))
            images = generator.random((rows, 8, 8, 1), dtype=np.float32)
            if generator.random() < 0.01:
                images = images[:, :4]  # Is refused.
            with contextlib.suppress(tfnative.InvalidArgumentError):
                client.predict("digits", {"image": images})
            time.sleep(generator.exponential(0.01))


def main() -> int:
    """Serves, asks, and draws."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", type=Path, help="the artifact of the digits")
    parser.add_argument("picture", type=Path, help="the PNG file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        versions = Path(name) / "digits"
        versions.mkdir()
        (versions / "1").symlink_to(options.model.resolve())
        command = [
            *(sys.executable, "-m", "tfnative", "serve", str(versions), "--json"),
            *("--port=0", "--rest-port=0", f"--batching-parameters-file={BATCHING}"),
        ]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            ports = json.loads(server.stdout.readline())
            with Prometheus(Path(name), [ports["rest_port"]]) as prometheus:
                prometheus.wait_for("up == 1")
                start = time.time()
                rest = f"http://localhost:{ports['rest_port']}"
                addresses = [f"localhost:{ports['port']}", rest]
                _ask_all(addresses, versions, options.model.resolve())
                ask = between(prometheus, start, time.time())
                dashboard = json.loads(DASHBOARD.read_text())
                print(draw(dashboard, ask, start, options.picture), "curves")
        finally:
            server.terminate()
            server.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
