# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The commands show nothing that TensorFlow logs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.models import ZOO, ModelCase
from tfnative._base.log_lines import is_log_line

pytestmark = pytest.mark.slow  # Each command is a process that loads TensorFlow.

Export = Callable[[ModelCase], Path]


@pytest.mark.parametrize("name", ["mlp", "refused_random"])
def test_compiling_shows_progress_and_errors_alone(
    name: str, export: Export, tmp_path: Path
) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    command = ["compile", export(ZOO[name]), "-o", tmp_path / "a", "--cpu", "native"]
    done = subprocess.run(
        [sys.executable, "-m", "tfnative", *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    lines = [*done.stdout.splitlines(), *done.stderr.splitlines()]
    assert [line for line in lines if is_log_line(line)] == []
    if name == "mlp":
        assert done.returncode == 0, done.stderr
        assert any("load the model" in line for line in lines)
    else:
        assert done.returncode == 1
        assert any("(RandomUniform)" in line for line in lines)
