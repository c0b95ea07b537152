# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models in Spark, on a cluster of two workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyspark", reason="needs pyspark and Java 17: make test-engines")
pytest.importorskip("pyarrow", reason="needs pyarrow")

from tests.python.score.files import numbers
from tfnative.errors import InvalidArgumentError

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def frame(spark: Any) -> Any:
    rows = [(i, x.tolist(), f"r{i}") for i, x in enumerate(numbers(100))]
    return spark.createDataFrame(
        rows, "id: long, x: array<float>, `a.b`: string"
    ).repartition(4)


def test_a_frame_gives_a_frame(frame: Any, fake: Path):
    from tfnative.engines.spark import predict

    scored = predict(frame, fake, keep=["id", "a.b"], signature="affine")
    assert scored.columns == ["id", "a.b", "y"]
    found = scored.orderBy("id").collect()
    assert [row["id"] for row in found] == list(range(100))
    assert found[7]["a.b"] == "r7"
    np.testing.assert_array_equal([row["y"] for row in found], 2 * numbers(100) + 1)


def test_columns_feed_inputs_by_name(spark: Any, fake: Path):
    from tfnative.engines.spark import predict

    x = numbers(10)
    rows = [[*map(float, each)] for each in x]
    wide = spark.createDataFrame(rows, "p_0: double, p_1: double, p_2: double")
    scored = predict(
        wide, fake, columns={"x": "p_*"}, outputs={"y": "score"}, signature="affine"
    )
    found = sorted(row["score"] for row in scored.collect())
    np.testing.assert_array_equal(found, 2 * x + 1)


def test_what_does_not_fit_is_said(frame: Any, spark: Any, fake: Path):
    from tfnative.engines.spark import predict

    with pytest.raises(InvalidArgumentError, match="there is no column 'z'"):
        predict(frame, fake, columns={"x": "z"}, signature="affine")
    with pytest.raises(InvalidArgumentError, match=r"column 'a\.b' has one value"):
        predict(frame, fake, columns={"x": "a.b"}, signature="affine")
    ragged = spark.createDataFrame([(5, [1.0, 2.0])], "id: long, x: array<float>")
    scored = predict(ragged, fake, keep=["id"], signature="affine")
    with pytest.raises(Exception, match=r"\(id=5\): column 'x' has a list of 2"):
        scored.collect()


def test_a_function_of_columns(frame: Any, fake: Path):
    from tfnative.engines.spark import batch_udf

    affine = batch_udf(fake, signature="affine", batch_size=16)
    found = frame.select("id", affine("x").alias("y")).orderBy("id").collect()
    np.testing.assert_array_equal([row["y"] for row in found], 2 * numbers(100) + 1)


def test_a_function_refuses_what_its_input_cannot_hold(spark: Any, fake: Path):
    from tfnative.engines.spark import batch_udf

    affine = batch_udf(fake, signature="affine")
    large = spark.createDataFrame([([1.0, 1e300, 2.0],)], "x: array<double>")
    with pytest.raises(Exception, match=r"'x' has 1e\+300, which float32 does not"):
        large.select(affine("x")).collect()


def test_a_process_loads_a_model_once(frame: Any, fake: Path):
    """More partitions than processes: as many models as processes."""
    from tfnative._shipping.spark import ship

    shipped = ship(frame.sparkSession.sparkContext, fake)

    def look(batches: Any) -> Any:
        import os

        import pyarrow

        from tfnative._backends.options import LoadOptions
        from tfnative._shipping.loaded import loaded

        for _ in batches:
            model = loaded(shipped.path(), LoadOptions())
            yield pyarrow.RecordBatch.from_pydict(
                {"process": [os.getpid()], "model": [id(model)]}
            )

    seen = (
        frame.select("x").repartition(12).mapInArrow(look, "process: long, model: long")
    )
    rows = [(row["process"], row["model"]) for row in seen.collect()]
    assert len(rows) >= 12
    assert len(set(rows)) == len({process for process, _ in rows}) <= 4
