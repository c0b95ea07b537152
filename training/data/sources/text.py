# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Lines of text, and the language that each is written in: C++, English or Python.

Taken from what is on every machine that can train: Python's standard library, whose
docstrings are the English, and TensorFlow's headers. Files are either trained on or
held out, so that no line is in both by being copied.
"""

from __future__ import annotations

import ast
import importlib.util
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from training.data.spec import Arrays, FeatureSpec, Source
from training.errors import DataError

LABELS = ("c++", "english", "python")
LENGTH = 64
SHORTEST = 20
ROWS = 4_000
"""Of each language, at most."""
HELD_OUT_FILE = 5
"""Every fifth file is held out."""
MOST_HEADERS = 300
SEED = 7


def load() -> Source:
    """Bytes of a line, (rows, 64): ASCII, without what indents it."""
    stdlib = Path(sysconfig.get_paths()["stdlib"])
    python = sorted(stdlib.glob("*.py"))
    readers = {
        "c++": (_headers(), _code),
        "english": (python, _docstrings),
        "python": (python, _code),
    }
    parts: dict[bool, list[tuple[bytes, int]]] = {False: [], True: []}
    random = np.random.default_rng(SEED)
    for label, name in enumerate(LABELS):
        files, read = readers[name]
        for held_out in (False, True):
            chosen = [
                path
                for number, path in enumerate(files)
                if (number % HELD_OUT_FILE == 0) == held_out
            ]
            lines = sorted({line for path in chosen for line in read(path)})
            wanted = ROWS // HELD_OUT_FILE if held_out else ROWS
            picked = random.permutation(len(lines))[:wanted]
            parts[held_out] += [(lines[row], label) for row in picked]
    if not all(parts.values()):
        raise DataError("neither Python's library nor TensorFlow's headers have lines")
    return Source(
        task="classify",
        features={"text": FeatureSpec((LENGTH,), "int32", "text", below=128)},
        labels=LABELS,
        train=_arrays(parts[False], random),
        held_out=_arrays(parts[True], random),
    )


def _arrays(rows: list[tuple[bytes, int]], random: np.random.Generator) -> Arrays:
    order = random.permutation(len(rows))
    lines = np.empty(len(rows), object)
    lines[:] = [rows[row][0] for row in order]
    labels = np.asarray([rows[row][1] for row in order], np.int64)
    return Arrays({"text": lines}, labels)


def _headers() -> list[Path]:
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or spec.origin is None:
        raise DataError('text needs TensorFlow: pip install "tfnative[aot]"')
    core = Path(spec.origin).parent / "include" / "tensorflow" / "core"
    headers = [p for p in sorted(core.rglob("*.h")) if not p.name.endswith(".pb.h")]
    return headers[:MOST_HEADERS]


def _code(path: Path) -> Iterator[bytes]:
    """Lines that are code: what a comment or a docstring says is left out."""
    text = path.read_text(encoding="utf-8", errors="replace")
    prose = set(_docstring_lines(text)) if path.suffix == ".py" else set()
    for number, line in enumerate(text.splitlines(), start=1):
        code = line.strip()
        if number not in prose and not code.startswith(("#", "//", "/*", "*")):
            yield from _kept(code)


def _docstrings(path: Path) -> Iterator[bytes]:
    """Lines of docstrings that are sentences, and no examples."""
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = text.splitlines()
    for number in _docstring_lines(text):
        line = lines[number - 1].strip().strip('"')
        if line.count(" ") >= 3 and line[:1].isalpha() and not set(line) & set("=()[]"):
            yield from _kept(line)


def _docstring_lines(text: str) -> Iterator[int]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _kept(line: str) -> Iterator[bytes]:
    if len(line) >= SHORTEST and line.isascii() and line.isprintable():
        yield line[:LENGTH].encode()
