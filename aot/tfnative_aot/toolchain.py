# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The C and C++ compiler of this machine: objects, shared libraries, archives."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tfnative import cache
from tfnative.errors import CompileError, NotFoundError
from tfnative_aot.targets import CpuLevel

_COMMON_FLAGS = (
    "-O2",
    "-fPIC",
    "-fvisibility=hidden",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-math-errno",
    "-fno-asynchronous-unwind-tables",
    "-g0",
)
_KERNEL_FLAGS = (
    "-std=c++17",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-threadsafe-statics",
    "-fno-trapping-math",
    "-ffp-contract=fast",
)


@dataclass(frozen=True)
class Toolchain:
    """A C and a C++ compiler that understand GCC's flags.

    Attributes:
        cc: Command of the C compiler.
        cxx: Command of the C++ compiler.
    """

    cc: tuple[str, ...]
    cxx: tuple[str, ...]

    @cached_property
    def version(self) -> str:
        """What the compilers say of themselves."""
        said = [_run([*c, "--version"]).splitlines()[0] for c in (self.cc, self.cxx)]
        return " / ".join(dict.fromkeys(said))

    def level_flags(self, level: CpuLevel) -> tuple[str, ...]:
        """The flags for a CPU level, in this compiler's words."""
        if not any(Path(word).name in ("zig", "ziglang") for word in self.cxx):
            return level.compiler_flags
        # Zig writes x86_64_v3 where GCC and Clang write x86-64-v3.
        return tuple(
            flag.replace("x86-64-", "x86_64_") for flag in level.compiler_flags
        )

    def compile_c(
        self, source: Path, output: Path, *, flags: Sequence[str] = ()
    ) -> Path:
        """Compiles a C or assembler source."""
        language = () if source.suffix == ".S" else ("-std=gnu11",)
        command = [*self.cc, "-c", *language, *_COMMON_FLAGS, *flags]
        _run([*command, str(source), "-o", str(output)])
        return output

    def compile_kernels(self, sources: Path, level: CpuLevel) -> tuple[Path, ...]:
        """Compiles our kernels for a CPU level, or takes them from the cache.

        The cache is in the user's cache folder (``TFNATIVE_CACHE`` sets
        another); its key has the sources, the flags and the compiler's version.
        """
        files = sorted(sources.rglob("*.cc"))
        headers = sorted(sources.rglob("*.h"))
        flags = [*_COMMON_FLAGS, *_KERNEL_FLAGS, *self.level_flags(level)]
        flags += [f"-DTFN_LEVEL={level.tag}"]
        key = hashlib.sha256(f"{self.version} {flags}".encode())
        for file in files + headers:
            key.update(f"{file.relative_to(sources)}\0".encode() + file.read_bytes())
        folder = cache.path() / "kernels" / f"{level.tag}-{key.hexdigest()[:32]}"
        names = [f.relative_to(sources).with_suffix(".o").as_posix() for f in files]
        objects = [folder / name.replace("/", "-") for name in names]
        if not folder.is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
                for file, made in zip(files, objects, strict=True):
                    target = Path(temporary) / made.name
                    _run([*self.cxx, "-c", *flags, "-I", sources, file, "-o", target])
                try:
                    os.rename(temporary, folder)
                    os.mkdir(temporary)  # For the context manager to remove.
                except OSError:
                    pass  # Another process was quicker; its files are the same.
        else:
            with contextlib.suppress(OSError):  # Others may own it.
                os.utime(folder)  # `tfnative cache clear --older-than` asks.
        return tuple(objects)

    def link_shared(
        self, objects: Sequence[Path], output: Path, *, exports: Sequence[str]
    ) -> None:
        """Links a closed shared library that exports only the given functions."""
        script = output.with_suffix(".exports")
        names = " ".join(f"{name};" for name in exports)
        script.write_text(f"{{ global: {names} local: *; }};\n")
        flags = [
            "-shared",
            "-static-libgcc",
            f"-Wl,-soname,{output.name}",
            "-Wl,-z,defs",
            "-Wl,-z,relro,-z,now,-z,noexecstack",
            "-Wl,--gc-sections",
            "-Wl,--build-id=none",
            "-Wl,--as-needed",
            "-Wl,-s",
            f"-Wl,--version-script,{script}",
        ]
        _run([*self.cc, *flags, *objects, "-o", output, "-lm"])
        script.unlink()

    def archive(
        self, objects: Sequence[Path], output: Path, *, exports: Sequence[str]
    ) -> None:
        """Makes a static library of one object, whose other symbols are local."""
        whole = output.with_suffix(".o")
        keep = [f"--undefined={name}" for name in exports]
        command = ["ld", "-r", "--gc-sections", "--force-group-allocation", *keep]
        _run([*command, *map(str, objects), "-o", str(whole)])
        kept = [f"--keep-global-symbol={name}" for name in exports]
        _run(["objcopy", "--strip-unneeded", *kept, whole])
        output.unlink(missing_ok=True)
        _run(["ar", "rcsD", output, whole])
        whole.unlink()


def find_toolchain() -> Toolchain:
    """The compilers named by CC and CXX, or the system's, or ziglang's.

    Raises:
        NotFoundError: There is none; the message says how to get one.
    """
    for toolchain in toolchains():
        return toolchain
    raise NotFoundError(
        "no C compiler was found: install GCC or Clang (Debian: apt install g++), "
        'or `pip install "tfnative[cross]"`, which brings one'
    )


def toolchains() -> Iterator[Toolchain]:
    """All that are found, in the order in which they are taken."""
    cc, cxx = os.environ.get("CC"), os.environ.get("CXX")
    if cc and cxx:
        yield Toolchain(tuple(shlex.split(cc)), tuple(shlex.split(cxx)))
    for pair in (("cc", "c++"), ("gcc", "g++"), ("clang", "clang++")):
        if all(shutil.which(command) for command in pair):
            yield Toolchain((pair[0],), (pair[1],))
    if importlib.util.find_spec("ziglang"):
        zig = (sys.executable, "-m", "ziglang")
        yield Toolchain((*zig, "cc"), (*zig, "c++"))


def sources_dir() -> tuple[Path, Path]:
    """Folders of the kernels' sources and of the public headers.

    They travel in the wheel; in a checkout they are taken from ``cpp/``.
    """
    here = Path(__file__).parent
    installed = here / "sources"
    if installed.is_dir():
        return installed / "kernels", installed / "include"
    cpp = here.parents[1] / "cpp"
    return cpp / "kernels", cpp / "include"


def _run(command: Sequence[str | Path]) -> str:
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NotFoundError(f"cannot run {words[0]}: {error}") from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()[-20:]
        raise CompileError(
            f"`{shlex.join(words[:3])} ...` failed with exit code {done.returncode}:\n"
            + "\n".join(f"  {line}" for line in lines)
        )
    return done.stdout
