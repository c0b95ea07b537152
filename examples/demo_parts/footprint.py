# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How many bytes have to be installed for a package to work."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path


def package_bytes(name: str) -> int:
    """Bytes of an installed package and of all that it needs."""
    return sum(map(_own_bytes, needed_packages(name)))


def needed_packages(name: str) -> set[str]:
    """An installed package and those that it needs, extras left out."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        package = waiting.pop().lower().replace("_", "-")
        if package in found:
            continue
        try:
            requirements = metadata.requires(package) or ()
        except metadata.PackageNotFoundError:
            continue  # For another platform or version of Python.
        found.add(package)
        for requirement in requirements:
            match = re.match(r"[\w.-]+", requirement)
            if match and not re.search(r"\bextra\s*==", requirement):
                waiting.append(match[0])
    return found


def folder_bytes(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _own_bytes(package: str) -> int:
    paths = {Path(str(f.locate())) for f in metadata.files(package) or ()}
    return sum(path.stat().st_size for path in paths if path.is_file())
