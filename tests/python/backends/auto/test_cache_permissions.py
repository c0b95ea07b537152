# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Code comes from the cache only if nobody else can put it there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import tfnative
from tests.python.backends.auto import test_auto
from tfnative._base import permissions
from tfnative._doctor import report
from tfnative.errors import PermissionDeniedError

# Fixtures of that module.
compiler = test_auto.compiler
saved_model = test_auto.saved_model
load = test_auto.load

needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can give files to another user"
)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(permissions, "_is_sandbox", lambda: False)
    return tmp_path / "cache"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_cache_is_made_for_its_user_alone(saved_model, compiler, cache, umask):
    before = os.umask(umask)
    try:
        load(saved_model)
    finally:
        os.umask(before)
    assert cache.stat().st_mode & 0o777 == 0o700
    assert load(saved_model).backend_reason == "compiled code from the cache"


@pytest.mark.parametrize("which", ["cache", "."])
def test_a_cache_that_others_can_write_to_is_refused(
    saved_model, compiler, cache, tmp_path, which
):
    load(saved_model)
    changed = (tmp_path / which).resolve()
    mode = changed.stat().st_mode
    changed.chmod(0o777)
    try:
        with pytest.raises(PermissionDeniedError) as caught:
            load(saved_model)
        assert len(compiler.calls) == 1  # Nothing is compiled into it, either.
    finally:
        changed.chmod(mode)
    assert f"chmod go-w {changed}" in str(caught.value)
    assert "set TFNATIVE_CACHE to another folder" in str(caught.value)
    assert load(saved_model).backend_reason == "compiled code from the cache"


def test_a_cached_library_that_others_can_write_to_is_refused(
    saved_model, compiler, cache
):
    with load(saved_model) as model:
        Path(model.library_path).chmod(0o666)
    with pytest.raises(PermissionDeniedError, match=r"libfake\.so can be written to"):
        load(saved_model)


@needs_root
@pytest.mark.parametrize("which", ["cache", "."])
def test_a_cache_of_another_user_is_refused(
    saved_model, compiler, cache, tmp_path, which
):
    load(saved_model)
    os.chown(tmp_path / which, 1234, -1)
    try:
        with pytest.raises(PermissionDeniedError, match="belongs to another user"):
            load(saved_model)
    finally:
        os.chown(tmp_path / which, os.geteuid(), -1)


def test_doctor_says_so(cache, monkeypatch):
    cache.mkdir(mode=0o700)
    cache.chmod(0o777)
    monkeypatch.setenv("TFNATIVE_CACHE", str(cache))
    problem = report._cache_state().problem
    assert "can be written to by others (mode 0777)" in problem


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_store_that_is_strict_serves_no_version_that_others_can_change(
    releases, mode, monkeypatch
):
    monkeypatch.setattr(permissions, "_is_sandbox", lambda: False)
    monkeypatch.setattr(permissions, "_has_only_owner", lambda group, owner: False)
    library = releases.add(1) / "libfake.so"
    library.chmod(mode)
    with pytest.raises(tfnative.LoadError, match="can be written to by others"):
        releases.store(strict_permissions=True)
    releases.store().close()  # Others are not so strict.
    library.chmod(0o755)
    releases.store(strict_permissions=True).close()
