# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What Prometheus scrapes from a server of several models, versions and signatures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest

from tests.python.serving.server.conftest import BATCHING
from tfnative import serving

parser = pytest.importorskip(
    "prometheus_client.parser", reason="needs prometheus-client"
)

X = np.ones((1, 3), np.float32)
CALLS = {
    ("affine", 1, "affine"): 3,
    ("affine", 2, "affine"): 5,
    ("affine", 2, "truths"): 4,
    ('the "other"', 2, "affine"): 7,
}


def test_each_model_version_and_signature_has_its_own_series(
    serve: Any, settings: Any, tmp_path: Any
):
    (tmp_path / "batching.txt").write_text(BATCHING)
    other = replace(settings["affine"], name='the "other"')  # Of the same folder.
    models = {"affine": settings["affine"], other.name: other}
    options = {
        "poll_seconds": None,
        "batching_parameters_file": str(tmp_path / "batching.txt"),
    }
    server = serve(models, options)
    with serving.Client(server.grpc) as client:
        for (model, version, signature), times in CALLS.items():
            for _ in range(times):
                x = X == 0 if signature == "truths" else X
                client.predict(model, {"x": x}, signature=signature, version=version)
    text = httpx.get(f"{server.rest}/monitoring/prometheus/metrics").text
    seen = [line.rpartition(" ")[0] for line in text.splitlines() if line[:1] != "#"]
    assert len(seen) == len(set(seen)) > 0
    samples = [
        sample
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("tfnative_batcher_request_count")
    ]
    counts = {
        (
            each.labels["model_name"],
            int(each.labels["version"]),
            each.labels["signature"],
        ): each.value
        for each in samples
    }
    assert counts == CALLS
