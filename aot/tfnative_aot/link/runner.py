# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Links archives into programs that run them once, for emulators."""

from __future__ import annotations

import os
from pathlib import Path

from tfnative_aot.link.find_toolchain import runner_toolchain
from tfnative_aot.link.linking import link_program
from tfnative_aot.link.toolchain import Toolchain, sources_dir
from tfnative_aot.machines.targets import Target


def link_runner(
    artifact: Path, name: str, target: Target, output: Path
) -> Toolchain | None:
    """Links libNAME.a into a program that needs nothing of the target's system.

    Returns:
        With what, or None if nothing here can.
    """
    toolchain = runner_toolchain(target)
    if toolchain is None:
        return None
    _, headers = sources_dir()
    source = headers.parent / "runner" / "run_artifact.c"
    flags = [f"-I{headers}", f"-DTFN_ARTIFACT={name}_artifact"]
    link_program(toolchain, [*flags, source, artifact / f"lib{name}.a"], output)
    os.chmod(output, 0o755)
    return toolchain
