# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Data to train on: small real sets, kept as sharded TFRecords.

`open_data` finds a set by its name, writes its files once, and gives a `Data` that
reads them as a ``tf.data.Dataset``.
"""

from training.data.dataset import Data
from training.data.open import default_folder, open_data
from training.data.sources import NAMES
from training.data.spec import Arrays, FeatureSpec

__all__ = [
    "NAMES",
    "Arrays",
    "Data",
    "FeatureSpec",
    "default_folder",
    "open_data",
]
