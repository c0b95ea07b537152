# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Fashion-MNIST: 60,000 and 10,000 images of clothes, 28x28 pixels.

Read from where Debian's package ``dataset-fashion-mnist`` puts it, in the IDX format
of http://yann.lecun.com/exdb/mnist: a header of big-endian 32-bit numbers (0x0801 for
labels, 0x0803 for images; then the sizes), and the bytes.
"""

from __future__ import annotations

import gzip
import math
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.spec import Arrays, FeatureSpec, Source
from training.errors import DataError

FOLDER = Path("/usr/share/datasets/fashion-mnist")
LABELS = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
HOW = "as root: apt-get install dataset-fashion-mnist; or train on --data digits"


def load(folder: Path | None = None) -> Source:
    """Reads the four files of a folder, by default Debian's."""
    folder = folder or FOLDER
    return Source(
        task="classify",
        features={"image": FeatureSpec((28, 28, 1), stored="pixels")},
        labels=LABELS,
        train=_read(folder, "train"),
        held_out=_read(folder, "t10k"),
    )


def _read(folder: Path, part: str) -> Arrays:
    images = _idx(folder / f"{part}-images-idx3-ubyte.gz", dimensions=3)
    labels = _idx(folder / f"{part}-labels-idx1-ubyte.gz", dimensions=1)
    if len(images) != len(labels):
        raise DataError(
            f"{folder}: {len(images)} images of {part}, but {len(labels)} labels: "
            "install the files again"
        )
    return Arrays({"image": images[..., np.newaxis]}, labels.astype(np.int64))


def _idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    try:
        content = gzip.decompress(path.read_bytes())
    except FileNotFoundError:
        raise DataError(
            f"Fashion-MNIST is not there, {path} is missing: {HOW}"
        ) from None
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read ({error}): {HOW}") from error
    header = 4 * (1 + dimensions)
    if len(content) >= header:
        magic, *shape = struct.unpack(f">{1 + dimensions}I", content[:header])
        if magic == 0x0800 + dimensions and len(content) == header + math.prod(shape):
            return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
    raise DataError(f"{path} is no IDX file of {dimensions} dimensions: {HOW}")
