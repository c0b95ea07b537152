# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""No request is lost while servers are restarted one after the other.

`make test-rolling` asks more often.
"""

from __future__ import annotations

import os

import pytest

from tests.python.serving.server.rolling import SERVERS, roll

REQUESTS = int(os.environ.get("TFNATIVE_ROLLING_REQUESTS", "2000"))


@pytest.mark.slow
def test_all_requests_are_answered_while_servers_restart(artifacts, tmp_path):
    folder = tmp_path / "affine"
    folder.mkdir()
    (folder / "1").symlink_to(artifacts[1])
    outcome = roll(folder, REQUESTS)
    answered = sum(outcome.answered.values())
    print(f"{answered} answered: {dict(outcome.answered)}")
    print(f"{outcome.restarts} restarts, exit codes {dict(outcome.codes)}")
    print(f"{len(outcome.wrong)} wrong, {len(outcome.lost)} lost: {outcome.lost[:3]}")
    assert outcome.wrong == []
    assert outcome.lost == []
    assert answered >= REQUESTS
    assert len(outcome.answered) == 4
    assert outcome.restarts >= SERVERS
    assert outcome.codes.keys() == {0}
