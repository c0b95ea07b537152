# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Our server, in a thread of this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

for package in ("grpc", "grpc_health", "httpx", "starlette", "uvicorn"):
    pytest.importorskip(package, reason=f"needs {package}")

from tfnative._store.versions import AllVersions  # noqa: E402
from tfnative.serving.server.config import ModelSettings  # noqa: E402
from tfnative.serving.server.models import OpenOptions  # noqa: E402
from tfnative.serving.server.server import Server, ServerOptions  # noqa: E402


class Running:
    """A server that answers until it is told to end."""

    def __init__(
        self, models: dict[str, ModelSettings], options: ServerOptions
    ) -> None:
        self._started = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run(models, options))
        )
        self._thread.start()
        self._started.wait()
        if self._error is not None:
            self._thread.join()
            raise self._error
        self.grpc = f"localhost:{self.server.port}"
        self.rest = f"http://localhost:{self.server.rest_port}"

    async def _run(self, models: Any, options: ServerOptions) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        try:
            self.server = Server(models, options)
            async with self.server.running():
                self._started.set()
                await self._ended.wait()
        except BaseException as error:
            self._error = error
            self._started.set()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join()


@pytest.fixture(scope="session")
def versions(artifacts: dict[int, Path], tmp_path_factory) -> Path:
    """The folder of a model with the versions 1 and 2: "affine" adds 1 and 2."""
    folder = tmp_path_factory.mktemp("models") / "affine"
    folder.mkdir()
    for version in (1, 2):
        (folder / str(version)).symlink_to(artifacts[version])
    return folder


@pytest.fixture
def serve() -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(
        settings: dict[str, ModelSettings], of_models: Any = None, **options: Any
    ) -> Running:
        models = OpenOptions(**(of_models or {"poll_seconds": None}))
        options = {"host": "localhost", "port": 0, "rest_port": 0, **options}
        started.append(Running(settings, ServerOptions(models=models, **options)))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def settings(versions: Path) -> dict[str, ModelSettings]:
    one = ModelSettings("affine", str(versions), AllVersions(), {"stable": 1})
    return {"affine": one}


BATCHING = """\
max_batch_size { value: 16 }
batch_timeout_micros { value: 1000 }
num_batch_threads { value: 2 }
max_enqueued_batches { value: 100 }
"""


@pytest.fixture(params=["by itself", "batched"])
def running(request, serve, settings, tmp_path) -> Running:
    models: dict[str, Any] = {"poll_seconds": None}
    if request.param == "batched":
        (tmp_path / "batching.txt").write_text(BATCHING)
        models["batching_parameters_file"] = str(tmp_path / "batching.txt")
    return serve(settings, models)


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Any:
    """Who has signed our certificates."""
    return _authority(tmp_path_factory, "ours")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory) -> Any:
    """Who has signed those of others."""
    return _authority(tmp_path_factory, "theirs")


def _authority(tmp_path_factory, name: str) -> Any:
    pytest.importorskip("trustme", reason="needs it to make certificates")
    from tests.python.serving.authority import Authority

    return Authority.make(tmp_path_factory.mktemp("tls") / name)
