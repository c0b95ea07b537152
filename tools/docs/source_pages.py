# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Lets the pages' links to files beside ``docs/`` lead somewhere on the site, too.

In the tree, a page links to ``../examples/cpp/main.cc``, which every viewer of
repositories shows. The site has only pages. So each file that is linked becomes a page
with its text, and each folder one with a list of its files.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "source"
"""Where such pages are on the site."""

# Files of the tree that are pages of the site under another name.
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
}
_LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
_LANGUAGES = {
    ".c": "c",
    ".cc": "cpp",
    ".h": "c",
    ".hpp": "cpp",
    ".java": "java",
    ".py": "python",
    ".sh": "sh",
    ".txt": "cmake",
}


def rewrite(text: str, place: str, page: str) -> tuple[str, set[Path]]:
    """Makes links of a text fit for the site.

    Args:
        text: Markdown.
        place: Folder of the text in the tree, relative to the root.
        page: The page's path on the site, as "reference/c.md".

    Returns:
        The text, and the files and folders beside ``docs/`` that it links to.
    """
    linked: set[Path] = set()

    def target(match: re.Match[str]) -> str:
        before, link, after = match.groups()
        if "://" in link or link.startswith("mailto:"):
            return match[0]
        path = posixpath.normpath(posixpath.join(place, link))
        if path.startswith("docs/"):
            found = path.removeprefix("docs/")
        elif path in PAGES:
            found = PAGES[path]
        else:
            linked.add(ROOT / path)
            found = page_of(ROOT / path)
        relative = posixpath.relpath(found, posixpath.dirname(page) or ".")
        return f"{before}{relative}{after}"

    return _LINK.sub(target, text), linked


def page_of(path: Path) -> str:
    """The path on the site of a file's or folder's page."""
    name = path.relative_to(ROOT).as_posix()
    return f"{FOLDER}/{name}" if name.endswith(".md") else f"{FOLDER}/{name}.md"


def render(path: Path) -> tuple[str, set[Path]]:
    """The page of a file or folder, and what it links to."""
    name = path.relative_to(ROOT).as_posix()
    if path.is_dir():
        return _render_folder(path, name)
    if path.suffix == ".md":
        return rewrite(path.read_text(), posixpath.dirname(name), page_of(path))
    language = _LANGUAGES.get(path.suffix, "text")
    text = path.read_text().rstrip("\n")
    return f"# {name}\n\n````{language}\n{text}\n````\n", set()


def _render_folder(folder: Path, name: str) -> tuple[str, set[Path]]:
    names = sorted(
        child.name + ("/" if child.is_dir() else "")
        for child in folder.iterdir()
        if not child.name.startswith((".", "__pycache__", "bazel-"))
    )
    lines = [f"# {name}/", "", *(f"- {_entry(folder, child)}" for child in names), ""]
    linked = {folder / child for child in names}
    return "\n".join(lines), {path for path in linked if path.is_file()}


def _entry(folder: Path, name: str) -> str:
    path = folder / name
    if path.is_dir():
        return f"`{name}`"
    here = posixpath.dirname(page_of(folder))
    return f"[{name}]({posixpath.relpath(page_of(path), here)})"
