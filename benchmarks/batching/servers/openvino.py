# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO's automatic batching: the device BATCH:CPU, asked through AsyncInferQueue.

It groups requests only of models whose batch dimension it can follow from the inputs to
the outputs, and does not tell if it cannot.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.batching.loads import JobServer
from benchmarks.batching.servers import Batching
from benchmarks.contestants import Arrays

JOBS = 256
"""More than there are callers, who wait for a free one otherwise."""


def jobs(path: Path, batching: Batching) -> JobServer:
    """One thread starts requests; OpenVINO's threads call back."""
    import openvino

    core = openvino.Core()
    network = core.read_model(str(path))
    network.reshape(
        {port: [1, *list(port.partial_shape)[1:]] for port in network.inputs}
    )
    threads = batching.num_batch_threads
    settings = {
        "AUTO_BATCH_TIMEOUT": str(math.ceil(batching.batch_timeout_micros / 1e3)),
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "NUM_STREAMS": threads,
    }
    device = f"BATCH:CPU({batching.max_batch_size})"
    compiled = core.compile_model(network, device, settings)
    queue = openvino.AsyncInferQueue(compiled, JOBS)
    queue.set_callback(_call_back)

    def submit(request: Arrays, on_done: Callable[[Arrays], None]) -> None:
        queue.start_async(list(request.values()), on_done)

    return JobServer(submit)


def _call_back(request: Any, on_done: Callable[[Arrays], None]) -> None:
    on_done({"output": request.get_output_tensor(0).data.copy()})
