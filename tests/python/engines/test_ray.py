# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models in Ray Data and Ray Serve."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ray", reason="needs Ray: make test-engines")
pytest.importorskip("pyarrow", reason="needs pyarrow")

import pyarrow as pa

from tests.python.score.files import numbers, table, write_parquet

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def rows(ray_cluster: Any, tmp_path: Path) -> Any:
    for file in range(3):
        write_parquet(tmp_path / f"{file}.parquet", 50, first=50 * file)
    import ray.data

    ray.data.DataContext.get_current().enable_progress_bars = False
    return ray.data.read_parquet(str(tmp_path))


def in_order(dataset: Any) -> dict[str, np.ndarray]:
    found = dataset.to_pandas().sort_values("id")
    return {"id": np.asarray(found["id"]), "y": np.stack(list(found["y"]))}


@pytest.mark.parametrize("kind", ["pyarrow", "pandas", "numpy"])
def test_actors_predict_batches(rows: Any, fake: Path, kind: str):
    from tfnative.engines.ray import Predictor, ship

    scored = rows.map_batches(
        Predictor,
        fn_constructor_kwargs={
            "model": ship(fake),
            "keep": ["id"],
            "signature": "affine",
        },
        batch_format=kind,
        batch_size=32,
        concurrency=2,
    )
    found = in_order(scored)
    np.testing.assert_array_equal(found["id"], np.arange(150))
    np.testing.assert_array_equal(found["y"], 2 * numbers(150) + 1)


def test_tensor_columns_are_rows(ray_cluster: Any, fake: Path):
    import ray.data

    from tfnative.engines.ray import Predictor

    arrays = ray.data.from_numpy(numbers(40))  # Ray's own type of tensors.
    scored = arrays.map_batches(
        Predictor,
        fn_constructor_kwargs={
            "model": str(fake),
            "signature": "affine",
            "columns": {"x": "data"},
        },
        batch_format="pyarrow",
        concurrency=1,
    )
    found = np.concatenate([np.stack(b["y"]) for b in scored.iter_batches()])
    np.testing.assert_array_equal(np.sort(found, axis=0), 2 * numbers(40) + 1)


def test_a_bad_row_says_where_it_is(ray_cluster: Any, fake: Path):
    import ray.data

    from tfnative.engines.ray import Predictor

    x = pa.array([[1.0, 2.0, 3.0], [1.0, None, 3.0]], pa.list_(pa.float32()))
    scored = ray.data.from_arrow(pa.table({"x": x})).map_batches(
        Predictor,
        fn_constructor_kwargs={"model": str(fake), "signature": "affine"},
        batch_format="pyarrow",
        concurrency=1,
    )
    with pytest.raises(Exception, match="row 1: column 'x' has a null in a list"):
        scored.materialize()


def test_columns_of_arrows_batches_are_not_copied(fake: Path):
    """In this process, where it can be seen what the model gets."""
    from tfnative.engines.ray import Predictor

    seen = []
    predictor = Predictor(fake, signature="affine")
    predict = predictor._model.predict

    class Watched:
        name = "watched"
        signature = predictor._model.signature

        def predict(self, inputs: Any, **options: Any) -> Any:
            seen.append(inputs["x"])
            return predict(inputs, **options)

    predictor._model = Watched()  # type: ignore[assignment]
    rows = table(10)
    predictor(rows)
    values = rows["x"].chunk(0).flatten().to_numpy()
    assert np.shares_memory(seen[0], values)


@pytest.fixture(scope="module")
def served(ray_cluster: Any, fake: Path) -> Iterator[Any]:
    from ray import serve

    from tfnative.engines.ray import ship
    from tfnative.engines.ray_serve import Served

    serve.start(http_options={"port": 8123})
    app = serve.deployment(Served).bind(
        ship(fake), signature="affine", batch_timeout_micros=5000
    )
    yield serve.run(app)
    serve.shutdown()


def test_requests_to_a_deployment_share_batches(served: Any):
    x = numbers(60)
    waiting = [served.predict.remote({"x": x[i : i + 3]}) for i in range(0, 60, 3)]
    found = np.concatenate([each.result()["y"] for each in waiting])
    np.testing.assert_array_equal(found, 2 * x + 1)


def test_a_deployment_answers_as_tensorflow_serving_does(served: Any):
    def ask(body: Any) -> tuple[int, Any]:
        request = urllib.request.Request(
            "http://127.0.0.1:8123/", json.dumps(body).encode()
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    assert ask({"instances": [[1, 2, 3]]}) == (200, {"predictions": [[3, 5, 7]]})
    assert ask({"inputs": [[1, 2, 3]]}) == (200, {"outputs": [[3, 5, 7]]})
    status, said = ask({"instances": [[1, 2]]})
    assert status == 400
    assert "expected" in said["error"]
    assert ask([1])[0] == 400
