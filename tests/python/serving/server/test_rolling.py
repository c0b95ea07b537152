# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""No request is lost, or answered wrongly, while servers come, go and are changed.

`make test-rolling` asks more often.
"""

from __future__ import annotations

import os
import signal

import pytest

from tests.python.serving.server.rolling import SERVERS, roll

REQUESTS = int(os.environ.get("TFNATIVE_ROLLING_REQUESTS", "2000"))


@pytest.mark.slow
def test_all_requests_are_answered_while_servers_are_restarted_killed_and_changed(
    artifacts, tmp_path
):
    folder = tmp_path / "affine"
    folder.mkdir()
    (folder / "1").symlink_to(artifacts[1])
    outcome = roll(folder, artifacts, REQUESTS)
    answered = sum(outcome.answered.values())
    print(f"{answered} answered: {dict(outcome.answered)}")
    print(f"by version: {dict(outcome.versions)}")
    print(f"{outcome.changes} changes of the version, {outcome.restarts} restarts")
    print(f"exit codes {dict(outcome.codes)}")
    print(f"{len(outcome.wrong)} wrong, {len(outcome.lost)} lost: {outcome.lost[:3]}")
    assert outcome.wrong == []
    assert outcome.lost == []
    assert answered >= REQUESTS
    assert len(outcome.answered) == 4
    assert outcome.restarts >= SERVERS + 2
    assert outcome.changes > 0
    assert outcome.codes.keys() == {0, -signal.SIGKILL}
    assert outcome.versions.keys() >= {1, 2}
    assert outcome.late == 0
