# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which configurations clients may have a server take.

Who says what is served says which code runs, since a model is a program.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tfnative._store.version_folders import find_versions
from tfnative.errors import NotFoundError, PermissionDeniedError
from tfnative.serving.server.config import ModelSettings
from tfnative.serving.server.replies import OwnWordsError


class ReloadRefusedError(OwnWordsError, PermissionDeniedError):
    """The configuration is not one that a client may send."""


@dataclass(frozen=True)
class ReloadRules:
    """What ``HandleReloadConfigRequest`` may do.

    Attributes:
        roots: Folders below which models may be; None if no client may change what is
            served. Links in them are followed when a model is looked at, since their
            owner may move them.
    """

    roots: tuple[Path, ...] | None = None

    @classmethod
    def below(
        cls, roots: Iterable[str], models: Mapping[str, ModelSettings]
    ) -> ReloadRules:
        """Models may be below these folders, or below those of ``models`` if none.

        Raises:
            NotFoundError: One is no folder.
        """
        given = list(roots) or [settings.base_path for settings in models.values()]
        for root in given:
            if not os.path.isdir(root):
                raise NotFoundError(f"model root: there is no folder {root}")
        return cls(tuple(Path(root).absolute() for root in given))

    def check_allowed(self) -> None:
        """Raises PermissionDeniedError where no client may change what is served."""
        if self.roots is None:
            raise ReloadRefusedError(
                "this server takes no other configuration from clients: it was started"
                " without --allow-reload-config"
            )

    def check_model(self, settings: ModelSettings) -> None:
        """Checks where a model and those of its versions are that it would serve.

        Raises:
            PermissionDeniedError: Some are not below the roots.
        """
        base = Path(settings.base_path)
        if not self._has(_resolved(base)):
            raise self._refusal(f"model {settings.name!r}")
        try:
            found = find_versions(base)
        except OSError:
            return  # That there are none is what opening it will say.
        for version in settings.policy.select(found):
            self.check_version(found[version])

    def check_version(self, folder: Path) -> None:
        """Checks that a version's folder, and all that it leads to, is below the roots.

        Raises:
            PermissionDeniedError: It is not.
        """
        waiting, seen = [folder], set[Path]()
        while waiting:
            here = _resolved(waiting.pop())
            if not self._has(here):
                raise self._refusal(f"version {folder.name}")
            if here is not None and here not in seen and here.is_dir():
                seen.add(here)
                try:
                    waiting += [Path(e.path) for e in os.scandir(here) if _leads_on(e)]
                except OSError:  # It was renamed just now.
                    raise self._refusal(f"version {folder.name}") from None

    def _has(self, path: Path | None) -> bool:
        roots = map(_resolved, self.roots or ())
        if path is None:
            return False
        return any(root is not None and path.is_relative_to(root) for root in roots)

    @staticmethod
    def _refusal(what: str) -> ReloadRefusedError:
        return ReloadRefusedError(
            f"{what}: its folder, or what a link in it leads to, is not below one of"
            " the folders that this server may load models from"
        )


def _leads_on(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() or entry.is_dir(follow_symlinks=False)


def _resolved(path: Path) -> Path | None:
    """Without links; None if they go round in a circle, or it is no path."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        return None
