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
from concurrent.futures import FIRST_EXCEPTION, Executor, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path

from tfnative._base.permissions import check_tree_unwritable
from tfnative._cache.folder import (
    VARIABLE,
    cache_folder,
    close_to_others,
    disk_error,
    make_cache,
)
from tfnative._cache.kernels import TEMPORARY, hold, kernels_folder, remove_leftovers
from tfnative.errors import Error
from tfnative_aot.link.kernel_files import is_whole, publish, write_sums
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
# Folders of kernels for what takes fewer bits than float32. They take as long to
# compile as all others, and most models have no use for them.
SMALL = ("int8", "small_weights")


@dataclass(frozen=True)
class Kernels:
    """Our kernels, compiled for a CPU level: those of float32, the small ones, or both.

    Attributes:
        level: Which one.
        macro: What TFN_LEVEL was: the level, and a digest of all kernels. Models that
            are linked into one program share equal kernels, and only these.
        objects: Their files.
    """

    level: CpuLevel
    macro: str
    objects: tuple[Path, ...]


class KernelBuild:
    """Kernels that are being compiled, or were found in the cache.

    The cache is in the user's cache folder (``TFNATIVE_CACHE`` sets another); its key
    has the sources, the flags and the compiler's version. Until it is closed, nobody
    clears these kernels from the cache.
    """

    def __init__(
        self,
        toolchain: Toolchain,
        sources: Path,
        level: CpuLevel,
        pool: Executor,
        *,
        small: bool = False,
    ) -> None:
        """Begins to compile what is not in the cache, file by file.

        Args:
            toolchain: Compilers.
            sources: Folder of the kernels.
            level: CPU level.
            pool: Whose threads start compilers.
            small: Which kernels: those in the folders ``SMALL``, or all others.

        Raises:
            FailedPreconditionError: They are not in the cache, and it cannot be
                written to.
            PermissionDeniedError: Somebody else can change what is in the cache.
            ResourceExhaustedError: The disk is full.
        """
        files = kernel_files(sources, small)
        flags = [*COMMON_FLAGS, *KERNEL_FLAGS, *toolchain.target_flags(level)]
        flags = [flag.replace(str(sources), "") for flag in flags]
        settings = f"{toolchain.version} {toolchain.target.name} {flags}"
        key = kernels_digest(sources, settings)
        macro = f"{level.tag}_{key[:8]}"
        part = "-small" if small else ""
        self._folder = kernels_folder() / f"{level.tag}{part}-{key[:32]}"
        names = {file: _object_name(level, file.relative_to(sources)) for file in files}
        self._names = tuple(names.values())
        objects = tuple(self._folder / name for name in self._names)
        self._kernels = Kernels(level, macro, objects)
        self._temporary: Path | None = None
        self._compilers: list[Future[str]] = []
        check_tree_unwritable(
            self._folder, "the cache", f"Or set {VARIABLE} to another folder."
        )
        remove_leftovers()
        self._held = hold(self._folder)
        if self._held is not None and is_whole(self._folder, self._names):
            with contextlib.suppress(OSError):  # Others may own it.
                os.utime(self._folder)  # `tfnative cache clear --older-than` asks.
            return
        command = [*toolchain.cxx, "-c", *COMMON_FLAGS, *KERNEL_FLAGS]
        command += [*toolchain.target_flags(level), f"-DTFN_LEVEL={macro}"]
        command.append(f"-I{sources}")
        temporary = self._temporary = self._make_temporary()
        self._compilers = [
            pool.submit(run, [*command, file, "-o", temporary / names[file]])
            for file in _largest_first(files)
        ]

    @property
    def compilers(self) -> Sequence[Future[str]]:
        """What runs or waits; empty if the kernels were in the cache."""
        return self._compilers

    def result(self) -> Kernels:
        """Waits for the compilers, and puts their work into the cache.

        Raises:
            CompileError: One failed.
            FailedPreconditionError: The cache cannot be written to.
            ResourceExhaustedError: The disk is full.
        """
        if self._temporary is not None:
            try:
                for compiler in self._compilers:
                    compiler.result()
                self._publish(self._temporary)
            finally:
                self._discard()
        return self._kernels

    def cancel(self) -> None:
        """Starts no more compilers."""
        for compiler in self._compilers:
            compiler.cancel()

    def close(self) -> None:
        """Keeps what is complete, and gives up what nobody has waited for.

        The files of the kernels may be gone after that.
        """
        if self._temporary is not None and all(map(_succeeded, self._compilers)):
            with contextlib.suppress(Error):  # It is only kept for the next time.
                self._publish(self._temporary)
        self._discard()
        self._release()

    def _make_temporary(self) -> Path:
        self._release()
        try:
            make_cache(cache_folder())
            self._folder.parent.mkdir(mode=0o755, exist_ok=True)
            made = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=self._folder.parent))
        except OSError as error:
            raise disk_error(cache_folder(), error) from error
        self._held = hold(made)
        return made

    def _publish(self, temporary: Path) -> None:
        try:
            write_sums(temporary, self._names)
            close_to_others(temporary)
            publish(temporary, self._folder, self._names)
        except OSError as error:
            raise disk_error(cache_folder(), error) from error
        if temporary.exists():  # Its folder is another's, then.
            self._release()
            self._held = hold(self._folder)

    def _discard(self) -> None:
        temporary, self._temporary = self._temporary, None
        if temporary is not None:
            self.cancel()
            wait(self._compilers)
            shutil.rmtree(temporary, ignore_errors=True)

    def _release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            os.close(held)


def fail_together(builds: Sequence[KernelBuild]) -> None:
    """From the first compiler that fails on, none is started for any of them."""

    def ended(compiler: Future[str]) -> None:
        if _failure(compiler) is not None:
            for build in builds:
                build.cancel()

    for build in builds:
        for compiler in build.compilers:
            compiler.add_done_callback(ended)


def wait_for_all(builds: Sequence[KernelBuild]) -> dict[CpuLevel, Kernels]:
    """Waits for the kernels of all levels, or for the first compiler that fails.

    Returns:
        For each level what all builds for it have made.

    Raises:
        CompileError: One failed.
        FailedPreconditionError: The cache cannot be written to.
        ResourceExhaustedError: The disk is full.
    """
    compilers = [each for build in builds for each in build.compilers]
    wait(compilers, return_when=FIRST_EXCEPTION)
    check_all(builds)
    found: dict[CpuLevel, Kernels] = {}
    for made in (build.result() for build in builds):
        before = found[made.level].objects if made.level in found else ()
        found[made.level] = replace(made, objects=(*before, *made.objects))
    return found


def check_all(builds: Sequence[KernelBuild]) -> None:
    """Looks whether a compiler has failed, without waiting for any.

    Raises:
        CompileError: One has.
    """
    compilers = [each for build in builds for each in build.compilers]
    failed = next(filter(None, map(_failure, compilers)), None)
    if failed is not None:
        raise failed


def kernel_files(sources: Path, small: bool) -> list[Path]:
    """The sources in the folders ``SMALL``, or all others."""
    files = sorted(sources.rglob("*.cc"))
    return [f for f in files if (f.relative_to(sources).parts[0] in SMALL) == small]


def kernels_digest(sources: Path, settings: str) -> str:
    """Digest of the kernels' sources, and of how they are compiled."""
    key = hashlib.sha256(settings.encode())
    for file in sorted([*sources.rglob("*.cc"), *sources.rglob("*.h")]):
        key.update(f"{file.relative_to(sources)}\0".encode() + file.read_bytes())
    return key.hexdigest()


def _largest_first(files: Sequence[Path]) -> Sequence[Path]:
    """So that no long one is left when the others are done."""
    return sorted(files, key=lambda file: -file.stat().st_size)


def _failure(compiler: Future[str]) -> BaseException | None:
    if not compiler.done() or compiler.cancelled():
        return None
    return compiler.exception()


def _succeeded(compiler: Future[str]) -> bool:
    return compiler.done() and not compiler.cancelled() and compiler.exception() is None


def _object_name(level: CpuLevel, source: Path) -> str:
    name = source.with_suffix(".o").as_posix().replace("/", "-")
    return f"{level.tag}-{name}"
