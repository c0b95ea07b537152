# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Pages that list something list all of it, and what they name exists."""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import shlex
import zlib
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import cast

import pytest

import tfnative
from tests.project import refusals
from tests.project.pages import DOCS, PAGES, ROOT, Block, blocks
from tools.docs import cli_reference, header_reference

COMMANDS = dict(cli_reference.commands(tfnative.cli.make_parser()))
# Names that only look like variables or options of the build.
NOT_VARIABLES = {"TFNATIVE_VERSION", "TFNATIVE_KERNEL_LEVELS", "TFNATIVE_MODEL_"}


def words(text: str) -> str:
    return " ".join(text.replace("`", "").split())


def test_every_message_of_the_compiler_is_explained():
    page = words((DOCS / "refused.md").read_text())
    found = refusals.messages()
    assert len(found) > 80
    missing = [f"{where}: {m}" for m, where in found.items() if words(m) not in page]
    assert missing == []


def test_every_variable_is_documented_and_exists():
    named: set[str] = set()
    for folder in ("python", "aot", "cpp", "cmake", "tests"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".h", ".hpp", ".cc", ".cmake", ".txt", ".sh"}:
                named |= set(re.findall(r"\bTFNATIVE_[A-Z_]+", path.read_text()))
    named |= set(
        re.findall(r"\bTFNATIVE_[A-Z_]+", (ROOT / "CMakeLists.txt").read_text())
    )
    used = {n for n in named if not n.endswith(("_H_", "_CACHE_DIR"))} - NOT_VARIABLES
    page = (DOCS / "environment.md").read_text()
    assert set(re.findall(r"\bTFNATIVE_[A-Z_]+", page)) == used


def test_every_logger_is_documented():
    loggers = {
        name
        for path in (ROOT / "python").rglob("*.py")
        for name in re.findall(r'getLogger\("(tfnative[\w.]*)"\)', path.read_text())
    }
    page = (DOCS / "environment.md").read_text()
    assert loggers
    assert [name for name in loggers if f"| `{name}` |" not in page] == []


def test_every_error_is_documented():
    page = (DOCS / "errors.md").read_text()
    for name in tfnative.errors.__all__:
        if name.endswith("Error") and name != "Error":
            assert f"| `{name}`" in page, name


def test_every_public_name_is_in_the_reference():
    page = (DOCS / "reference" / "python.md").read_text()
    for module in (tfnative, tfnative.serving):
        for name in module.__all__:
            if name != "serving" and not name.endswith("Error"):
                assert f"::: {module.__name__}.{name}\n" in page, name


def test_every_public_header_is_in_a_reference():
    hooks = (ROOT / "tools" / "docs" / "hooks.py").read_text()
    for header in header_reference.HEADERS.iterdir():
        assert f'"{header.name}"' in hooks, header.name
        assert header_reference.declarations(header), header.name


def test_headers_lose_what_is_private_and_nothing_else():
    (model,) = (
        d
        for d in header_reference.declarations(header_reference.HEADERS / "model.hpp")
        if d.name == "Model"
    )
    code = "\n".join(model.code)
    assert "static Model load(" in code
    assert "private:" not in code
    assert code.endswith("};")
    assert model.comment[0].startswith("A compiled model in memory.")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches(command: str):
    parser = COMMANDS[command]
    assert "examples:\n" in (parser.epilog or "")
    assert f"  {command}" in (parser.epilog or "")
    for action in parser._actions:
        assert action.help, f"{command} {action.option_strings} says nothing"
        if takes_an_optional_value(action):
            assert "default" in action.help, f"{command} {action.option_strings}"


def takes_an_optional_value(action: argparse.Action) -> bool:
    is_plain = action.nargs is None and not isinstance(
        action, argparse._VersionAction | argparse._HelpAction
    )
    return bool(action.option_strings) and is_plain and not action.required


def test_the_reference_of_the_command_line_has_every_flag():
    page = cli_reference.render()
    for command, parser in COMMANDS.items():
        section = page.partition(f"## {command}\n")[2].partition("\n## ")[0]
        assert section, command
        for flag in cli_reference.flags(parser) - {"-h", "--help"}:
            assert flag in section, f"{command} {flag}"


def shown_commands() -> list[tuple[str, str]]:
    return [
        (page, line)
        for page in PAGES
        for block in blocks(page)
        if block.language == "sh"
        for line in block.code.replace("\\\n", " ").splitlines()
        if re.match(r"(\w+=\S+ )*tfnative ", line)
    ]


@pytest.mark.parametrize(("page", "line"), shown_commands())
def test_commands_that_are_shown_exist_with_their_flags(page: str, line: str):
    found = shlex.split(line.partition(" && ")[0], comments=True)
    found = found[found.index("tfnative") :]
    if found == ["tfnative", "--help"]:
        return
    command = next(
        c for c in (" ".join(found[:3]), " ".join(found[:2])) if c in COMMANDS
    )
    flags = {word for word in found if word.startswith("-")}
    assert flags <= cli_reference.flags(COMMANDS[command]), f"{page}: {line}"


def test_options_in_the_text_are_options_of_some_command():
    flags = {
        flag for parser in COMMANDS.values() for flag in cli_reference.flags(parser)
    }
    for page, path in PAGES.items():
        for code in re.findall(r"`tfnative ([^`]+)`", path.read_text()):
            for flag in re.findall(r"(?<!\S)--[a-z-]+", code):
                assert flag in flags, f"{page}: tfnative {code}"


def python_blocks() -> list[tuple[str, Block]]:
    return [
        (page, block)
        for page in PAGES
        for block in blocks(page)
        if block.language == "python"
    ]


@pytest.mark.parametrize(("page", "block"), python_blocks())
def test_calls_have_names_and_keywords_that_exist(page: str, block: Block):
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST
    tree = compile(block.code, page, "exec", flags)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name := dotted(node.func)).startswith(
            "tfnative."
        ):
            function = resolve(name)
            if function is not None:
                known = inspect.signature(function).parameters.values()
                if not any(p.kind is p.VAR_KEYWORD for p in known):
                    given = {keyword.arg for keyword in node.keywords}
                    assert given <= {p.name for p in known}, f"{page}: {name}"


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def resolve(name: str) -> Callable[..., object] | None:
    """What a name stands for, if Python knows its parameters."""
    found: object = tfnative
    for part in name.split(".")[1:]:
        found = getattr(found, part)
    try:
        inspect.signature(found)  # type: ignore[arg-type]
    except ValueError:  # What C++ defines.
        return None
    return cast("Callable[..., object]", found)


def test_lines_fit_a_screen():
    long = [
        f"{page}:{number}"
        for page, path in PAGES.items()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > 100 and not line.startswith(("|", "!["))
    ]
    assert long == []


def test_pages_are_in_the_index_of_the_site():
    nav = (ROOT / "mkdocs.yml").read_text()
    for page in PAGES:
        if page != "README.md":
            assert f": {page}\n" in nav, page


def test_the_wheel_is_as_large_as_the_readme_says():
    (said,) = re.findall(r"\| ([\d.]+) MB wheel", (ROOT / "README.md").read_text())
    packed = sum(
        len(zlib.compress(Path(file.locate()).read_bytes(), 6))
        for file in metadata.files("tfnative") or ()
        if file.suffix != ".pyc"
        and file.parts[0] != ".."
        and Path(file.locate()).exists()
    )
    assert 0.8 * float(said) < packed / 1e6 < 1.15 * float(said)


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_files_that_the_map_names_exist(page: str):
    text = (ROOT / page).read_text()
    roots = "cpp|python|aot|tests|benchmarks|docs|tools|training|examples|cmake"
    for name in re.findall(rf"`((?:{roots})/[\w./]+)`", text):
        assert (ROOT / name).exists(), name
