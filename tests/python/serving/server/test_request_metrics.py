# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Prometheus can read what is counted, and it adds up."""

from __future__ import annotations

import asyncio

import pytest

import tfnative
from tfnative.serving.server.request_metrics import (
    BOUNDS,
    COUNT,
    LATENCY,
    RequestMetrics,
)

parser = pytest.importorskip("prometheus_client.parser", reason="needs it")


def families(metrics: RequestMetrics):
    found = parser.text_string_to_metric_families(metrics.to_prometheus())
    return {family.name: family for family in found}


def test_without_requests_there_is_nothing():
    assert RequestMetrics().to_prometheus() == ""


def test_prometheus_reads_what_is_written():
    metrics = RequestMetrics()
    name = 'a "model"\\with\nall'
    with metrics.timed(name, "Predict", "REST"):
        pass
    for error in (
        tfnative.UnavailableError("no"),
        asyncio.CancelledError(),
        KeyError(),
    ):
        with pytest.raises(type(error)), metrics.timed(name, "Predict", "REST"):
            raise error
    found = families(metrics)
    counts = {s.labels["status"]: s.value for s in found[COUNT].samples}
    assert counts == {"OK": 1, "UNAVAILABLE": 1, "CANCELLED": 1, "INTERNAL": 1}
    assert {s.labels["model_name"] for s in found[COUNT].samples} == {name}
    buckets = [s for s in found[LATENCY].samples if s.name.endswith("_bucket")]
    assert len(buckets) == len(BOUNDS) + 1
    values = [s.value for s in buckets]
    assert values == sorted(values)
    assert values[-1] == 1, "only of those that were answered"


def test_errors_are_counted_under_the_names_that_grpc_has_for_their_codes():
    grpc = pytest.importorskip("grpc", reason="needs grpcio")
    names = {code.value[0]: code.name for code in grpc.StatusCode}
    for code, name in names.items():
        error = tfnative.errors.type_for(code)("no")
        if code == 0 or tfnative.errors.code_of(error) != code:
            continue  # tfnative has no error of its own for it.
        metrics = RequestMetrics()
        with pytest.raises(type(error)), metrics.timed("a", "Predict", "GRPC"):
            raise error
        (sample,) = families(metrics)[COUNT].samples
        assert sample.labels["status"] == name


def test_bounds_are_those_of_tensorflow_serving():
    assert BOUNDS[:3] == pytest.approx((10, 18, 32.4))
    assert len(BOUNDS) == 33
