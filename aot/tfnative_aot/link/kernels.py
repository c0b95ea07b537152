# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Our kernels, compiled for a CPU level once on a machine."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass
from pathlib import Path

from tfnative import cache
from tfnative_aot.link.toolchain import COMMON_FLAGS, Toolchain, run
from tfnative_aot.machines.cpu_levels import CpuLevel

KERNEL_FLAGS = (
    "-std=c++17",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-threadsafe-statics",
    "-fno-trapping-math",
    "-ffp-contract=fast",
)


@dataclass(frozen=True)
class Kernels:
    """Our kernels, compiled for a CPU level.

    Attributes:
        level: Which one.
        macro: What TFN_LEVEL was: the level, and a digest of the kernels. Models that
            are linked into one program share equal kernels, and only these.
        objects: Their files.
    """

    level: CpuLevel
    macro: str
    objects: tuple[Path, ...]


class KernelBuild:
    """Kernels that are being compiled, or were found in the cache.

    The cache is in the user's cache folder (``TFNATIVE_CACHE`` sets another); its key
    has the sources, the flags and the compiler's version.
    """

    def __init__(
        self, toolchain: Toolchain, sources: Path, level: CpuLevel, pool: Executor
    ) -> None:
        """Begins to compile what is not in the cache, file by file.

        Args:
            toolchain: Compilers.
            sources: Folder of the kernels.
            level: CPU level.
            pool: Whose threads start compilers.
        """
        files = sorted(sources.rglob("*.cc"))
        flags = [*COMMON_FLAGS, *KERNEL_FLAGS, *toolchain.target_flags(level)]
        flags = [flag.replace(str(sources), "") for flag in flags]
        settings = f"{toolchain.version} {toolchain.target.name} {flags}"
        key = kernels_digest(sources, settings)
        macro = f"{level.tag}_{key[:8]}"
        self._folder = cache.path() / "kernels" / f"{level.tag}-{key[:32]}"
        names = {file: _object_name(level, file.relative_to(sources)) for file in files}
        objects = tuple(self._folder / names[file] for file in files)
        self._kernels = Kernels(level, macro, objects)
        self._temporary: Path | None = None
        self._compilers: list[Future[str]] = []
        if self._folder.is_dir():
            with contextlib.suppress(OSError):  # Others may own it.
                os.utime(self._folder)  # `tfnative cache clear --older-than` asks.
            return
        command = [*toolchain.cxx, "-c", *COMMON_FLAGS, *KERNEL_FLAGS]
        command += [*toolchain.target_flags(level), f"-DTFN_LEVEL={macro}"]
        command.append(f"-I{sources}")
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._temporary = Path(tempfile.mkdtemp(dir=self._folder.parent))
        self._compilers = [
            pool.submit(run, [*command, file, "-o", self._temporary / names[file]])
            for file in _largest_first(files)
        ]

    def result(self) -> Kernels:
        """Waits for the compilers, and puts their work into the cache.

        Raises:
            CompileError: One failed.
        """
        temporary, self._temporary = self._temporary, None
        if temporary is not None:
            try:
                for compiler in self._compilers:
                    compiler.result()
                # Another process may have been quicker; its files are the same.
                with contextlib.suppress(OSError):
                    os.rename(temporary, self._folder)
            finally:
                self._discard(temporary)
        return self._kernels

    def cancel(self) -> None:
        """Starts no more compilers."""
        for compiler in self._compilers:
            compiler.cancel()

    def close(self) -> None:
        """Gives up what nobody has waited for."""
        temporary, self._temporary = self._temporary, None
        if temporary is not None:
            self._discard(temporary)

    def _discard(self, temporary: Path) -> None:
        self.cancel()
        wait(self._compilers)
        shutil.rmtree(temporary, ignore_errors=True)


def kernels_digest(sources: Path, settings: str) -> str:
    """Digest of the kernels' sources, and of how they are compiled."""
    key = hashlib.sha256(settings.encode())
    for file in sorted([*sources.rglob("*.cc"), *sources.rglob("*.h")]):
        key.update(f"{file.relative_to(sources)}\0".encode() + file.read_bytes())
    return key.hexdigest()


def _largest_first(files: Sequence[Path]) -> Sequence[Path]:
    """So that no long one is left when the others are done."""
    return sorted(files, key=lambda file: -file.stat().st_size)


def _object_name(level: CpuLevel, source: Path) -> str:
    name = source.with_suffix(".o").as_posix().replace("/", "-")
    return f"{level.tag}-{name}"
