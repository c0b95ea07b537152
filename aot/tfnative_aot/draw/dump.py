# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Writes XLA's programs to a folder, as text and as pictures: --dump-hlo."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tfnative._draw.dot import printable, to_dot
from tfnative._draw.graph import DrawnGraph
from tfnative._draw.render import has_dot, to_svg
from tfnative.errors import InvalidArgumentError
from tfnative_aot import adapters
from tfnative_aot.draw.hlo import bodies, draw_computation, draw_entry, fusions
from tfnative_aot.xla.tfcompile import DumpedProgram

INDEX = "index.txt"
"""The file that says which folder is of which program."""
_MOST_BOXES = 500
"""Graphviz takes minutes over more, which is too long for what few look at."""
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")
_COMPUTATION = re.compile(r"^(?:ENTRY )?%?(?P<name>[^ (]+) \(")


def check_dump(folder: Path, output: Path) -> None:
    """Refuses a folder that has anything in it, or that the artifact would replace.

    Raises:
        InvalidArgumentError: It is one of these.
    """
    place, artifact = (Path(os.path.realpath(path)) for path in (folder, output))
    if place == artifact or artifact in place.parents:
        raise InvalidArgumentError(
            f"dump_hlo (--dump-hlo) {folder} is in the artifact's folder, which is "
            "replaced as a whole: choose another"
        )
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise InvalidArgumentError(
            f"dump_hlo (--dump-hlo) {folder} exists and is no empty folder; nothing "
            "was written"
        )


def folder_name(signature: str, batch_size: int, taken: set[str]) -> str:
    """Name of the folder of a program, which is then taken."""
    rows = f"_batch_{batch_size}" if batch_size else ""
    wanted = f"{_UNSAFE.sub('_', signature)}{rows}".lstrip(".") or "_"
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    taken.add(name)
    return name


def write_index(folder: Path, titles: Mapping[str, str]) -> None:
    """Writes which folder is of which program: names lose what files may not have.

    Args:
        folder: Where the folders are.
        titles: What each of them is of, by its name.
    """
    lines = [f"{name}/: {printable(title)}\n" for name, title in titles.items()]
    (folder / INDEX).write_text("".join(lines), encoding="utf-8", errors="replace")


def write_program(
    folder: Path, title: str, programs: Mapping[str, DumpedProgram]
) -> None:
    """Writes a program, before and after it was optimized, and each of its parts.

    Args:
        folder: Where to. Created.
        title: What it is, for the pictures.
        programs: As ``read_dumped`` gives them.
    """
    folder.mkdir(parents=True)
    for stage, program in programs.items():
        module = adapters.xla().parse_program(program.message)
        (folder / f"{stage}.txt").write_text(program.text)
        _draw(folder / stage, draw_entry(module, f"{title}, {stage} optimization"))
    after = programs["after"]
    module = adapters.xla().parse_program(after.message)
    texts = dict(_computations(after.text))
    for inside, parts in (("fusions", fusions(module)), ("bodies", bodies(module))):
        for each in parts:
            (folder / inside).mkdir(exist_ok=True)
            path = folder / inside / _UNSAFE.sub("_", each.name)
            text = texts.get(each.computation, "")
            path.with_name(f"{path.name}.txt").write_text(text)
            _draw(path, draw_computation(module, each.computation, each.name))


def _draw(path: Path, graph: DrawnGraph) -> None:
    dot = to_dot(graph)
    path.with_name(f"{path.name}.dot").write_text(dot, encoding="utf-8")
    if has_dot() and len(graph.nodes) <= _MOST_BOXES:
        svg = path.with_name(f"{path.name}.svg")
        svg.write_text(to_svg(dot), encoding="utf-8")


def _computations(text: str) -> Iterator[tuple[str, str]]:
    """The text of each computation of a program's text, by name."""
    name = ""
    lines: list[str] = []
    for line in text.splitlines():
        found = _COMPUTATION.match(line)
        if found and line.endswith("{"):
            name, lines = found["name"], []
        lines.append(line)
        if line == "}" and name:
            yield name, "\n".join([*lines, ""])
            name = ""
