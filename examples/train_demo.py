# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Trains a model by three strategies, compiles it, and serves it: `make train-demo`.

Writes SavedModels to ``saved_models/train_demo``, the compiled model to
``build/train_demo/digits``, and a chart of how it was fed to ``build/train_demo``.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

import tfnative

ROOT = Path(__file__).resolve().parents[1]
MODELS = Path("saved_models/train_demo")
OUTPUT = Path("build/train_demo")
STRATEGIES = ("single", "mirrored", "central")


def main() -> int:
    """Runs the demonstration; fails if a strategy or the server is wrong."""
    shutil.rmtree(ROOT / OUTPUT, ignore_errors=True)
    for strategy in STRATEGIES:
        _say(f"Train by the strategy {strategy}")
        _training("fit", "--strategy", strategy, "--epochs", "6", "--output")
    _say("How it was fed")
    chart = ("--steps", "50", "--plot", str(OUTPUT / "feed.png"))
    _run(sys.executable, "-m", "training", "feed", "--data", "digits", *chart)
    _say("Compile, and compare with TensorFlow")
    artifact = OUTPUT / "digits"
    saved_model = MODELS / "single"
    check = ("check", str(saved_model), "-o", str(artifact))
    _run(sys.executable, "-m", "training", *check)
    _say("Serve, and predict the held-out digits")
    versions = ROOT / OUTPUT / "models" / "digits"
    versions.mkdir(parents=True)
    (versions / "1").symlink_to(ROOT / artifact)
    return _serve(versions, ROOT / MODELS / "single_heldout.npz")


def _training(*arguments: str) -> None:
    strategy = arguments[arguments.index("--strategy") + 1]
    command = (sys.executable, "-m", "training", *arguments)
    _run(*command, str(MODELS / strategy), "--overwrite")


def _serve(model: Path, held_out: Path) -> int:
    command = [sys.executable, "-m", "tfnative", "serve", str(model)]
    options = "--host 127.0.0.1 --port 0 --rest-port 0 --json".split()
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as server:
        try:
            assert server.stdout is not None
            port = json.loads(server.stdout.readline())["port"]
            rows = np.load(held_out)
            with tfnative.serving.Client(f"127.0.0.1:{port}") as client:
                found = client.predict("digits", {"image": rows["images"]})
        finally:
            server.send_signal(signal.SIGTERM)
    right = found["probabilities"].argmax(axis=1) == rows["labels"]
    print(f"served accuracy: {right.mean():.4f} ({right.sum()} of {right.size})")
    return 0 if right.mean() > 0.95 else 1


def _run(*command: str) -> None:
    print("$", " ".join([Path(command[0]).name, *command[1:]]), flush=True)
    subprocess.run(command, cwd=ROOT, check=True)


def _say(what: str) -> None:
    print(f"\n=== {what}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
