# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What tfnative raises.

    tfnative.Error
    ├── InvalidArgumentError    an argument does not fit; a ValueError, too
    ├── NotFoundError           there is no such file, folder or name
    ├── FailedPreconditionError the call is right, but not now: the model is closed
    ├── PermissionDeniedError   a server does not let you, or does not know you; or
    │                           somebody else may change what would be run
    ├── UnimplementedError      not supported
    ├── ResourceExhaustedError  out of memory
    ├── UnavailableError        a server cannot be reached, or a queue is full
    ├── DeadlineExceededError   it took too long
    ├── CancelledError          somebody else gave up
    ├── InternalError           a mistake in tfnative, or compiled code failed
    ├── LoadError               a file is not an artifact that can run here
    │   └── SignatureError      nobody whom you trust has signed it
    └── CompileError            a model cannot be compiled

The names are those of the canonical status codes that gRPC and TensorFlow use.
Every message names the model, the signature and the tensor where there is one, what
was expected and what came.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "CancelledError",
    "CompileError",
    "DeadlineExceededError",
    "Error",
    "FailedPreconditionError",
    "InternalError",
    "InvalidArgumentError",
    "LoadError",
    "NotFoundError",
    "PermissionDeniedError",
    "ResourceExhaustedError",
    "SignatureError",
    "UnavailableError",
    "UnimplementedError",
    "code_of",
    "type_for",
]


class Error(Exception):
    """The base of all errors of tfnative.

    Every message can be printed, logged and sent: what UTF-8 cannot have of a name or
    of what somebody else raised is escaped in it.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*(_writable(a) if isinstance(a, str) else a for a in args))


def _writable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


class CancelledError(Error):
    """The operation was cancelled, typically by the caller."""


class InvalidArgumentError(Error, ValueError):
    """An argument does not fit."""


class DeadlineExceededError(Error):
    """The deadline passed before the operation was complete."""


class NotFoundError(Error):
    """There is no such file, folder or name."""


class ResourceExhaustedError(Error):
    """Something ran out: memory, or threads."""


class FailedPreconditionError(Error):
    """The call is right, but the state does not allow it."""


class PermissionDeniedError(Error):
    """A server does not allow the call, or does not know who makes it.

    Also where code would be loaded from files that somebody else may change.
    """


class UnimplementedError(Error):
    """The operation is not supported."""


class InternalError(Error):
    """A mistake in tfnative, or compiled code that failed."""


class UnavailableError(Error):
    """A service cannot be reached, or its queue is full; trying again may help."""


class LoadError(Error):
    """A file is not an artifact, is damaged, or cannot run on this machine."""


class SignatureError(LoadError):
    """A model is not what a trusted key has signed, or nobody has signed it."""


class CompileError(Error):
    """A model cannot be compiled.

    Attributes:
        ops: The ops of the model that stood in the way, sorted; empty if it was
            something else.
    """

    def __init__(self, message: str = "", *, ops: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.ops = tuple(sorted(set(ops)))


_BY_CODE: dict[int, type[Error]] = {
    1: CancelledError,
    3: InvalidArgumentError,
    4: DeadlineExceededError,
    5: NotFoundError,
    7: PermissionDeniedError,
    8: ResourceExhaustedError,
    9: FailedPreconditionError,
    12: UnimplementedError,
    13: InternalError,
    14: UnavailableError,
}


def type_for(code: int, is_load_error: bool = False) -> type[Error]:
    """The class for a canonical status code.

    Args:
        code: As in tfnative/error.hpp. An unknown one is an InternalError.
        is_load_error: Whether it comes from loading an artifact, where every code but
            NOT_FOUND becomes a LoadError.
    """
    if is_load_error and code != 5:
        return LoadError
    return _BY_CODE.get(code, InternalError)


def code_of(error: BaseException) -> int | None:
    """The canonical status code of an error; None if it is none of tfnative's."""
    for code, kind in _BY_CODE.items():
        if isinstance(error, kind):
            return code
    return 9 if isinstance(error, Error) else None
