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


_STARTED_AGAIN = (
    "primary device is not remote",
    "unable to find the relevant tensor remote_handle",
    "unknown device",
)
"""What TensorFlow says is an invalid argument where a member has been started again
before anybody missed it: a tensor, or a device, that the new process does not have. See
tensorflow/python/distribute/coordinator/cluster_coordinator.py, which looks for the
same."""


def is_of_a_peer(error: Exception) -> bool:
    """Whether an operation failed since another member of the cluster is gone.

    Whoever says of errors what else they mean leaves these to ``peers_needed``: a
    member may die while weights are read, written or looked at.
    """
    import tensorflow as tf

    gone = (
        tf.errors.UnavailableError,
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
    )
    if isinstance(error, gone):
        return True
    said = str(error).lower()
    is_wrong = isinstance(error, tf.errors.InvalidArgumentError)
    return is_wrong and any(text in said for text in _STARTED_AGAIN)


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
