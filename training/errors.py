# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What goes wrong while training, as one tree of exceptions.

    TrainingError
      DataError         data is missing, damaged or does not fit the model
      ClusterError      a cluster cannot be described, reached or kept
        PeerLostError     another member is gone; the same command goes on later
      CheckpointError   a checkpoint cannot be written or does not fit the model
      ExportError       a model cannot be written where it was asked for

Each message is one line that says what came, what was expected and what to do: the
command line prints it to standard error, and ends with exit code 1.
"""

from __future__ import annotations

import re


def reason_of(error: Exception) -> str:
    """What an error of the system or of TensorFlow says, in a part of a line.

    TensorFlow's begins with the op that says it, and has more lines of what it did.
    """
    said = getattr(error, "strerror", None) or getattr(error, "message", None)
    lines = str(said or error).strip().splitlines()
    line = re.sub(r"^\{\{.*?\}\}\s*", "", lines[0]) if lines else ""
    return re.sub(r"\s*\[Op:\w+\].*$", "", line).strip() or type(error).__name__


class TrainingError(Exception):
    """Something that a person can mend; the message says how."""


class DataError(TrainingError):
    """Data is missing, damaged, or does not fit the model."""


class ClusterError(TrainingError):
    """A cluster cannot be described, reached or kept."""


class PeerLostError(ClusterError):
    """Another member of the cluster is gone; start again from the last checkpoint."""


class CheckpointError(TrainingError):
    """A checkpoint cannot be written, or does not fit the model."""


class ExportError(TrainingError):
    """A model cannot be written where it was asked for."""
