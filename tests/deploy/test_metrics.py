# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is scaled, watched and drawn by are metrics that servers have."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

for package in ("grpc", "grpc_health", "httpx", "starlette", "uvicorn"):
    pytest.importorskip(package, reason=f"needs {package}")

import tfnative  # noqa: E402
from tests.deploy.manifests import DEPLOY, built, of_kind  # noqa: E402
from tests.deploy.pod import Pod, config_files  # noqa: E402
from tools.docs.dashboard_picture import between, draw, expanded  # noqa: E402
from tools.docs.prometheus import Prometheus  # noqa: E402

ADAPTER = DEPLOY / "components" / "queue-time" / "adapter-values.yaml"
DASHBOARD = DEPLOY / "grafana" / "serving.json"
NAME = re.compile(r"(?<![\w:$]):?[a-z][\w]*(?::[\w]+)*(?=\{|\[)|(?<=__name__=\")[\w:]+")
"""A name of series before its labels or its time, or as a label itself."""
FROM_PROMETHEUS = {"namespace", "pod", "container", "endpoint", "instance", "job", "le"}
"""Labels that who scrapes adds."""
OF_PROMETHEUS = {"up"}


@pytest.fixture(scope="module")
def pod(models: Path, tmp_path_factory) -> Iterator[Pod]:
    """A server of the overlay with everything, which was asked, well and badly."""
    overlay, folder = "overlays/monitored", tmp_path_factory.mktemp("batching")
    config_files(overlay, "tfnative-batching", folder)
    pod = Pod(overlay, {"/models": models, "/etc/tfnative": folder})
    ask(pod)
    yield pod
    pod.server.kill()


def ask(pod: Pod) -> None:
    rows = np.ones((2, 3), np.float32)
    for address in (pod.server.grpc, pod.server.rest):
        with tfnative.serving.Client(address) as client:
            client.predict("digits", {"x": rows}, signature="affine")
            with contextlib.suppress(tfnative.InvalidArgumentError):
                client.predict("digits", {"z": rows}, signature="affine")


@pytest.fixture(scope="module")
def series(pod: Pod) -> dict[str, set[str]]:
    """Labels of each name that the server has samples of, or describes."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, labels in re.findall(r"(?m)^([\w:]+)\{(.*)\} ", pod.metrics()):
        found[name] |= set(re.findall(r'(\w+)="', labels))
    # Described, and without samples until a request fails in its batch.
    assert "# TYPE tfnative_batcher_errors counter" in pod.metrics()
    found["tfnative_batcher_errors"] |= {"model_name", "version", "signature", "code"}
    return found


def rules() -> list[dict[str, Any]]:
    (one,) = of_kind(built("overlays/monitored"), "PrometheusRule")
    return [rule for group in one["spec"]["groups"] for rule in group["rules"]]


def adapter_rules() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(ADAPTER.read_text())["rules"]["custom"]
    return found


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


def panel_queries() -> list[str]:
    return [t["expr"] for panel in dashboard()["panels"] for t in panel["targets"]]


def all_queries() -> list[str]:
    variables = [
        variable["query"].removeprefix("label_values(").replace(", ", "{} by (")
        for variable in dashboard()["templating"]["list"]
        if variable["type"] == "query"
    ]
    adapter = [
        r[key] for r in adapter_rules() for key in ("seriesQuery", "metricsQuery")
    ]
    return [r["expr"] for r in rules()] + adapter + panel_queries() + variables


def test_the_pattern_finds_names():
    query = (
        'sum by (a, le) (rate(:t:s:x_y{b="c"}[5m])) / up{d=~"e"} + f({__name__="g:h"})'
    )
    assert NAME.findall(query) == [":t:s:x_y", "up", "g:h"]


@pytest.mark.parametrize("query", all_queries())
def test_each_name_and_label_is_one_that_a_server_has(
    query: str, series: dict[str, set[str]]
):
    names = NAME.findall(query)
    assert names
    assert [n for n in names if n not in series.keys() | OF_PROMETHEUS] == []
    known = FROM_PROMETHEUS.union(*(series[n] for n in names if n not in OF_PROMETHEUS))
    grouped = [
        g for found in re.findall(r"by \(([^)]*)\)", query) for g in found.split(",")
    ]
    chosen = re.findall(r"[{,]\s*(\w+)(?:=~|!~|!=|=)\"", query)
    labels = {label.strip() for label in grouped + chosen} - {"__name__", ""}
    assert labels - known - {"<<.GroupBy>>"} == set()


def test_the_autoscaler_goes_by_a_metric_that_the_adapter_makes():
    (scaler,) = of_kind(built("overlays/monitored"), "HorizontalPodAutoscaler")
    named = [
        metric["pods"]["metric"]["name"]
        for metric in scaler["spec"]["metrics"]
        if metric["type"] == "Pods"
    ]
    assert named == [rule["name"]["as"] for rule in adapter_rules()]
    kinds = {metric["type"] for metric in scaler["spec"]["metrics"]}
    assert kinds == {"Resource", "Pods"}
    for rule in adapter_rules():
        assert set(rule["resources"]["overrides"]) == {"namespace", "pod"}


def test_panels_do_not_lie_on_each_other_and_say_what_they_show():
    taken: set[tuple[int, int]] = set()
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken
        taken |= cells
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool")
def test_promtool_takes_the_rules(tmp_path: Path):
    (one,) = of_kind(built("overlays/monitored"), "PrometheusRule")
    (tmp_path / "rules.json").write_text(json.dumps(one["spec"]))
    command = ["promtool", "check", "rules", str(tmp_path / "rules.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("prometheus") is None, reason="needs prometheus")
def test_a_real_prometheus_answers_all_queries(pod: Pod, tmp_path: Path):
    names = {"<<.GroupBy>>": "instance", "<<.LabelMatchers>>": 'job="tfnative"'}
    names["2m"] = "10s"
    queries = [*panel_queries(), *(rule["metricsQuery"] for rule in adapter_rules())]
    # Of requests that fail in their batch there are none here.
    queries = [query for query in queries if "tfnative_batcher_errors" not in query]
    with Prometheus(tmp_path, [pod.server.rest_port]) as prometheus:
        prometheus.wait_for("up == 1")
        start = time.time()
        for _ in range(4):
            ask(pod)
            time.sleep(0.8)
        for query in queries:
            full = expanded(query)
            for old, new in names.items():
                full = full.replace(old, new)
            found = prometheus.now(full)
            assert found, query
            assert all(value >= 0 for _, pairs in found for _, value in pairs), query
        for rule in rules():
            prometheus.now(rule["expr"])  # Is a query; raises if not.
        picture, ask_again = tmp_path / "d.png", between(prometheus, start, time.time())
        assert draw(dashboard(), ask_again, start, picture) >= len(panel_queries()) - 1
        assert picture.read_bytes().startswith(b"\x89PNG")
