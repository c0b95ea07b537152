# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Asks Graphviz's `dot` where boxes and arrows lie."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess

from tfnative.errors import FailedPreconditionError, InternalError

_WAIT_SECONDS = 300
_WITHOUT = "A file whose name ends in .dot can be written without it"


def require(*packages: str) -> None:
    """Raises FailedPreconditionError if something of ``tfnative[draw]`` is missing."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise FailedPreconditionError(
                f"drawing needs {package}, which is not installed: "
                'pip install "tfnative[draw]"'
            )


def require_dot(without: str = _WITHOUT) -> None:
    """Raises FailedPreconditionError if there is no `dot`.

    Args:
        without: What can be done without it.
    """
    if shutil.which("dot") is None:
        raise FailedPreconditionError(
            "drawing needs Graphviz's program dot, which is not installed: apt-get "
            f"install graphviz, or conda install graphviz. {without}"
        )


def has_dot() -> bool:
    """Whether there is a `dot`."""
    return shutil.which("dot") is not None


def to_svg(dot: str) -> str:
    """The picture of a .dot file's text, as an SVG document.

    Raises:
        FailedPreconditionError: There is no Graphviz, or it takes minutes.
    """
    require_dot()
    try:
        done = subprocess.run(
            ["dot", "-Tsvg"],
            input=dot.encode(),
            capture_output=True,
            timeout=_WAIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FailedPreconditionError(
            f"Graphviz has not drawn the graph in {_WAIT_SECONDS} seconds: it is too "
            "large. Write a .dot file, and draw that with another program, as sfdp"
        ) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise InternalError(f"Graphviz cannot draw the graph: {said[:500]}")
    return done.stdout.decode()
