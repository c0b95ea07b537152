# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Who may change files: what is loaded from them is code that this process runs.

The rule is that of OpenSSH for its own files: a file, and every folder on the way to
it, belongs to this user or to root, and nobody else may write to it. A folder such as
/tmp, in which everybody may write and nobody may rename what others have, may be on the
way, but not be where it ends. Access control lists are not looked at.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from tfnative.errors import PermissionDeniedError

_MOST_LINKS = 40
_UNMAPPED = 65534
"""Who owns files of users that a user namespace, as of a sandbox, does not know."""


def check_unwritable(path: str | os.PathLike[str], what: str, advice: str = "") -> None:
    """Checks that nobody else can change a file or folder, or put another in its place.

    Args:
        path: It; what of it does not exist is not looked at.
        what: What begins the message, as "the cache".
        advice: What else one can do than change the permissions, as a sentence.

    Raises:
        PermissionDeniedError: Somebody can. The message says who, and what to do.
    """
    path = os.path.abspath(path)
    places = list(_on_the_way(path))
    for number, place in enumerate(places):
        problem = _problem(place, is_end=number == len(places) - 1)
        if problem is not None:
            found, remedy = problem
            of = "" if place == path else f" is below {place}, which"
            raise PermissionDeniedError(
                " ".join(
                    filter(
                        None,
                        (f"{what} {path}{of} {found}.", f"Do `{remedy}`.", advice),
                    )
                )
            )


def check_tree_unwritable(
    folder: str | os.PathLike[str], what: str, advice: str = ""
) -> None:
    """As ``check_unwritable``, for a folder and all that is in it, links followed.

    Raises:
        PermissionDeniedError: Somebody else can change it, or a part of it.
    """
    check_unwritable(folder, what, advice)
    seen = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        status = os.stat(parent)
        if (status.st_dev, status.st_ino) in seen:  # Links may go round.
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        for name in (*folders, *files):
            check_unwritable(os.path.join(parent, name), what, advice)


def _on_the_way(path: str) -> Iterator[str]:
    """All folders and links that finding a path goes through, and what it ends at."""
    rest = _parts(path)
    current, links = "/", 0
    yield current
    while rest:
        part = rest.pop(0)
        if part == "..":
            current = os.path.dirname(current)
            continue
        current = os.path.join(current, part)
        if not os.path.lexists(current):
            return
        yield current
        if os.path.islink(current):
            links += 1
            if links > _MOST_LINKS:
                return
            target = os.readlink(current)
            rest = [*_parts(target), *rest]
            current = "/" if target.startswith("/") else os.path.dirname(current)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _problem(place: str, *, is_end: bool) -> tuple[str, str] | None:
    """What others can do to a file or folder, and the command that ends it."""
    try:
        status = os.lstat(place)
    except OSError:
        return None
    if not _is_trusted(status.st_uid):
        return (
            f"belongs to another user (number {status.st_uid})",
            f"chown {os.geteuid()} {place}",
        )
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode) or mode & 0o022 == 0:
        return None
    if stat.S_ISDIR(status.st_mode) and mode & stat.S_ISVTX and not is_end:
        return None
    if mode & 0o002 == 0 and _has_only_owner(status.st_gid, status.st_uid):
        return None
    return f"can be written to by others (mode {mode:04o})", f"chmod go-w {place}"


def _is_trusted(owner: int) -> bool:
    return owner in (0, os.geteuid()) or (owner == _UNMAPPED and _is_sandbox())


def _is_sandbox() -> bool:
    """Whether root outside of it is nobody here, so that nothing is known of owners."""
    try:
        mapped = Path("/proc/self/uid_map").read_text().split()
    except OSError:
        return False
    return "0" not in mapped[1::3] or mapped[2::3] == ["1"]


def _has_only_owner(group: int, owner: int) -> bool:
    """Whether a group is the owner's own, as many systems make one for each user."""
    import grp
    import pwd

    try:
        user, named = pwd.getpwuid(owner), grp.getgrgid(group)
    except KeyError:
        return False
    own = user.pw_gid == group and named.gr_name == user.pw_name
    return own and set(named.gr_mem) <= {user.pw_name}
