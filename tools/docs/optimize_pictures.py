# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m tools.docs.optimize_pictures: the pictures of docs/optimize.md.

They are cut out of the report of an optimization. Chromium photographs the page.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
STEPS = "fold_constants fold_batch_norms quantize_weights(minimum_size=256)"
_PICTURE = re.compile(r'<div role="img"[^>]*>(<svg.*?</svg>)', re.DOTALL)
_SECTION = re.compile(r"<section.*?</section>", re.DOTALL)
_NAMES = ("fold_constants", "fold_batch_norms", "quantize_weights")


def main() -> None:
    """Exports a small network, optimizes it, and writes the pictures."""
    import tfnative

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _export(folder / "photos")
        report = folder / "report.html"
        tfnative.optimize(
            folder / "photos",
            folder / "small",
            signatures=["serving_default"],
            transforms=STEPS,
            report=report,
        )
        for step, section in zip(
            ("freeze", *_NAMES),
            _SECTION.findall(report.read_text(encoding="utf-8")),
            strict=True,
        ):
            *before, last = _PICTURE.findall(section)
            shown = before[0] if step == "fold_constants" else last
            (IMAGES / f"optimize_{step}.svg").write_text(f"{shown}\n")
        _photograph(report)


def _export(path: Path) -> None:
    import keras

    keras.utils.set_random_seed(1)
    image = keras.Input((32, 32, 3), name="image")
    x = keras.layers.Conv2D(16, 3, use_bias=False, name="conv")(image)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.ReLU(name="relu")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    classes = keras.layers.Dense(10, activation="softmax", name="dense")(x)
    keras.Model(image, {"classes": classes}).export(str(path), verbose=False)


def _photograph(page: Path) -> None:
    subprocess.run(
        [
            "chromium",
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            "--window-size=1200,1000",
            f"--screenshot={IMAGES / 'optimize_report.png'}",
            page.as_uri(),
        ],
        check=True,
        capture_output=True,
    )


if __name__ == "__main__":
    main()
