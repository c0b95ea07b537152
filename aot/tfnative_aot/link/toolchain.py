# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A C and C++ compiler for a target: objects, shared libraries, archives."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tfnative.errors import CompileError, InvalidArgumentError, NotFoundError
from tfnative_aot.machines.cpu_levels import CpuLevel
from tfnative_aot.machines.process_end import describe_end, last_lines
from tfnative_aot.machines.targets import Target

COMMON_FLAGS = (
    "-O2",
    "-fvisibility=hidden",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-math-errno",
    "-fno-asynchronous-unwind-tables",
    "-g0",
)


@dataclass(frozen=True)
class Toolchain:
    """A C and a C++ compiler that understand GCC's flags.

    Attributes:
        cc: Command of the C compiler.
        cxx: Command of the C++ compiler.
        ar: Command that makes archives.
        target: What they compile for.
        links: Whether they make shared libraries and programs; else they only have
            objects and archives to give.
    """

    cc: tuple[str, ...]
    cxx: tuple[str, ...]
    ar: tuple[str, ...]
    target: Target
    links: bool = True

    @cached_property
    def version(self) -> str:
        """What the compilers say of themselves."""
        said = [run([*c, "--version"]).splitlines()[0] for c in (self.cc, self.cxx)]
        return " / ".join(dict.fromkeys(said))

    @property
    def is_zig(self) -> bool:
        """Whether it is zig, which has other names for things."""
        return any(Path(word).name in ("zig", "ziglang") for word in self.cxx)

    @cached_property
    def has_static_libc(self) -> bool:
        """Whether GCC or Clang has a C library of the target to link statically."""
        try:
            found = run([*self.cc, *self.target_flags(), "-print-file-name=libc.a"])
        except (CompileError, NotFoundError):
            return False
        return Path(found.strip()).is_absolute()

    def target_flags(self, level: CpuLevel | None = None) -> tuple[str, ...]:
        """The flags for the target and a CPU level, in this compiler's words."""
        flags = [] if self.target.system == "windows" else ["-fPIC"]
        if level is None and self.target.arch == "armv7":
            level = self.target.levels[0]  # There is no other.
        if not self.is_zig:
            return (*flags, *(level.compiler_flags if level else ()))
        flags += ["-target", self.target.zig]
        if level:
            flags.append(f"-mcpu={level.zig_cpu}")
            flags += [f for f in level.compiler_flags if f.startswith("-mprefer")]
        if not self.target.zig_has_libc:
            kernels, _ = sources_dir()
            flags += ["-nostdinc++", "-isystem", str(kernels / "libc")]
        return tuple(flags)

    def check_level(self, level: CpuLevel) -> None:
        """Asks the compiler whether it knows a CPU.

        Raises:
            InvalidArgumentError: It does not.
        """
        flags = self.target_flags(level)
        try:
            run([*self.cc, *flags, "-fsyntax-only", "-x", "c", os.devnull])
        except CompileError as error:
            known = ", ".join(each.name for each in self.target.named_levels)
            raise InvalidArgumentError(
                f"unknown CPU level {level.name}: {self.target.name} has {known}, and "
                f"the compiler does not know a CPU of that name. {error}"
            ) from error

    def compile_c(
        self,
        source: Path,
        output: Path,
        *,
        flags: Sequence[str] = (),
        level: CpuLevel | None = None,
    ) -> Path:
        """Compiles a C or assembler source."""
        language = () if source.suffix == ".S" else ("-std=gnu11",)
        command = [*self.cc, "-c", *language, *COMMON_FLAGS, *self.target_flags(level)]
        run([*command, *flags, str(source), "-o", str(output)])
        return output

    def archive(self, objects: Sequence[Path], output: Path) -> None:
        """Makes a static library."""
        output.unlink(missing_ok=True)
        run([*self.ar, "qcsD", output, *objects])


def sources_dir() -> tuple[Path, Path]:
    """Folders of the kernels' sources and of the public headers.

    They travel in the wheel; in a checkout they are taken from ``cpp/``.
    """
    here = Path(__file__).parents[1]
    installed = here / "sources"
    if installed.is_dir():
        return installed / "kernels", installed / "include"
    cpp = here.parents[1] / "cpp"
    return cpp / "kernels", cpp / "include"


def run(command: Sequence[str | Path]) -> str:
    """Runs a tool, and what it prints.

    Raises:
        NotFoundError: There is no such program.
        CompileError: It failed; the message has its last lines.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NotFoundError(f"cannot run {words[0]}: {error}") from error
    if done.returncode != 0:
        what = f"`{shlex.join(words[:3])} ...` {describe_end(done.returncode)}"
        said = last_lines(done.stderr or done.stdout)
        if not said:
            raise CompileError(f"{what}; it printed nothing")
        raise CompileError(f"{what}. Its last lines:\n{said}")
    return done.stdout
