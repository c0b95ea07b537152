# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Draws the pictures of the documentation.

    python -m tools.docs.diagrams

writes docs/images anew. A test checks that the files in the tree are what this draws.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks import ratio_chart
from benchmarks.scale import chart as scale_chart
from tools.docs import calibration_picture
from tools.docs.svg import MUTED, Picture

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "images"


def flow() -> str:
    """From a SavedModel to the programs that predict with it."""
    title = "A SavedModel is compiled into an artifact, which many programs load"
    picture = Picture(760, 250, title)
    picture.box(10, 95, 150, 60, "SavedModel", "saved_models/digits")
    picture.box(
        198, 95, 165, 60, "tfnative compile", "once, with TensorFlow", kind="ours"
    )
    picture.box(
        400, 85, 125, 80, "artifact", "build/digits:", "library, headers", kind="file"
    )
    picture.arrow((160, 125), (196, 125))
    picture.arrow((363, 125), (398, 125))
    ends = (
        ("Python", 'tfnative.load("build/digits")'),
        ("C++", "find_package(digits)"),
        ("C", '#include "digits.h"'),
        ("service", "tfnative serve models/digits"),
    )
    for number, (name, how) in enumerate(ends):
        y = 15 + 57 * number
        picture.box(560, y, 192, 47, name, how, kind="ours")
        picture.arrow((525, 125), (541, 125), (541, y + 23), (558, y + 23))
    picture.text(280, 195, "where models are built", colour=MUTED)
    picture.text(462, 195, "all there is to ship", colour=MUTED)
    return picture.render()


def pipeline() -> str:
    """The stages of the compiler."""
    picture = Picture(760, 290, "The stages of the compiler")
    rows = (
        (
            ("load", "signatures, weights"),
            ("freeze", "constants for variables"),
            ("check", "names every bad node"),
            ("XLA", "in a child process"),
        ),
        (
            ("program", "steps over buffers"),
            ("passes", "pack, fuse, place"),
            ("emit", "C and weights"),
            ("link", "with our kernels"),
        ),
    )
    for row, stages in enumerate(rows):
        for column, (name, what) in enumerate(stages):
            x, y = 20 + 185 * column, 25 + 95 * row
            picture.box(x, y, 160, 55, name, what, kind="ours")
            if column:
                picture.arrow((x - 25, y + 27), (x - 2, y + 27))
    picture.arrow((655, 80), (655, 100), (100, 100), (100, 118))
    picture.box(390, 215, 160, 55, "artifact", "library, manifest", kind="file")
    picture.box(205, 215, 160, 55, "verify", "against TensorFlow", kind="ours")
    picture.arrow((655, 175), (655, 242), (552, 242))
    picture.arrow((390, 242), (367, 242))
    picture.text(110, 235, "if a result differs too much,", colour=MUTED)
    picture.text(110, 252, "nothing is written", colour=MUTED)
    return picture.render()


def batcher() -> str:
    """From requests to batches and back."""
    picture = Picture(760, 240, "A batcher joins requests into batches")
    for number, caller in enumerate(("thread", "coroutine", "thread")):
        y = 25 + 70 * number
        picture.box(15, y, 110, 46, caller, "1 row")
        picture.arrow((125, y + 23), (165, y + 23), (165, 118), (193, 118))
    picture.box(195, 88, 130, 60, "queue", "bounded, in order", kind="ours")
    picture.box(380, 88, 150, 60, "batch", "full, or time is up", kind="ours")
    picture.box(590, 88, 150, 60, "model", "one call, 3 rows", kind="ours")
    picture.arrow((325, 118), (378, 118))
    picture.arrow((530, 118), (588, 118))
    picture.arrow((665, 148), (665, 215), (145, 215))
    picture.text(400, 207, "each caller gets its own rows, exactly once", colour=MUTED)
    return picture.render()


def model_store() -> str:
    """The life of a version in a store."""
    picture = Picture(760, 200, "The states of a version in a model store")
    states = (
        ("START", "found"),
        ("LOADING", "selftest, warm-up"),
        ("AVAILABLE", "takes requests"),
        ("UNLOADING", "takes no new ones"),
        ("END", "gone, or failed"),
    )
    for number, (name, what) in enumerate(states):
        x = 15 + 150 * number
        kind = "ours" if name == "AVAILABLE" else "plain"
        picture.box(x, 50, 125, 55, name, what, kind=kind)
        if number:
            picture.arrow((x - 25, 77), (x - 2, 77))
    picture.arrow((227, 105), (227, 155), (677, 155), (677, 107))
    picture.text(450, 148, "a check fails: the old version serves on", colour=MUTED)
    picture.text(
        377, 30, "the old version goes only when the new one is here", colour=MUTED
    )
    return picture.render()


PICTURES = {
    "flow.svg": flow,
    "pipeline.svg": pipeline,
    "batcher.svg": batcher,
    "model_store.svg": model_store,
    "ratios.svg": ratio_chart.draw,
    "calibration.svg": calibration_picture.draw,
    "scale.svg": scale_chart.draw,
}


def main() -> None:
    """Writes the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (FOLDER / name).write_text(draw())


if __name__ == "__main__":
    main()
