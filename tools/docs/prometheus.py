# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A Prometheus of our own, which looks at servers of this machine."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

Series = list[tuple[dict[str, str], list[tuple[float, float]]]]
"""Labels, and pairs of seconds and values."""
_START_SECONDS = 30


class Prometheus:
    """A process, until the end of a ``with`` block. Needs the program ``prometheus``.

    Args:
        folder: For what it keeps.
        ports: Of servers' REST APIs.
        seconds: Between two looks.
    """

    def __init__(self, folder: Path, ports: list[int], seconds: int = 1) -> None:
        self._url = f"http://localhost:{_free_port()}"
        targets = [f"localhost:{port}" for port in ports]
        job = {
            "job_name": "tfnative",
            "metrics_path": "/metrics",
            "static_configs": [{"targets": targets}],
        }
        times = {"scrape_interval": f"{seconds}s", "scrape_timeout": f"{seconds}s"}
        config = folder / "prometheus.yml"  # JSON is YAML, too.
        config.write_text(json.dumps({"global": times, "scrape_configs": [job]}))
        self._process = subprocess.Popen(
            [
                *("prometheus", f"--config.file={config}"),
                f"--storage.tsdb.path={folder / 'series'}",
                f"--web.listen-address={self._url.removeprefix('http://')}",
                "--log.level=error",
            ]
        )

    def __enter__(self) -> Prometheus:
        until = time.monotonic() + _START_SECONDS
        while True:
            try:
                with urllib.request.urlopen(f"{self._url}/-/ready", timeout=1):
                    return self
            except OSError:
                if time.monotonic() > until or self._process.poll() is not None:
                    self.__exit__(None, None, None)
                    raise
                time.sleep(0.05)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()

    def now(self, query: str) -> Series:
        """What a query gives at the moment."""
        found = self._ask("query", {"query": query})
        return [(one["metric"], [_pair(one["value"])]) for one in found]

    def wait_for(self, query: str) -> None:
        """Waits until a query gives something; it looks at nobody in its first 5 s."""
        until = time.monotonic() + _START_SECONDS
        while not self.now(query):
            if time.monotonic() > until:
                raise TimeoutError(f"{query} gave nothing in {_START_SECONDS} s")
            time.sleep(0.1)

    def between(self, query: str, start: float, end: float, step: float) -> Series:
        """What a query gives from one time to another, in seconds since 1970."""
        times = {"start": start, "end": end, "step": step}
        found = self._ask("query_range", {"query": query, **times})
        return [(one["metric"], [_pair(v) for v in one["values"]]) for one in found]

    def _ask(self, what: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        url = f"{self._url}/api/v1/{what}?{urllib.parse.urlencode(arguments)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
                return found
        except urllib.error.HTTPError as error:
            said = json.load(error)["error"]
            raise ValueError(f"{arguments['query']}: {said}") from None


def _pair(value: list[Any]) -> tuple[float, float]:
    return float(value[0]), float(value[1])


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("localhost", 0))
        port: int = one.getsockname()[1]
        return port
