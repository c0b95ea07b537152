# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What becomes of a check from the graph on: in code, in batches, in C and in C++."""

from __future__ import annotations

import asyncio
import ctypes
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.aot.checked_model import NODE, Ids, checked_artifact, compile_checked, ids
from tests.turns import Once


@pytest.fixture(scope="module")
def artifact(once: Once) -> Path:
    return checked_artifact(once)


@pytest.fixture(scope="module")
def model(artifact: Path) -> Iterator[tfnative.Model]:
    with tfnative.load(artifact) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def reference(artifact: Path) -> Any:
    """The same model in TensorFlow."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(artifact.parent / "model"))
    return loaded.signatures["serving_default"]


def refusal(model: Any, wrong: Ids) -> str:
    with pytest.raises(tfnative.InvalidArgumentError) as caught:
        model.predict(wrong)
    return str(caught.value)


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 4, 5, 11])
def test_what_no_check_refuses_is_answered_as_by_tensorflow(
    model: tfnative.Model, reference: Any, rows: int
) -> None:
    given = ids(rows)
    np.testing.assert_array_equal(model.predict(given), reference(ids=given)["sum"])


def test_the_text_is_tensorflows_with_the_node_and_the_row(
    model: tfnative.Model, reference: Any
) -> None:
    wrong = ids(4, (2, 1, 10), (3, 0, -1))
    with pytest.raises(Exception, match="is not in") as caught:
        reference(ids=wrong)
    theirs = "indices[2,1] = 10 is not in [0, 10)"
    assert theirs in str(caught.value)
    assert refusal(model, wrong) == (
        f"model 'checked', signature 'serving_default': {theirs} "
        f"(node '{NODE}', GatherV2, row 2)"
    )


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 6, 11])
def test_the_row_is_the_callers_however_rows_are_padded_and_split(
    model: tfnative.Model, rows: int
) -> None:
    for row in range(rows):
        said = refusal(model, ids(rows, (row, row % 3, -3)))
        assert f"indices[{row},{row % 3}] = -3 is not in [0, 10)" in said
        assert said.endswith(f"row {row})")
    assert model.predict(ids(rows)).shape == (rows, 4), "it goes on"


def test_the_first_check_that_fails_is_told(model: tfnative.Model) -> None:
    said = refusal(model, ids(3, (0, 0, -1), (2, 2, 7001)))
    assert "7001 is {large} (node 'large', Less, row 2)" in said


def test_several_threads_and_exact_sizes_are_refused_alike(artifact: Path) -> None:
    wrong = ids(4, (3, 2, 12))
    with tfnative.load(artifact, threads=3) as threaded:
        assert "indices[3,2] = 12" in refusal(threaded, wrong)
        with pytest.raises(tfnative.InvalidArgumentError, match=r"row 3"):
            threaded.predict(wrong, out={"sum": np.zeros((4, 4), np.float32)})


def test_who_awaits_it_is_told_too(model: tfnative.Model) -> None:
    async def main() -> None:
        with tfnative.Batcher(model, max_batch_size=4) as batcher:
            await batcher.predict_async(ids(2, (1, 1, 99)))

    with pytest.raises(tfnative.InvalidArgumentError, match=r"\[1,1\] = 99"):
        asyncio.run(main())


def test_in_a_batch_the_bad_request_fails_alone(model: tfnative.Model) -> None:
    clock = tfnative.FakeClock()
    requests = [ids(1), ids(2, (1, 0, 10)), ids(1)]
    with tfnative.Batcher(
        model, max_batch_size=4, batch_timeout_micros=10**6, clock=clock
    ) as batcher:
        futures = [batcher.submit(request) for request in requests]
        for index in (0, 2):
            np.testing.assert_array_equal(
                futures[index].result(), model.predict(requests[index])
            )
        with pytest.raises(tfnative.InvalidArgumentError, match=r"\[1,0\].*row 1\)"):
            futures[1].result()
        metrics = batcher.metrics()
    assert metrics.divided_batch_count == 1
    assert metrics.errors == {"INVALID_ARGUMENT": 1}
    assert "tfnative_batcher_divided_batch_count" in metrics.to_prometheus()


def test_in_a_stream_the_bad_request_fails_alone(model: tfnative.Model) -> None:
    requests = [ids(1), ids(2, (1, 0, 10)), ids(1), ids(2), ids(1, (0, 2, -1))]
    options = {"batch_timeout_micros": 5000, "retry_max_time_micros": 10**8}
    with (
        tfnative.Batcher(model, max_batch_size=4, streaming=True, **options) as batcher,
        ThreadPoolExecutor(len(requests)) as pool,
    ):
        for _ in range(20):
            futures = [pool.submit(batcher.predict, one) for one in requests]
            for index in (0, 2, 3):
                np.testing.assert_array_equal(
                    futures[index].result(), model.predict(requests[index])
                )
            with pytest.raises(tfnative.InvalidArgumentError, match=r"\[1,0\].*row 1"):
                futures[1].result()
            with pytest.raises(tfnative.InvalidArgumentError, match=r"\[0,2\].*row 0"):
                futures[4].result()
        metrics = batcher.metrics()
    assert metrics.errors == {"INVALID_ARGUMENT": 40}
    assert metrics.divided_batch_count > 0, "none of them shared a batch"


def test_a_check_that_fires_where_tensorflow_answers_is_no_artifact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(tfnative.CompileError) as caught:
        compile_checked(tmp_path, monkeypatch, size=1)
    assert (
        "a check of the compiled code fails for inputs that TensorFlow answers"
        in str(caught.value)
    )
    assert "is not in [0, 1)" in str(caught.value)


def test_functions_of_c_return_a_status(artifact: Path) -> None:
    library = ctypes.CDLL(str(artifact / "libchecked.so"))
    library.checked_serving_default_workspace_bytes.restype = ctypes.c_size_t
    bytes_needed = library.checked_serving_default_workspace_bytes(ctypes.c_int64(2))

    def aligned(size: int) -> Any:
        block = np.zeros(size + 64, np.uint8)
        start = -block.ctypes.data % 64
        return block[start : start + size]

    x, y, workspace = aligned(24), aligned(32), aligned(bytes_needed)
    for given, status in ((ids(2), 0), (ids(2, (1, 1, 10)), -6), (ids(2), 0)):
        x.view(np.int32)[:] = given.ravel()
        arguments = [ctypes.c_void_p(a.ctypes.data) for a in (x, y, workspace)]
        found = library.checked_serving_default(ctypes.c_int64(2), *arguments)
        assert found == status
    text = (artifact / "include" / "checked.h").read_text()
    assert "Returns -6 where TensorFlow raises an error" in text


CPP = """
#include <cstdio>
#include "checked.hpp"
int main() {
  checked::serving_default model;
  std::int32_t ids[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  float sums[12];
  if (model.try_predict(3, ids, sums) != 0) return 1;
  if (sums[8] != (7 + 8 + 9) * 4) return 2;
  ids[8] = 10;
  if (model.try_predict(3, ids, sums) != -6) return 3;
  try {
    model.predict(3, ids, sums);
  } catch (const std::runtime_error& error) {
    std::puts(error.what());
    return 0;
  }
  return 4;
}
"""


def test_the_class_of_cpp_pads_with_what_came_and_throws(
    artifact: Path, tmp_path: Path
) -> None:
    source, program = tmp_path / "main.cc", tmp_path / "main"
    source.write_text(CPP)
    flags = ["-std=c++11", "-Wall", "-Wextra", "-Werror", f"-I{artifact / 'include'}"]
    library = artifact / "libchecked.a"
    subprocess.run(["c++", *flags, source, library, "-lm", "-o", program], check=True)
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "TensorFlow raises an error for what is in the inputs" in done.stdout


def test_the_program_for_emulators_says_which_check_failed(
    artifact: Path, tmp_path: Path
) -> None:
    from tfnative.manifest import Manifest
    from tfnative_aot.link.runner import link_runner
    from tfnative_aot.machines.targets import find_target
    from tfnative_aot.verify.execute import InProgram

    program = tmp_path / "run_artifact"  # Here it is not emulated.
    assert link_runner(artifact, "checked", find_target(None), program)
    manifest = Manifest.from_json((artifact / "manifest.json").read_text())
    runner = InProgram(program, manifest, ())
    (level,) = manifest.cpu_levels
    found = runner.run("serving_default", 2, level, {"ids": ids(2)})
    assert found["sum"].shape == (2, 4)
    with pytest.raises(tfnative.InvalidArgumentError) as caught:
        runner.run("serving_default", 2, level, {"ids": ids(2, (1, 0, -4))})
    assert f"(node '{NODE}', GatherV2, element 3, values -4)" in str(caught.value)
