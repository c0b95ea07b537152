# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the pages of the documentation show works as it is shown."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.page_runs import FILES, NOT_RUN, PROGRAMS, SETUPS
from tests.project.pages import PAGES, ROOT, Block, blocks
from tests.turns import Once

RUNNABLE = {"python", "sh", "c", "cpp"}
READ_ONLY = {"", "text", "json", "yaml", "dockerfile", "starlark", "cmake"}
START = "get_started.md"

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("bash", "c++", "cc")),
    reason="needs bash and a C++ compiler",
)


@pytest.fixture(scope="session")
def workspace(once: Once) -> Path:
    """The folder in which a reader of get_started.md ends: one model, compiled."""
    pytest.importorskip("tensorflow", reason="compiling needs TensorFlow")

    def read(folder: Path) -> Path:
        run_page(START, folder)
        return folder

    return once("reader", read)


def runnable(page: str) -> list[Block]:
    return [
        block
        for block in blocks(page)
        if block.language in RUNNABLE and (page, block.first_line) not in NOT_RUN
    ]


def run_page(page: str, folder: Path) -> None:
    for name, (language, number) in FILES.get(page, {}).items():
        chosen = [block for block in blocks(page) if block.language == language]
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(chosen[number].code)
    job = folder / "job.json"
    content = {
        "page": page,
        "setup": SETUPS.get(page, ""),
        "include": [
            "build/digits/include",
            "build/detector/include",
            str(ROOT / "cpp" / "include"),
        ],
        "blocks": [vars(block) for block in runnable(page)],
    }
    job.write_text(json.dumps(content))
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": programs, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("run_page.py")), str(job)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if p != START and runnable(p)])
def test_the_blocks_run_from_top_to_bottom(page: str, workspace: Path, tmp_path: Path):
    missing = [name for name in PROGRAMS.get(page, ()) if shutil.which(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    for name in ("saved_models", "build"):
        (tmp_path / name).mkdir()
        for child in (workspace / name).iterdir():
            shutil.copytree(child, tmp_path / name / child.name)
    run_page(page, tmp_path)


def test_get_started_ends_with_a_compiled_model(workspace: Path):
    assert (workspace / "build" / "digits" / "libdigits.so").is_file()


def test_every_block_is_run_or_has_a_reason_not_to_be():
    known = {(page, block.first_line) for page in PAGES for block in blocks(page)}
    assert NOT_RUN.keys() <= known
    for reason in NOT_RUN.values():
        assert reason
        for name in re.findall(r"tests/[\w/]+\.py", reason):
            assert (ROOT / name).is_file(), name
    languages = {block.language for page in PAGES for block in blocks(page)}
    assert languages <= RUNNABLE | READ_ONLY


def test_no_code_hides_in_indented_blocks():
    for page, path in PAGES.items():
        text = re.sub(r"^( *)```.*?^\1```$", "", path.read_text(), flags=re.M | re.S)
        indented = re.findall(r"\n\n    \S[^\n]*", text)
        assert not indented, f"{page}: {indented}"
