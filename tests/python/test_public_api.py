# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What `import tfnative` gives, and what it does not import."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import tfnative
from tfnative import _core

PACKAGE = Path(tfnative.__file__).parent


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    return done.stdout


def test_the_public_names():
    assert tfnative.__all__ == [
        "AllVersions",
        "BatchFuture",
        "BatchMetrics",
        "BatchParameters",
        "BatchScheduler",
        "BatchTrace",
        "BatchTrial",
        "Batcher",
        "BenchRow",
        "CancelledError",
        "Classifications",
        "CompileError",
        "CompileOptions",
        "DeadlineExceededError",
        "Error",
        "FailedPreconditionError",
        "FakeClock",
        "Fallback",
        "FallbackMetrics",
        "Histogram",
        "InternalError",
        "InvalidArgumentError",
        "Latest",
        "LoadError",
        "LoadOptions",
        "Model",
        "ModelSize",
        "ModelStore",
        "NotFoundError",
        "OptimizeNote",
        "OptimizeOptions",
        "OptimizeStep",
        "Optimized",
        "PermissionDeniedError",
        "Predictor",
        "Profile",
        "ResourceExhaustedError",
        "Scored",
        "SelfTestReport",
        "Shadow",
        "Signature",
        "SpecificVersions",
        "StepTime",
        "TensorSpec",
        "ThreadPool",
        "Transform",
        "TuneReport",
        "UnavailableError",
        "UnimplementedError",
        "VersionState",
        "VersionStatus",
        "Wheel",
        "bench",
        "compile",
        "encode_example",
        "load",
        "make_wheel",
        "optimize",
        "score",
        "selftest",
        "serving",
        "targets",
        "tune",
    ]
    assert sorted(tfnative.__all__) == tfnative.__all__
    for name in tfnative.__all__:
        assert inspect.getdoc(getattr(tfnative, name))


def test_importing_brings_numpy_and_the_standard_library_only():
    code = (
        "import sys; before = set(sys.modules); import numpy; "
        "numpys = set(sys.modules); import tfnative; "
        "print(*{m.split('.')[0] for m in set(sys.modules) - numpys})"
    )
    found = set(run(code).split()) - set(sys.stdlib_module_names)
    assert found == {"tfnative"}


def test_the_stub_has_what_the_module_has():
    tree = ast.parse((PACKAGE / "_core.pyi").read_text())
    stubs = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    classes = {name for name, value in vars(_core).items() if inspect.isclass(value)}
    assert {stub.name for stub in stubs} == classes
    for stub in stubs:
        names = {node.name for node in stub.body if isinstance(node, ast.FunctionDef)}
        names |= {
            node.target.id
            for node in stub.body
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        }
        members = vars(getattr(_core, stub.name))
        real = {name for name in members if not name.startswith("__")}
        assert real - {"_pybind11_conduit_v1_"} == names - {"__init__"}, stub.name


def test_the_module_exports_its_entry_point_only():
    nm = subprocess.run(
        ["nm", "-D", "--defined-only", _core.__file__],
        capture_output=True,
        text=True,
        check=False,
    )
    if nm.returncode != 0:
        pytest.skip(f"nm is not to be had: {nm.stderr.strip()}")
    names = [line.split()[-1] for line in nm.stdout.splitlines()]
    assert names == ["PyInit__core"]


def test_compiling_without_tensorflow_says_what_to_install(tmp_path: Path):
    code = f"""
import importlib.util, tfnative
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *a: (
    None if name == "tensorflow" else real(name, *a))
try:
    tfnative.compile({str(tmp_path)!r}, {str(tmp_path / "out")!r})
except tfnative.FailedPreconditionError as error:
    print(error)
"""
    assert 'pip install "tfnative[aot]"' in run(code)
