# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Finds in the compiler's sources all messages with which it refuses a model."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

ROOT = Path(__file__).resolve().parents[2]
COMPILER = ROOT / "aot" / "tfnative_aot"
GAP = "…"
_CHECKS = {"check.py", "explain.py", "refusals.py"}
_REFUSALS = {
    "CompileError",
    "FailedPreconditionError",
    "InvalidArgumentError",
    "NotFoundError",
    "UnimplementedError",
}


def messages() -> dict[str, str]:
    """Each message, with ``GAP`` where values stand, and the file that it is in."""
    found: dict[str, str] = {}
    for path in sorted(COMPILER.rglob("*.py")):
        tree = ast.parse(path.read_text())
        for text in [*_raised(tree), *_reasons(tree, path)]:
            if _says_something(text):
                found.setdefault(text, path.relative_to(COMPILER).as_posix())
    return found


def _says_something(text: str) -> bool:
    return bool(re.search(r"[a-z]{2,}", text))


def _raised(tree: ast.Module) -> Iterator[str]:
    """What errors are raised with."""
    functions = {n.name: n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
            continue
        function = node.exc.func
        if isinstance(function, ast.Name) and function.id in _REFUSALS:
            argument = node.exc.args[0]
            yield pattern(argument)
            if isinstance(argument, ast.Call) and isinstance(argument.func, ast.Name):
                yield from _made_by(functions[argument.func.id])


def _made_by(function: ast.FunctionDef) -> Iterator[str]:
    """The pieces of a message that a function puts together."""
    waiting: list[ast.AST] = list(function.body[1:] or function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
            if len(pattern(cast("ast.expr", node)).split()) > 1:
                yield pattern(cast("ast.expr", node))
        else:
            waiting += ast.iter_child_nodes(node)


def _reasons(tree: ast.AST, path: Path) -> Iterator[str]:
    """Why nodes are refused: what the functions of the checks return."""
    if path.name not in _CHECKS:
        return
    for node in ast.walk(tree):
        value = getattr(node, "value", None)
        is_return = isinstance(node, ast.Return) and isinstance(value, ast.Constant)
        if is_return or (
            isinstance(node, ast.Return | ast.Assign)
            and isinstance(value, ast.JoinedStr)
        ):
            text = pattern(cast("ast.expr", value))
            if len(text.split()) > 1:
                yield text


def pattern(node: ast.expr) -> str:
    """The text of an expression, with ``GAP`` for what is not constant."""
    text = _text(node)
    while GAP + GAP in text:
        text = text.replace(GAP + GAP, GAP)
    return " ".join(text.split())


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_text, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    return GAP
