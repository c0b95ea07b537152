# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Declares options, and tells what was declared."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from tfnative.errors import InvalidArgumentError

if TYPE_CHECKING:
    from tfnative._base.options.kinds import Kind

_T = TypeVar("_T")
_KEY = "tfnative.option"
_MAX_SHOWN = 200


@dataclass(frozen=True)
class Option:
    """All that is known of an option.

    Attributes:
        name: The keyword.
        annotation: The type of the keyword, as it is written.
        default: The value if nobody gives one.
        kind: What its values are.
        meaning: What it does: a clause without a full stop.
        default_is: What the default amounts to, where the value itself does not say.
        unit: Of its numbers, or "".
        flag: How the command line calls it; "" if it does not have it.
        group: What it is for, among options that are for different things.
        is_kept: Whether it is written down with what came of it.
    """

    name: str
    annotation: str
    default: Any
    kind: Kind
    meaning: str
    default_is: str
    unit: str
    flag: str
    group: str
    is_kept: bool

    @property
    def clause(self) -> str:
        """What it does, with the unit."""
        return f"{self.meaning}, in {self.unit}" if self.unit else self.meaning

    @property
    def default_text(self) -> str:
        """The default in words; "" where there is nothing to say."""
        if self.default_is or self.default is None:
            return self.default_is
        return self.kind.text(self.default)

    def checked(self, value: Any) -> Any:
        """The value in the one form that it is kept in.

        Raises:
            InvalidArgumentError: It is not of the option's kind.
        """
        if value is None and self.default is None:
            return None
        try:
            return self.kind.check(value)
        except InvalidArgumentError:
            raise
        except (TypeError, ValueError, AttributeError, OverflowError):
            raise InvalidArgumentError(self._problem(value)) from None

    def _problem(self, value: Any) -> str:
        shown = repr(value)
        if len(shown) > _MAX_SHOWN:
            shown = f"{shown[:_MAX_SHOWN]}..."
        expected = f"{self.kind.expected}{' or None' if self.default is None else ''}"
        where = f" ({self.flag} of the command line)" if self.flag else ""
        return f"{self.name} must be {expected}, got {shown}{where}"


def option(
    default: _T,
    kind: Kind,
    meaning: str,
    *,
    default_is: str = "",
    unit: str = "",
    flag: str | None = None,
    group: str = "",
    is_kept: bool = True,
) -> _T:
    """Declares a field of an ``OptionSet``. See ``Option``.

    The flag is made of the field's name if none is given.
    """
    declared = {
        "kind": kind,
        "meaning": meaning,
        "default_is": default_is,
        "unit": unit,
        "flag": flag,
        "group": group,
        "is_kept": is_kept,
    }
    found: Any = dataclasses.field(default=default, metadata={_KEY: declared})
    return found  # type: ignore[no-any-return] # So that the default's type is checked.


def options_of(declared_in: type[Any]) -> tuple[Option, ...]:
    """The options of an ``OptionSet``, as they were declared."""
    return tuple(_option(each) for each in dataclasses.fields(declared_in))


def _option(field: dataclasses.Field[Any]) -> Option:
    declared = dict(field.metadata[_KEY])
    if declared["flag"] is None:
        declared["flag"] = f"--{field.name.replace('_', '-')}"
    return Option(field.name, str(field.type), field.default, **declared)
