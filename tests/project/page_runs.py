# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How blocks of the pages are run: what they take for granted, and which are not."""

from __future__ import annotations

_IMAGES = """
import numpy as np
images = np.random.default_rng(0).random((100, 8, 8, 1), dtype=np.float32)
np.save("images.npy", images)
"""
_VERSIONS = """
from pathlib import Path
Path("models/digits").mkdir(parents=True)
for version in ("1", "3", "5"):
    Path("models/digits", version).symlink_to(Path("build/digits").resolve())
"""
_SERVER = """
import json, signal, subprocess, sys
server = subprocess.Popen(
    [sys.executable, "-m", "tfnative", "serve", "models/digits",
     *"--host 127.0.0.1 --port 0 --rest-port 0 --json".split()],
    stdout=subprocess.PIPE, text=True)
cleanup.append(lambda: (server.send_signal(signal.SIGTERM), server.wait()))
text = server.stdout.readline()
while True:
    try:
        listening = json.loads(text)
        break
    except json.JSONDecodeError:
        text += server.stdout.readline()
replace["localhost:8500"] = listening["grpc"]
replace["localhost:8501"] = listening["rest"]
"""
SETUPS = {
    "README.md": _IMAGES,
    "batching.md": _IMAGES
    + """
import asyncio, tfnative
from pathlib import Path
Path("batching.txt").write_text("max_batch_size { value: 32 }\\n")
x = images[:2]
rows = [images[:1], images[1:2]]
model = tfnative.load("build/digits")
new_model = tfnative.load("build/digits")
""",
    "model_store.md": _IMAGES + _VERSIONS,
    "serving.md": _IMAGES + _VERSIONS + _SERVER,
    "wheel.md": _IMAGES,
}
"""Python that runs before a page's blocks."""

FILES = {
    "embed.md": {"app/main.cc": ("cpp", 0), "app/CMakeLists.txt": ("cmake", 0)},
}
"""Blocks that the page tells a reader to save."""

_INSTALLS = "installs, which needs a network"
_SECONDS = "compiles for ten seconds what get_started.md compiles; options are checked"
_AUTO = "tests/aot/test_auto.py and test_split_model.py run it on models of their own"
_TENSORFLOW = "tests/python/tensorflow runs it on models of its own"
_FRAGMENT = "not a whole project: names of targets are checked"
_BAZEL = "tests/aot/test_bazel.py builds such a workspace"

NOT_RUN: dict[tuple[str, str], str] = {
    ("get_started.md", 'pip install ".[aot]"'): _INSTALLS,
}
"""Blocks that are not run, by page and first line, with the reason."""
