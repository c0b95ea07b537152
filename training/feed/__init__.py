# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How quickly a device is fed: by NumPy and feed_dict, by a queue, and by tf.data."""

from training.feed.measure import Feeding, FeedOptions, measure

__all__ = ["FeedOptions", "Feeding", "measure"]
