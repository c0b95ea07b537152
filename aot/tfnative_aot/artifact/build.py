# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Builds an artifact twice: to try it, and with what was found out."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

from tfnative.errors import NotFoundError
from tfnative.manifest import Manifest
from tfnative_aot.artifact.package import Parts, compile_programs, emit_parts, link
from tfnative_aot.artifact.source_package import write_source_package
from tfnative_aot.emit.interface import Interface
from tfnative_aot.link.find_toolchain import find_toolchain
from tfnative_aot.link.kernels import (
    KernelBuild,
    check_all,
    fail_together,
    wait_for_all,
)
from tfnative_aot.link.runner import link_runner
from tfnative_aot.link.toolchain import Toolchain, sources_dir
from tfnative_aot.machines.cpu_levels import CpuLevel
from tfnative_aot.machines.emulator import emulator, runs_level
from tfnative_aot.machines.targets import Target, host_runs


@dataclass(frozen=True)
class Trial:
    """An artifact that was built to be tried.

    Attributes:
        artifact: Folder of its library.
        manifest: What is known of it so far.
        levels: CPU levels that can be run here; none if nothing here runs it.
        program: What runs it once, for an emulator. None if this process can load it.
        prefix: What runs programs for its target, as ("qemu-aarch64",); empty if this
            machine does.
        weights: File with its weights, if they are apart.
    """

    artifact: Path
    manifest: Manifest
    levels: tuple[CpuLevel, ...] = ()
    program: Path | None = None
    prefix: tuple[str, ...] = ()
    weights: Path | None = None


@dataclass(frozen=True)
class Built:
    """What an artifact has: a shared library, an archive."""

    shared: bool
    static: bool


@dataclass
class Builder:
    """Builds for a target.

    Attributes:
        target: What for.
        static: Whether to make archives.
        sources: Whether to write a source package.
        toolchain: None if there is no compiler for the target.
        small: Whether the model may have numbers of fewer bits than float32's.
    """

    target: Target
    static: bool
    sources: bool
    toolchain: Toolchain | None
    small: bool = True
    _kernels: list[KernelBuild] = field(default_factory=list)
    _pool: Executor | None = None
    _programs: tuple[Path, ...] = ()

    @classmethod
    def find(
        cls, target: Target, static: bool, sources: bool, *, small: bool
    ) -> Builder:
        """One for a target. Without a compiler it writes source packages only.

        Raises:
            NotFoundError: The target is this machine, and there is no compiler.
        """
        try:
            return cls(target, static, sources, find_toolchain(target), small)
        except NotFoundError:
            if host_runs(target, target.levels[0]):
                raise
            return cls(target, False, True, toolchain=None, small=small)

    def start_kernels(self, levels: Sequence[CpuLevel], pool: Executor) -> None:
        """Begins to compile the kernels; ``pool`` is kept for what comes later.

        Raises:
            InvalidArgumentError: The compiler does not know a CPU.
            FailedPreconditionError: The cache cannot be written to.
        """
        self._pool = pool
        if self.toolchain is not None:
            for level in levels:
                if level not in self.target.levels:
                    self.toolchain.check_level(level)
            sources = sources_dir()[0]
            self._kernels += [
                KernelBuild(self.toolchain, sources, level, pool, small=part)
                for level in levels
                for part in ((False, True) if self.small else (False,))
            ]
            fail_together(self._kernels)

    def check_kernels(self) -> None:
        """Looks whether the kernels can still be had, without waiting for them.

        Raises:
            CompileError: A compiler has failed.
        """
        check_all(self._kernels)

    def close(self) -> None:
        """Gives up kernels that are still being compiled."""
        for build in self._kernels:  # All, before waiting for what runs of the first.
            build.cancel()
        for build in self._kernels:
            build.close()

    def make_trial(
        self, parts: Parts, manifest: Manifest, staging: Path, work: Path
    ) -> Trial:
        """Builds what can be run here, in the artifact's folder or in ``work``."""
        if self.toolchain is None:
            return Trial(staging, manifest)
        self._programs = self._compile(parts)
        if host_runs(self.target, self.target.levels[0]):
            link(parts, self._programs, manifest, self.toolchain, staging)
            levels = tuple(v for v in parts.levels if host_runs(self.target, v))
            return Trial(staging, manifest, levels)
        return self._emulated_trial(parts, manifest, work)

    def _emulated_trial(self, parts: Parts, manifest: Manifest, work: Path) -> Trial:
        assert self.toolchain is not None
        folder, program = work / "trial", work / "run_artifact"
        prefix = emulator(self.target)
        if prefix is None:
            return Trial(folder, manifest)
        link(
            parts,
            self._programs,
            manifest,
            self.toolchain,
            folder,
            shared=False,
            static=True,
        )
        if link_runner(folder, manifest.name, self.target, program) is None:
            return Trial(folder, manifest)
        weights = folder / f"{manifest.name}.weights"
        return Trial(
            folder,
            manifest,
            tuple(v for v in parts.levels if runs_level(prefix, v)),
            program,
            prefix,
            weights if parts.interface.weights_apart else None,
        )

    def finish(
        self,
        parts: Parts,
        interface: Interface,
        manifest: Manifest,
        staging: Path,
        work: Path,
    ) -> Built:
        """Builds the artifact's libraries, with its last manifest."""
        if interface != parts.interface:
            final = work / "final"
            parts = emit_parts(interface, parts.levels, parts.programs, final)
            self._programs = self._compile(parts) if self.toolchain else ()
        has_shared = self.toolchain is not None and self.toolchain.links
        if self.toolchain is not None:
            link(
                parts,
                self._programs,
                manifest,
                self.toolchain,
                staging,
                shared=has_shared,
                static=self.static or not has_shared,
                measured=True,
            )
        if self.sources:
            write_source_package(parts, manifest, staging, small=self.small)
        has_static = self.toolchain is not None and (self.static or not has_shared)
        return Built(has_shared, has_static)

    def _compile(self, parts: Parts) -> tuple[Path, ...]:
        assert self.toolchain is not None
        assert self._pool is not None
        kernels = wait_for_all(self._kernels)
        return compile_programs(parts, kernels, self.toolchain, self._pool)
