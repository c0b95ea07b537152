# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a store serves at one moment."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tfnative._base.numbers import whole_number
from tfnative._store.traffic import key_bytes
from tfnative.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tfnative._model import Model
    from tfnative._store.traffic import Key, Split, Target
    from tfnative._store.versions import VersionStatus


@dataclass(frozen=True)
class Catalog:
    """The versions of a store, its labels, and how it divides requests.

    Immutable. A store replaces it as a whole, so that who looks something up needs no
    lock, and sees labels and models that fit together.

    Attributes:
        base: The folder of the versions.
        statuses: Of each known version, ascending.
        models: Of each version that is available, ascending.
        labels: Versions by label; they need not be available.
        split: How requests are divided. None: the newest version takes all.
        closed: Whether the store is closed.
    """

    base: Path
    statuses: dict[int, VersionStatus] = field(default_factory=dict)
    models: dict[int, Model] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    split: Split | None = None
    closed: bool = False
    _live_split: Split | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.split is not None:
            targets: set[Target] = {*self.models}
            targets |= {la for la, version in self.labels.items() if version in targets}
            object.__setattr__(self, "_live_split", self.split.among(targets))

    def with_status(self, status: VersionStatus, model: Model | None) -> Catalog:
        """With this status; and with this model, or none, of the version."""
        statuses = {**self.statuses, status.version: status}
        models = {v: m for v, m in self.models.items() if v != status.version}
        if model is not None:
            models[status.version] = model
        return replace(
            self,
            statuses=dict(sorted(statuses.items())),
            models=dict(sorted(models.items())),
        )

    def with_labels(self, labels: dict[str, int], allow_unavailable: bool) -> Catalog:
        """With these labels instead.

        Raises:
            FailedPreconditionError: A version is not available. With
                ``allow_unavailable``, a label that stood for another version now stands
                for one that is not available. Or the split needs a label that is not
                among them; or the store is closed.
        """
        self.check_open()
        for label, version in labels.items():
            moves = self.labels.get(label, version) != version
            if version not in self.models and (moves or not allow_unavailable):
                raise FailedPreconditionError(
                    f"label {label!r} cannot stand for version {version}, which is not "
                    f"available; {self.describe()}"
                )
        for target in self.split.weights if self.split else ():
            if isinstance(target, str) and target not in labels:
                raise FailedPreconditionError(
                    f"requests are divided by label {target!r}, which is not among "
                    f"{sorted(labels)}: change the split first"
                )
        return replace(self, labels=labels)

    def with_split(self, split: Split | None) -> Catalog:
        """With this split instead.

        Raises:
            NotFoundError, FailedPreconditionError: As ``find``, for a target.
        """
        self.check_open()
        for target in split.weights if split else ():
            if isinstance(target, str):
                self.find(None, target)
            else:
                self.find(target, None)
        return replace(self, split=split)

    def without(self, versions: Collection[int]) -> Catalog:
        """Without the statuses of these versions, which are not available."""
        kept = {v: s for v, s in self.statuses.items() if v not in versions}
        return replace(self, statuses=kept)

    def find(self, version: int | None, label: str | None) -> tuple[int, Model]:
        """The version of that number or label, or else the newest, and its model.

        Raises:
            NotFoundError: There is no such version or label.
            FailedPreconditionError: It is not available.
            InvalidArgumentError: Both are given, or of a wrong type.
        """
        if version is None:
            if label is None:
                return self._newest()
            version = self._labelled(label)
        elif label is not None:
            raise InvalidArgumentError(
                f"give a version or a label, not both; got {version!r} and {label!r}"
            )
        version = check_version(version)
        model = self.models.get(version)
        if model is None:
            raise self._unavailable(version, label)
        return version, model

    def route(self, key: Key | None) -> tuple[int, Model]:
        """The version that a request with this key goes to, and its model.

        Raises:
            FailedPreconditionError: None of those that it could go to is available.
            InvalidArgumentError: The key is neither a str, nor bytes, nor an int.
        """
        if self.split is None:
            if key is not None:
                key_bytes(key)  # One that is wrong is wrong without a split, too.
            return self._newest()
        if self._live_split is None:
            self.check_open()
            raise FailedPreconditionError(
                "none of the versions that requests are divided among is available; "
                + self.describe()
            )
        target = self._live_split.choose(key)
        version = self.labels[target] if isinstance(target, str) else target
        return version, self.models[version]

    def check_open(self) -> None:
        """Checks that the store is not closed.

        Raises:
            FailedPreconditionError: It is.
        """
        if self.closed:
            problem = f"the store of {str(self.base)!r} is closed"
            raise FailedPreconditionError(problem)

    def users_of(self, version: int) -> list[str]:
        """What sends requests to this version, for messages."""
        users = [f"label {la!r}" for la, v in self.labels.items() if v == version]
        if self.split is not None and version in self.split.weights:
            users.append("the split")
        return users

    def describe(self) -> str:
        """The versions and labels there are, for messages."""
        versions = ", ".join(map(str, self.statuses.values())) or "none"
        labels = ", ".join(f"{la}={v}" for la, v in sorted(self.labels.items()))
        return (
            f"{str(self.base)!r} has versions: {versions}; and labels: "
            f"{labels or 'none'}"
        )

    def _newest(self) -> tuple[int, Model]:
        for version in reversed(self.models):
            return version, self.models[version]
        self.check_open()
        raise FailedPreconditionError(f"no version is available; {self.describe()}")

    def _labelled(self, label: str) -> int:
        if not isinstance(label, str):
            raise InvalidArgumentError(f"label must be a str, got {label!r}")
        self.check_open()
        if label not in self.labels:
            raise NotFoundError(f"there is no label {label!r}; {self.describe()}")
        return self.labels[label]

    def _unavailable(self, version: int, label: str | None) -> Exception:
        self.check_open()
        status = self.statuses.get(version)
        if status is None and label is None:
            return NotFoundError(f"there is no version {version}; {self.describe()}")
        what = f"version {version} is"
        if label is not None:
            what = f"label {label!r} stands for version {version}, which is"
        state = status.state if status else "not there"
        return FailedPreconditionError(
            f"{what} not available, but {state}; {self.describe()}"
        )


def check_version(version: object) -> int:
    """The number of a version.

    Raises:
        InvalidArgumentError: It is no whole number.
    """
    number = whole_number(version)
    if number is None:
        raise InvalidArgumentError(f"version must be a whole number, got {version!r}")
    return number
