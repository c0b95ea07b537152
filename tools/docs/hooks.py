# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What MkDocs calls while it builds the site; see mkdocs.yml."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files, InclusionLevel

# MkDocs loads this file by its path, and knows nothing of the package it is in.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tools.docs import cli_reference, header_reference, source_pages

ROOT = source_pages.ROOT
_CPP = (
    "model.hpp",
    "tensor.hpp",
    "error.hpp",
    "checksum.hpp",
    "thread_pool.hpp",
    "batcher.hpp",
    "batch_options.hpp",
    "batch_metrics.hpp",
    "clock.hpp",
    "example.hpp",
    "tensorflow_model.hpp",
    "tensorflow_options.hpp",
)
GENERATED = {
    "cli.md": cli_reference.render,
    "reference/cpp.md": lambda: header_reference.render(_CPP, "cpp"),
    "reference/c.md": lambda: header_reference.render(("tfnative.h", "abi.h"), "c"),
}
"""Pages whose last line, ``MARK``, gives way to what is read out of the sources."""
MARK = "<!-- The site continues with what the sources say. -->"


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Adds the pages that are elsewhere in the tree, and those of linked files."""
    waiting: set[Path] = set()
    for page in [file for file in files if file.src_uri.endswith(".md")]:
        text = (ROOT / "docs" / page.src_uri).read_text()
        folder = f"docs/{page.src_uri}".rpartition("/")[0]
        waiting |= source_pages.rewrite(text, folder, page.src_uri)[1]
    for name, uri in source_pages.PAGES.items():
        if uri != "index.md":
            text, linked = source_pages.rewrite((ROOT / name).read_text(), "", uri)
            files.append(File.generated(config, uri, content=text))
            waiting |= linked
    done: set[Path] = set()
    while waiting:
        path = waiting.pop()
        done.add(path)
        text, linked = source_pages.render(path)
        uri = source_pages.page_of(path)
        file = File.generated(config, uri, content=text)
        file.inclusion = InclusionLevel.NOT_IN_NAV
        files.append(file)
        waiting |= linked - done
    return files


def _where_it_is(match: re.Match[str]) -> str:
    """The path of a class that users meet, but do not name."""
    for path in sorted((ROOT / "python").rglob("*.py")):
        if re.search(rf"^class {match[1]}\b", path.read_text(), re.MULTILINE):
            module = path.relative_to(ROOT / "python").with_suffix("")
            return f"::: {'.'.join(module.parts)}.{match[1]}"
    raise ValueError(f"no class {match[1]}")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Puts in what is generated, and makes links fit for the site."""
    uri = page.file.src_uri
    if page.file.generated_by:
        return markdown
    if uri in GENERATED:
        before, mark, after = markdown.partition(MARK)
        if not mark:
            raise ValueError(f"docs/{uri} has no line {MARK}")
        markdown = before + GENERATED[uri]() + after
    if uri == "reference/python.md":
        markdown = re.sub(r"^::: (\w+)$", _where_it_is, markdown, flags=re.MULTILINE)
    folder = f"docs/{uri}".rpartition("/")[0]
    return source_pages.rewrite(markdown, folder, uri)[0]
