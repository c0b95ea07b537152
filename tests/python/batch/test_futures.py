# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A future of a parent has its answer in a child of fork, or says that none comes."""

from __future__ import annotations

import os

import pytest

import tfnative
from tfnative._batch.futures import BatchFuture


@pytest.fixture
def forked(monkeypatch):
    """Afterwards this process seems to be another one."""
    child = os.getpid() + 1
    return lambda: monkeypatch.setattr("os.getpid", lambda: child)


def test_what_is_answered_stays_so(forked):
    answered, failed = BatchFuture(), BatchFuture()
    answered.set_result(5)
    failed.set_exception(tfnative.InternalError("no"))
    forked()
    for _ in range(2):
        assert answered.result() == 5
        assert answered.exception() is None
        with pytest.raises(tfnative.InternalError, match="no"):
            failed.result()


def test_what_another_thread_was_to_settle_never_comes(forked):
    future = BatchFuture()
    forked()
    with pytest.raises(tfnative.FailedPreconditionError, match="was forked while"):
        future.result()


def test_it_can_be_cancelled_once():
    future = BatchFuture()
    assert not future.cancel()  # Nobody has taken the request.
    future.set_result(1)
    assert future.result() == 1
    assert not future.cancelled()
