# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Images to train with, and others to test with."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

FASHION = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package ``dataset-fashion-mnist`` has its files."""

CALIBRATED_WITH = 300


@dataclass(frozen=True)
class Images:
    """Images, and what they show.

    Attributes:
        pixels: float32 (rows, height, width, 1), from 0 to 1.
        labels: int64 (rows,), from 0 to 9.
    """

    pixels: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]


@dataclass(frozen=True)
class DataSet:
    """Images of one kind.

    Attributes:
        name: Its name.
        training: What models are trained, and calibrated, with.
        test: What they have not seen.
    """

    name: str
    training: Images
    test: Images

    @property
    def samples(self) -> npt.NDArray[np.float32]:
        """Pixels of the training images whose ranges count."""
        chosen = np.random.default_rng(3).permutation(len(self.training.labels))
        return self.training.pixels[np.sort(chosen[:CALIBRATED_WITH])]


def digits() -> DataSet:
    """scikit-learn's: 898 of 8 by 8 pixels to train with, 899 to test with."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    data = load_digits()
    pixels = (data.images / 16.0).astype(np.float32)[..., np.newaxis]
    x, x_test, y, y_test = train_test_split(
        pixels,
        data.target.astype(np.int64),
        test_size=0.5,
        random_state=1,
        stratify=data.target,
    )
    return DataSet("digits", Images(x, y), Images(x_test, y_test))


def fashion_mnist(folder: Path = FASHION) -> DataSet:
    """Clothes: 60,000 of 28 by 28 pixels to train with, 10,000 to test with.

    Raises:
        FileNotFoundError: They are not there.
    """
    return DataSet("fashion_mnist", _read(folder, "train"), _read(folder, "t10k"))


def _read(folder: Path, part: str) -> Images:
    """Files of big-endian sizes, and bytes behind these."""
    path = folder / f"{part}-images-idx3-ubyte.gz"
    if not path.is_file():
        raise FileNotFoundError(
            f"no {path}: install Debian's package dataset-fashion-mnist"
        )
    content = gzip.decompress(path.read_bytes())
    count, height, width = np.frombuffer(content, ">u4", count=3, offset=4)
    pixels = np.frombuffer(content, np.uint8, offset=16).astype(np.float32) / 255
    content = gzip.decompress((folder / f"{part}-labels-idx1-ubyte.gz").read_bytes())
    labels = np.frombuffer(content, np.uint8, offset=8).astype(np.int64)
    return Images(pixels.reshape(count, height, width, 1), labels)


DATA_SETS: Mapping[str, Callable[[], DataSet]] = {
    "digits": digits,
    "fashion_mnist": fashion_mnist,
}
"""By their names."""
