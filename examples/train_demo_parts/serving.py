# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Serves a compiled model in a process of its own, and asks it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

import tfnative
from train_demo_parts.command import ROOT, FailedError


def served_accuracy(artifact: Path, held_out: Path) -> float:
    """Which part of the held-out digits a server has right, in [0, 1].

    Args:
        artifact: The compiled model; the server is given a folder of its versions.
        held_out: ``images`` (rows, 8, 8, 1) and ``labels`` (rows,), in an npz file.

    Raises:
        FailedError: The server does not start.
    """
    versions = artifact.parent / "models" / "digits"
    versions.mkdir(parents=True)
    (versions / "1").symlink_to(artifact)
    command = (sys.executable, "-m", "tfnative", "serve", str(versions))
    options = "--host 127.0.0.1 --port 0 --rest-port 0 --json".split()
    print("$ tfnative serve", versions.relative_to(ROOT), *options, flush=True)
    log = artifact.parent / "server.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [*command, *options],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
        ) as server,
    ):
        try:
            assert server.stdout is not None
            said = server.stdout.readline()
            if not said:
                raise FailedError(f"the server does not listen: see {log}")
            address = f"127.0.0.1:{json.loads(said)['port']}"
            rows = np.load(held_out)
            with tfnative.serving.Client(address) as client:
                found = client.predict("digits", {"image": rows["images"]})
        finally:
            server.terminate()
    right = found["probabilities"].argmax(axis=1) == rows["labels"]
    print(f"  {address} has {right.sum()} of {right.size} digits right")
    return float(right.mean())
