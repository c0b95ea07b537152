# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Nothing is run that another user can change: real modes, owners and links."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tfnative._base import permissions
from tfnative._base.permissions import check_tree_unwritable, check_unwritable
from tfnative.errors import PermissionDeniedError

NOBODY = 65534
needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can give files to another user"
)


@pytest.fixture(autouse=True)
def no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permissions, "_is_sandbox", lambda: False)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """a/b/c, of which all are this user's alone."""
    umask = os.umask(0o077)
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_text("")
    yield tmp_path
    os.umask(umask)


def refusal(path: Path) -> str:
    with pytest.raises(PermissionDeniedError) as caught:
        check_unwritable(path, "the model", "Or take another.")
    return str(caught.value)


def test_what_is_this_users_alone_may_be_run(place: Path) -> None:
    check_unwritable(place / "a" / "b" / "c", "the model")
    check_unwritable(place / "a" / "not" / "yet" / "there", "the model")
    check_tree_unwritable(place / "a", "the model")


@pytest.mark.parametrize("mode", [0o777, 0o757, 0o722, 0o702, 0o703])
@pytest.mark.parametrize("which", ["a", "a/b", "a/b/c"])
def test_nothing_on_the_way_may_be_written_by_others(
    place: Path, which: str, mode: int
) -> None:
    changed = place / which
    changed.chmod(mode)
    said = refusal(place / "a" / "b" / "c")
    assert f"(mode {mode:04o})" in said
    assert f"chmod go-w {changed}" in said
    assert said.endswith("Or take another.")
    changed.chmod(mode & ~0o022)
    check_unwritable(place / "a" / "b" / "c", "the model")


@pytest.mark.parametrize("mode", [0o755, 0o711, 0o500])
def test_others_may_read_it(place: Path, mode: int) -> None:
    (place / "a").chmod(mode)
    check_unwritable(place / "a" / "b", "the model")


def test_a_shared_temporary_folder_may_be_on_the_way_but_not_the_end(
    place: Path,
) -> None:
    (place / "a").chmod(0o1777)
    check_unwritable(place / "a" / "b" / "c", "the model")
    assert "can be written to by others (mode 1777)" in refusal(place / "a")


def test_the_group_may_write_if_nobody_else_is_in_it(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "a").chmod(0o775)
    monkeypatch.setattr(permissions, "_has_only_owner", lambda group, owner: True)
    check_unwritable(place / "a" / "b", "the model")
    (place / "a").chmod(0o777)
    assert "chmod" in refusal(place / "a" / "b")
    monkeypatch.setattr(permissions, "_has_only_owner", lambda group, owner: False)
    (place / "a").chmod(0o775)
    assert "chmod" in refusal(place / "a" / "b")


def test_links_are_followed_and_where_they_lie_counts(place: Path) -> None:
    (place / "links").mkdir()
    (place / "links" / "to").symlink_to("../a/b")
    (place / "links" / "on").symlink_to(place / "links" / "to")
    check_unwritable(place / "links" / "on" / "c", "the model")
    (place / "links").chmod(0o777)  # Others can put another link there.
    assert "links" in refusal(place / "links" / "on" / "c")
    (place / "links").chmod(0o700)
    (place / "a").chmod(0o777)
    assert str(place / "a") in refusal(place / "links" / "on" / "c")


def test_links_in_a_circle_end(place: Path) -> None:
    (place / "x").symlink_to("y")
    (place / "y").symlink_to("x")
    check_unwritable(place / "x" / "z", "the model")


def test_of_a_folder_all_files_count(place: Path) -> None:
    (place / "a" / "b" / "c").chmod(0o666)
    check_unwritable(place / "a", "the model")
    with pytest.raises(PermissionDeniedError, match="b/c can be written"):
        check_tree_unwritable(place / "a", "the model")


@needs_root
@pytest.mark.parametrize("which", ["a", "a/b", "a/b/c"])
def test_nothing_on_the_way_may_be_another_users(place: Path, which: str) -> None:
    os.chown(place / which, 1234, 0)
    said = refusal(place / "a" / "b" / "c")
    assert "belongs to another user (number 1234)" in said
    assert f"chown 0 {place / which}" in said


@needs_root
def test_a_link_of_another_user_is_not_followed(place: Path) -> None:
    (place / "link").symlink_to("a")
    os.chown(place / "link", 1234, 0, follow_symlinks=False)
    assert "belongs to another user" in refusal(place / "link" / "b")


@needs_root
def test_what_is_nobodys_is_another_users_except_in_a_sandbox(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.chown(place / "a", NOBODY, 0)
    assert "belongs to another user" in refusal(place / "a" / "b")
    monkeypatch.setattr(permissions, "_is_sandbox", lambda: True)
    check_unwritable(place / "a" / "b", "the model")


@needs_root
def test_what_is_roots_may_be_run_by_all(place: Path) -> None:
    place.chmod(0o755)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgid(1234)
            os.setuid(1234)
            (problem,) = {
                permissions._problem(str(place / "a"), is_end=True),
                permissions._problem(str(place), is_end=False),
            }
            code = 0 if problem is None else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_links_in_a_folder_lead_to_is_in_it(place: Path) -> None:
    (place / "model").mkdir()
    (place / "model" / "variables").symlink_to("../a/b")
    (place / "a" / "b" / "round").symlink_to(place / "model")
    check_tree_unwritable(place / "model", "the model")
    (place / "a" / "b" / "c").chmod(0o666)
    with pytest.raises(PermissionDeniedError, match="mode 0666"):
        check_tree_unwritable(place / "model", "the model")
