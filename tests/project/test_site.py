# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The site of the documentation builds without warnings, and needs no network."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import ratio_chart
from tests.project.pages import PAGES, ROOT
from tools.docs import diagrams, source_pages

_PACKAGES = ("mkdocs", "material", "mkdocstrings")
_LOADED = re.compile(r'<(?:script|img|iframe)[^>]* src="([^"]+)"|<link[^>]*>')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)}: pip install tfnative[docs] brings them")
    folder = tmp_path_factory.mktemp("site")
    command = ("-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder)
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_there(site: Path):
    for page in [*PAGES, "contributing.md", "changelog.md"]:
        if page != "README.md":
            assert (site / page).with_suffix(".html").is_file(), page


def test_references_are_read_out_of_the_sources(site: Path):
    for page, word in {
        "cli.html": "--batching-parameters-file",
        "reference/cpp.html": "default_signature",
        "reference/c.html": "tfn_model_load",
        "reference/python.html": "enable_large_batch_splitting",
    }.items():
        assert word in (site / page).read_text(), page


def test_nothing_is_loaded_from_elsewhere(site: Path):
    for page in site.rglob("*.html"):
        for match in _LOADED.finditer(page.read_text()):
            is_link = match[1] is None
            if is_link and 'rel="canonical"' in match[0]:
                continue
            assert "://" not in match[0], f"{page.name}: {match[0]}"


def test_links_to_sources_lead_to_pages_with_their_text(site: Path):
    page = (site / "bazel.html").read_text()
    assert 'href="source/examples/bazel.html"' in page
    text = (site / "source" / "examples" / "bazel" / "BUILD.bazel.html").read_text()
    assert "tfnative_library" in text


def test_links_are_rewritten_for_where_the_page_is():
    text = "[a](../cpp/x.hpp#y) [b](errors.md) [c](https://a.b/c) [d](../README.md)"
    found, linked = source_pages.rewrite(text, "docs", "edge.md")
    assert found == (
        "[a](source/cpp/x.hpp.md#y) [b](errors.md) [c](https://a.b/c) [d](index.md)"
    )
    assert linked == {ROOT / "cpp" / "x.hpp"}


@pytest.mark.parametrize("name", diagrams.PICTURES)
def test_pictures_are_what_their_script_draws(name: str):
    committed = (diagrams.FOLDER / name).read_text()
    assert committed == diagrams.PICTURES[name](), "run python -m tools.docs.diagrams"


def test_every_picture_is_shown():
    text = "".join(path.read_text() for path in PAGES.values())
    for name in diagrams.PICTURES:
        assert f"images/{name})" in text


def test_the_chart_shows_the_table_of_performance():
    figures = json.loads(ratio_chart.FIGURES.read_text())["ratios"]
    page = PAGES["performance.md"].read_text()
    for result in figures:
        (row,) = re.findall(rf"^\| {re.escape(result['model'])} \| .*%.*$", page, re.M)
        cells = [cell.strip() for cell in row.split("|")]
        assert [float(cells[3]), float(cells[6])] == [result["1"], result["32"]]
