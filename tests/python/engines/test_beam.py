# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models in Beam's RunInference, by its direct runner."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("apache_beam", reason="needs Beam: make test-engines")

import apache_beam as beam
from apache_beam.ml.inference.base import KeyedModelHandler, RunInference
from apache_beam.testing import test_pipeline
from apache_beam.testing.util import assert_that

from tests.python.score.files import numbers
from tfnative.engines.beam import NativeModelHandler
from tfnative.errors import InvalidArgumentError

pytestmark = pytest.mark.filterwarnings("ignore")


def test_keyed_rows_are_predicted(fake: Path):
    x = numbers(50)
    handler = NativeModelHandler(fake, signature="affine", max_batch_size=16)

    def check(found: list) -> None:
        assert sorted(key for key, _ in found) == list(range(50))
        for key, result in found:
            np.testing.assert_array_equal(result.inference, 2 * x[key] + 1)
            np.testing.assert_array_equal(result.example["x"], x[key])
            assert result.model_id == "fake"

    pipeline = test_pipeline.TestPipeline()
    rows = pipeline | beam.Create([(i, {"x": row}) for i, row in enumerate(x)])
    assert_that(rows | RunInference(KeyedModelHandler(handler)), check)
    outcome = pipeline.run()
    outcome.wait_until_finish()
    counted = {
        each.key.metric.name: each.committed
        for each in outcome.metrics().query()["counters"]
        if each.key.metric.namespace == handler.get_metrics_namespace()
    }
    assert counted["num_inferences"] == 50


def test_a_row_is_the_array_of_the_one_input(fake: Path):
    x = numbers(5)
    handler = pickle.loads(pickle.dumps(NativeModelHandler(fake, signature="affine")))
    model = handler.load_model()
    found = list(handler.run_inference(list(x), model))
    np.testing.assert_array_equal([each.inference for each in found], 2 * x + 1)
    assert handler.get_num_bytes(list(x)) == x.nbytes
    assert list(handler.run_inference([], model)) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"z": [1, 2, 3]}, "a row has 'z', expected 'x'"),
        ({}, "a row has nothing, expected 'x'"),
        ({"x": [1, 2]}, r"row 1 .*input 'x' has the shape \(2,\), expected \(3,\)"),
        ({"x": "abc"}, r"row 1 .*input 'x' has the shape \(\), expected \(3,\)"),
        ({"x": ["a", "b", "c"]}, "'x'"),
        ({"x": [1, None, 3]}, "'x'"),
    ],
    ids=["name", "nothing", "length", "text", "texts", "null"],
)
def test_rows_that_do_not_fit_are_said(fake: Path, row: dict, said: str):
    handler = NativeModelHandler(fake, signature="affine")
    with handler.load_model() as model:
        with pytest.raises(InvalidArgumentError, match=said):
            handler.run_inference([{"x": np.zeros(3, np.float32)}, row], model)
        with pytest.raises(InvalidArgumentError, match="no inference_args"):
            handler.run_inference([np.zeros(3, np.float32)], model, {"a": 1})
