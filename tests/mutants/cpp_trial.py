# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Tries mutants of cpp/src on the C++ tests, which are built under the sanitizers.

All is built once. Of a mutant, only the objects that read the mutated source are
compiled, outside the build; the tests are linked with these before the library, whose
own object of the same name is then not taken.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import time
from pathlib import Path

from tests.mutants.mutant import BUILD, ROOT, Mutant, Outcome, Result

SOURCES = ROOT / "cpp" / "src"
TREE = BUILD / "cpp"
PROGRAMS = Path("tests", "cpp", "runtime")
NINJA = shutil.which("ninja") or "ninja"
LIBRARY = "cpp/libtfnative.a"
TESTS = ("runtime", "edges", "batching", "tensorflow", "soak")
OF_FOLDER = {
    "batching": ("batching", "edges", "soak"),
    "elf": ("runtime", "edges"),
    "example": ("runtime",),
    "proto": ("runtime", "tensorflow"),
    "tensorflow": ("tensorflow",),
}
"""The tests of a folder of cpp/src; all but the soak are tests of the others."""
ENVIRONMENT = {"GTEST_FAIL_FAST": "1", "GTEST_BRIEF": "1"}
LEAST_LIMIT_SECONDS, MOST_LIMIT_SECONDS = 60.0, 180.0
TIMES_SLOWER = 8
"""A test that takes as many times longer than without a change hangs."""


class CppTrial:
    """Builds the tests, and tries mutants; these may be tried in several threads."""

    def __init__(self) -> None:
        self._build()
        commands = json.loads((TREE / "compile_commands.json").read_text())
        self._compile = {
            Path(entry["output"]).relative_to(TREE).as_posix(): entry["command"]
            for entry in commands
        }
        self._readers = self._read_dependencies()
        self._links = {name: self._link_command(name) for name in TESTS}
        self._limits: dict[str, float] = {}
        for name in TESTS:
            begin = time.monotonic()
            if _run(TREE / PROGRAMS / f"{name}_test", 600.0, TREE):
                raise SystemExit(f"{name}_test fails without a change")
            taken = time.monotonic() - begin
            limit = max(LEAST_LIMIT_SECONDS, TIMES_SLOWER * taken)
            self._limits[name] = min(limit, MOST_LIMIT_SECONDS)

    def run(self, mutant: Mutant, folder: Path) -> Result:
        """Compiles, links and tests one mutant, in a folder of its own."""
        begin = time.monotonic()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        outcome, by = self._outcome(mutant, folder)
        shutil.rmtree(folder)
        return Result(mutant, outcome, by, round(time.monotonic() - begin, 1))

    def _outcome(self, mutant: Mutant, folder: Path) -> tuple[Outcome, str]:
        sources = folder / "src"
        shutil.copytree(SOURCES, sources)
        source = ROOT / mutant.path
        place = source.relative_to(SOURCES)
        (sources / place).write_text(mutant.source())
        objects = self._compile_readers(source, sources, folder)
        if objects is None:
            return Outcome.UNCOMPILABLE, "the compiler"
        for name in OF_FOLDER.get(place.parts[0], TESTS[:-1]):
            program = self._link(name, objects, folder)
            if program is None:
                return Outcome.UNCOMPILABLE, "the linker"
            failure = _run(program, self._limits[name], folder)
            if failure is not None:
                return failure, f"{name}_test"
        mutated = [path.read_bytes() for path in objects.values()]
        shutil.copyfile(source, sources / place)
        self._compile_readers(source, sources, folder)
        if mutated == [path.read_bytes() for path in objects.values()]:
            return Outcome.SAME, "the compiler"
        return Outcome.SURVIVED, ""

    def _compile_readers(
        self, source: Path, sources: Path, folder: Path
    ) -> dict[str, Path] | None:
        """Compiles what reads a source: the objects, or None if one cannot be."""
        objects = {}
        for number, name in enumerate(self._readers.get(str(source), [])):
            objects[name] = folder / f"{number}.o"
            command = self._compile[name].replace(str(SOURCES), str(sources))
            command = command.replace(f"-o {name}", f"-o {objects[name]}")
            if not _succeeds(shlex.split(command)):
                return None
        return objects

    def _link(self, name: str, objects: dict[str, Path], folder: Path) -> Path | None:
        """Links a test: the program, or None if it cannot be."""
        program = folder / f"{name}_test"
        own = [str(objects[each]) for each in objects if each.startswith("cpp/")]
        command = [str(objects.get(word, word)) for word in self._links[name].split()]
        command[command.index("-o") + 1] = str(program)
        library = command.index(LIBRARY)
        command[library:library] = own
        return program if _succeeds(command) else None

    @staticmethod
    def _build() -> None:
        """Configures the preset asan, optimized less, and builds the tests."""
        flags = "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1"
        configure = ["cmake", "--preset", "asan", "-B", str(TREE), flags]
        configure += [f"-DCMAKE_MAKE_PROGRAM={NINJA}", "--log-level=ERROR"]
        configure += ["-DTFNATIVE_WARNINGS_AS_ERRORS=OFF"]
        configure += ["-DTFNATIVE_COMPILE_TOGETHER=OFF"]  # One file is changed.
        subprocess.run(configure, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        targets = [f"{name}_test" for name in TESTS]
        subprocess.run([NINJA, "--quiet", *targets], cwd=TREE, check=True)

    def _read_dependencies(self) -> dict[str, list[str]]:
        """Which objects read a source."""
        readers: dict[str, list[str]] = {}
        name = ""
        for line in _ask_ninja("deps").splitlines():
            if line.startswith("    "):
                if name in self._compile:
                    readers.setdefault(line.strip(), []).append(name)
            elif line:
                name = line.partition(":")[0]
        return readers

    @staticmethod
    def _link_command(name: str) -> str:
        command = _ask_ninja("commands", "-s", str(PROGRAMS / f"{name}_test"))
        return command.strip().removeprefix(": && ").removesuffix(" && :")


def _succeeds(command: list[str]) -> bool:
    done = subprocess.run(command, cwd=TREE, check=False, capture_output=True)
    return done.returncode == 0


def _ask_ninja(*question: str) -> str:
    command = [NINJA, "-C", str(TREE), "-t", *question]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return "".join(
        line for line in text.splitlines(keepends=True) if not line.startswith("ninja:")
    )


def _run(program: Path, limit_seconds: float, folder: Path) -> Outcome | None:
    """Runs a program of tests: how it failed, or None if all passed."""
    environment = os.environ | ENVIRONMENT | {"TMPDIR": str(folder)}
    command = ["timeout", "--signal=KILL", str(limit_seconds), str(program)]
    place = TREE / PROGRAMS
    done = subprocess.run(
        command, cwd=place, env=environment, check=False, capture_output=True
    )
    if done.returncode in (137, -9):
        return Outcome.TIMED_OUT
    return Outcome.CAUGHT if done.returncode else None
