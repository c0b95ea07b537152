# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Divides requests between versions of a model.

Requests with a key are divided by weighted rendezvous hashing: every target gets a
score from its weight and a hash of the key and the target; the highest wins. What
becomes of a key depends on nothing else, so that it is the same in every process. When
weights change, keys move only to targets whose weight has grown by a larger factor than
that of the one they leave: if one weight changes, no key moves that does not have to.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

from tfnative._base.numbers import finite_number, whole_number
from tfnative.errors import InvalidArgumentError

Target = str | int
"""A label, or the number of a version."""

Key = str | bytes | int
"""What stays with one target: the name or number of a user, say."""


@dataclass(frozen=True)
class _Arm:
    target: Target
    weight: float
    hasher: Any
    """A blake2b that has the target as its key. Only ever copied."""

    def score(self, key: bytes) -> float:
        hasher = self.hasher.copy()
        hasher.update(key)
        # As many bits as leave room for the half: the result is neither 0 nor 1.
        bits = int.from_bytes(hasher.digest(), "big") >> 12
        return -self.weight / math.log((bits + 0.5) * 2.0**-52)


@dataclass(frozen=True)
class Split:
    """Weights of targets. Immutable: any number of threads may use it.

    Attributes:
        weights: By target, as given.
    """

    weights: Mapping[Target, float]
    _arms: tuple[_Arm, ...]

    @classmethod
    def of(cls, weights: Mapping[Target, float]) -> Split:
        """A split with these weights.

        Args:
            weights: By label or version. Not negative; their sum need not be 1.

        Raises:
            InvalidArgumentError: A target is neither a label nor a version, or a weight
                is negative, infinite, or no number; or no weight is positive.
        """
        if not isinstance(weights, Mapping):
            raise InvalidArgumentError(
                f"weights must be a dict from labels or versions, got {weights!r}"
            )
        checked = {_target(t): _weight(t, w) for t, w in weights.items()}
        largest = max(checked.values(), default=0.0)
        if largest == 0:
            raise InvalidArgumentError(
                f"at least one weight must be positive, got {dict(weights)!r}"
            )
        # Divided, so that their sum is finite.
        arms = (_Arm(t, w / largest, _hasher(t)) for t, w in checked.items() if w > 0)
        return cls(checked, tuple(arms))

    def among(self, targets: Container[Target]) -> Split | None:
        """The split of what is left to these targets; None if no weight is."""
        arms = tuple(arm for arm in self._arms if arm.target in targets)
        return Split(self.weights, arms) if arms else None

    def choose(self, key: Key | None = None) -> Target:
        """A target: always the same one for a key, one at random without.

        Raises:
            InvalidArgumentError: The key is neither a str, nor bytes, nor an int.
        """
        if key is not None:
            data = key_bytes(key)
            return max(self._arms, key=lambda arm: arm.score(data)).target
        point = random.random() * sum(arm.weight for arm in self._arms)
        for arm in self._arms:
            point -= arm.weight
            if point < 0:
                break
        return arm.target


def _target(target: object) -> Target:
    if isinstance(target, str):
        return target
    number = whole_number(target)
    if number is None:
        raise InvalidArgumentError(
            f"weights are given by label (str) or version (int), got {target!r}"
        )
    return number


def _weight(target: object, weight: object) -> float:
    number = finite_number(weight)
    if number is None or number < 0:
        raise InvalidArgumentError(
            f"the weight of {target!r} must be a finite number of at least 0, got "
            f"{weight!r}"
        )
    return number


def _hasher(target: Target) -> Any:
    kind = "label" if isinstance(target, str) else "version"
    name = f"{kind} {target}".encode("utf-8", "surrogatepass")
    seed = hashlib.blake2b(name, digest_size=32).digest()
    return hashlib.blake2b(digest_size=8, key=seed)


def key_bytes(key: object) -> bytes:
    """What is hashed of a key: 17, "17" and b"17" are the same.

    Raises:
        InvalidArgumentError: It is neither a str, nor bytes, nor an int.
    """
    if isinstance(key, bytes):
        return key
    if isinstance(key, str):
        return key.encode("utf-8", "surrogatepass")
    number = whole_number(key)
    if number is None:
        raise InvalidArgumentError(f"key must be a str, bytes or an int, got {key!r}")
    return b"%d" % number
