# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What members of clusters share."""

from __future__ import annotations

import pytest

from training.cluster.common import peers_needed
from training.errors import PeerLostError

# As chiefs had them whose servers died again and again.
OF_PEERS = [
    "Unable to find the relevant tensor remote_handle: Op ID: 7, Output num: 0. One "
    "possible cause is that the tensor was accessed after deletion in a distributed "
    "environment. This could happen if the remote target has been disconnected from "
    "the client.",
    "/job:ps/replica:0/task:0/device:CPU:0 unknown device.",
    "Primary device is not remote",
]


@pytest.mark.parametrize("said", OF_PEERS)
def test_a_peer_that_was_started_again_is_a_peer_that_is_gone(said: str):
    import tensorflow as tf

    with pytest.raises(PeerLostError, match="another member is gone"), peers_needed():
        raise tf.errors.InvalidArgumentError(None, None, said)


def test_other_invalid_arguments_are_errors():
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError), peers_needed():
        raise tf.errors.InvalidArgumentError(None, None, "shapes do not fit")
