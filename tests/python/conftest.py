# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""An artifact written by hand, so that these tests need no TensorFlow."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.python.batch.models import Slow
from tests.python.store.releases import Releases
from tfnative._core import crc32c

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "tests" / "cpp" / "runtime" / "fake_artifact.c"
WEIGHTS = b"weights of the fake artifact"
TRAILER = struct.Struct("<8sIIQQQII80s")
"""tfn_trailer in abi.h."""


def seal(library: bytes, name: str) -> bytes:
    """Gives a library the trailer that the compiler would give it."""
    offset = library.index(WEIGHTS)
    end = offset + 4096
    crc = zlib.crc32(library[end:], zlib.crc32(library[:offset]))
    weights = crc32c(library[offset:end])
    size = len(library) + TRAILER.size
    return library + TRAILER.pack(
        b"TFNATIVE", 3, crc, size, offset, 4096, weights, 0, name.encode()
    )


def signature(inputs: dict, outputs: dict, sizes: list, *, independent: bool) -> dict:
    def tensors(specs: dict) -> list:
        return [
            {"name": name, "dtype": dtype, "shape": shape}
            for name, (dtype, shape) in specs.items()
        ]

    return {
        "inputs": tensors(inputs),
        "outputs": tensors(outputs),
        "batch_sizes": sizes,
        "rows_independent": independent,
        "golden": "golden/affine.npz",
        "fidelity": [],
        "unverified_cpu_levels": [],
    }


def manifest() -> dict:
    """The manifest of the fake artifact, of which tests see signature "affine"."""
    import hashlib

    digest = hashlib.sha256(WEIGHTS.ljust(4096, b"\0")).hexdigest()
    rows = ("float32", [-1, 3])
    return {
        "format": 1,
        "name": "fake",
        "library": "libfake.so",
        "triple": "any-machine",
        "cpu_levels": ["generic"],
        "tfnative_version": "0",
        "tensorflow_version": "0",
        "source_digest": "sha256:0",
        "weights_digest": f"sha256:{digest}",
        "weights_bytes": 4096,
        "assets": [],
        "signatures": {
            "affine": signature({"x": rows}, {"y": rows}, [1, 4, 16], independent=True)
        },
    }


NAP = 77.0
"""If the first value that "affine" gets is this one, it takes ``nap_seconds``."""


def build_fake(
    folder: Path, manifest_text: str, addend: int = 1, nap_seconds: int = 0
) -> Path:
    """Compiles the fake artifact with this manifest; "affine" is y = 2 x + addend."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    text = SOURCE.read_text().replace("16] + 1;", f"16] + {addend};")
    if nap_seconds:
        nap = f"  if (*(const float*)in[0] == {NAP}f) sleep({nap_seconds});\n"
        text = text.replace("  affine_job job =", nap + "  affine_job job =")
        text = "#include <unistd.h>\n" + text
    begin = text.index("static const char manifest[]")
    end = text.index(";", begin)
    literal = f"static const char manifest[] = {json.dumps(manifest_text)}"
    source = folder / "fake.c"
    source.write_text(text[:begin] + literal + text[end:])
    library = folder / "libfake.so"
    include = ROOT / "cpp" / "include"
    subprocess.run(
        [
            *(compiler, "-shared", "-nostartfiles", "-fPIC", "-O1", f"-I{include}"),
            *(source, "-o", library),
        ],
        check=True,
    )
    library.write_bytes(seal(library.read_bytes(), "fake"))
    source.unlink()
    (folder / "manifest.json").write_text(manifest_text)
    (folder / "golden").mkdir()
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    vectors = {"input:x": x, "output:y": 2 * x + addend}
    np.savez(folder / "golden" / "affine.npz", **vectors)
    return folder


@pytest.fixture(scope="session")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifact "fake"; tests/cpp/runtime/fake_artifact.c says what it computes."""
    return build_fake(tmp_path_factory.mktemp("fake"), json.dumps(manifest()))


@pytest.fixture
def model(fake: Path) -> tfnative.Model:
    return tfnative.load(fake)


@pytest.fixture
def slow() -> Iterator[Slow]:
    model = Slow()
    yield model
    model.free.set()


@pytest.fixture
def batcher(model: tfnative.Model) -> Iterator[tfnative.Batcher]:
    with tfnative.Batcher(model, signature="affine", num_batch_threads=2) as batcher:
        yield batcher


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Three versions of the artifact "fake": "affine" adds 1, 2 and 3."""
    return {
        version: build_fake(
            tmp_path_factory.mktemp("version"), json.dumps(manifest()), addend=version
        )
        for version in (1, 2, 3)
    }


@pytest.fixture
def releases(tmp_path: Path, artifacts: dict[int, Path]) -> Releases:
    return Releases(tmp_path / "fake", artifacts)


@pytest.fixture
def start_server() -> Iterator[Callable[..., Any]]:
    pytest.importorskip("grpc", reason="needs grpcio")
    pytest.importorskip("tensorflow_serving", reason="needs tensorflow-serving-api")
    from tests.python.serving.official_server import OfficialServer

    servers = []

    def start(*arguments: Any, **options: Any) -> Any:
        servers.append(OfficialServer(*arguments, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
