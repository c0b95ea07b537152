# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rules about the files of the project."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:  # pytest brings it, for its own configuration.
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {".py", ".h", ".hpp", ".cc", ".c", ".cmake", ".S", ".sh"}
IMAGES = {".png"}
MAX_LINES = 500
# Whoever reads the code knows nothing of where and how it was written. In pieces, so
# that this file may say them.
FORBIDDEN = [
    r"/wor" + r"k/",
    r"/ro" + r"ot/",
    r"\bissue" + r" #?\d",
    r"\bthis ses" + r"sion\b",
    r"\bwork" + r"place\b",
    r"\bpypi\.or" + r"g\b",
    r"pythonhosted\.or" + r"g",
    r"deb\.debian\.or" + r"g",
    r"registry\.npmjs",
]
SUPPRESSED_LENGTH: dict[str, str] = {}


def files() -> list[Path]:
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return []  # Not a checkout.
    paths = (ROOT / line for line in done.stdout.splitlines())
    return [path for path in paths if path.is_file()]


FILES = files()
# What fuzzers begin with is any bytes.
TEXTS = [p for p in FILES if p.suffix not in IMAGES and "corpus" not in p.parts]
pytestmark = pytest.mark.skipif(not FILES, reason="needs a git checkout")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def is_source(path: Path) -> bool:
    return path.suffix in SOURCES or path.name in ("CMakeLists.txt", "Makefile")


def test_every_source_has_the_licence_lines():
    missing = [
        name(path)
        for path in FILES
        if is_source(path) and not has_licence(path.read_text())
    ]
    assert missing == []


def has_licence(text: str) -> bool:
    head = "\n".join(text.splitlines()[:4])
    return (
        "SPDX-FileCopyrightText: The tfnative authors" in head
        and "SPDX-License-Identifier: Apache-2.0" in head
    )


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_nothing_tells_where_it_was_written(pattern: str):
    found = [
        f"{name(path)}: {line.strip()}"
        for path in TEXTS
        for line in path.read_text().splitlines()
        if re.search(pattern, line, re.IGNORECASE)
    ]
    assert found == []


def test_files_are_short():
    lengths = {name(p): len(p.read_text().splitlines()) for p in FILES if is_source(p)}
    long = {path: n for path, n in lengths.items() if n > MAX_LINES}
    assert long.keys() == SUPPRESSED_LENGTH.keys()


def test_the_version_stands_in_one_place():
    version = pyproject()["project"]["version"]
    assert metadata.version("tfnative") == version
    assigned = re.compile(rf"version[\w\"']*\s*[:=]\s*[\"']{re.escape(version)}[\"']")
    found = {
        name(path)
        for path in TEXTS
        if "tests" not in path.parts and path.suffix != ".md"
        for line in path.read_text().splitlines()
        if assigned.search(line.lower())
    }
    assert found == {"pyproject.toml"}


def test_only_numpy_is_needed_to_predict():
    dependencies = pyproject()["project"]["dependencies"]
    assert [re.match(r"[\w-]+", d)[0] for d in dependencies] == ["numpy"]


def test_extras_that_are_named_exist():
    extras = pyproject()["project"]["optional-dependencies"].keys()
    named = {
        extra
        for path in TEXTS
        for extra in re.findall(r"tfnative\[([\w-]+)\]", path.read_text())
    }
    assert {"aot", "chart"} <= named <= extras


def test_the_sdk_imports_no_tensorflow_when_imported():
    for path in (ROOT / "python" / "tfnative").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            assert not imported(node) & {"tensorflow", "keras", "tfnative_aot"}, path


def imported(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and not node.level:
        return {(node.module or "").split(".")[0]}
    return set()


def test_cpp_includes_go_one_way():
    allowed = {
        "include": r'"tfnative/',
        "kernels": r'"(?!tfnative/(?!abi))',
        "bindings": r'"(?!\.\./src)',
    }
    for folder, pattern in allowed.items():
        for path in (ROOT / "cpp" / folder).rglob("*"):
            if path.suffix in SOURCES:
                for line in path.read_text().splitlines():
                    if line.startswith('#include "'):
                        assert re.match(f"#include {pattern}", line), (path, line)


def test_presets_are_those_that_are_documented():
    presets = json.loads((ROOT / "CMakePresets.json").read_text())
    shown = {p["name"] for p in presets["configurePresets"] if not p.get("hidden")}
    assert shown == {"dev", "release", "asan", "tsan", "fuzz", "tidy", "zig", "bench"}
    assert presets["version"] == 6


def pyproject() -> dict[str, dict[str, object]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())
