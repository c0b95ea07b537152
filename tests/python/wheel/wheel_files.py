# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Artifacts to make wheels of, and wheels that were installed."""

from __future__ import annotations

import json
import os
import platform
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import tfnative

HOST_TRIPLE = f"{platform.machine()}-unknown-linux-gnu"


def copy_artifact(fake: Path, folder: Path, **changes: Any) -> Path:
    """A copy of the artifact "fake", for Linux, whose manifest has these fields."""
    artifact = Path(shutil.copytree(fake, folder))
    manifest = json.loads((artifact / "manifest.json").read_text())
    manifest |= {"triple": HOST_TRIPLE, "tfnative_version": "0.1.0", **changes}
    (artifact / "manifest.json").write_text(json.dumps(manifest))
    return artifact


def install(folder: Path, *wheels: Path) -> None:
    """Installs wheels with pip, without what they need, offline."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index"]
    command += ["--no-deps", "--disable-pip-version-check", "--target", str(folder)]
    done = subprocess.run(
        [*command, *map(str, wheels)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def run_python(folder: Path, *command: str) -> str:
    """What Python prints that finds packages in a folder, and tfnative."""
    packages = [str(folder), str(Path(tfnative.__file__).parents[1])]
    packages += filter(None, [os.environ.get("PYTHONPATH")])
    done = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(packages)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def elf_file(versions: list[str], bits: int = 64) -> bytes:
    """An ELF file that has nothing but the versions that it needs of a library."""
    names, places = b"\0libc.so.6\0", []
    for version in versions:
        places.append(len(names))
        names += version.encode() + b"\0"
    needed = struct.pack("<HHIII", 1, len(versions), 1, 16, 0)
    for index, place in enumerate(places):
        after = 16 if index + 1 < len(versions) else 0
        needed += struct.pack("<IHHII", 0, 0, 2 + index, place, after)
    header_bytes, at = (64, 40) if bits == 64 else (52, 32)
    word = "Q" if bits == 64 else "I"
    section = struct.Struct(f"<II4{word}II2{word}")  # System V ABI, Elf64_Shdr.
    table = header_bytes + len(needed) + len(names)
    header = bytearray(header_bytes)
    header[:6] = b"\x7fELF" + bytes([2 if bits == 64 else 1, 1])
    counts = (header_bytes, 0, 0, section.size, 3, 2)
    struct.pack_into(f"<{word}I6H", header, at, table, 0, *counts)
    start = header_bytes + len(needed)
    sections = [
        section.pack(0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        section.pack(0, 0x6FFFFFFE, 2, 0, header_bytes, len(needed), 2, 1, 4, 0),
        section.pack(0, 3, 2, 0, start, len(names), 0, 0, 1, 0),
    ]
    return bytes(header) + needed + names + b"".join(sections)
