# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The inputs of a request over gRPC."""

from __future__ import annotations

from collections.abc import Mapping

from tfnative.errors import InvalidArgumentError, UnimplementedError
from tfnative.serving.server.input_rules import InputRules
from tfnative.serving.tensors.declaration import Declaration, read_declaration
from tfnative.serving.tensors.decode import decode_declared
from tfnative.serving.types import Outputs


class GrpcInputs:
    """Tensors as they came. See ``RequestInputs``.

    Args:
        tensors: TensorProto messages by name.
        size_bytes: How large the request is.
    """

    def __init__(self, tensors: Mapping[str, memoryview], size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self._tensors = tensors
        self._declared: dict[str, Declaration] = {}

    def check(self, rules: InputRules) -> int:
        """See ``RequestInputs.check``."""
        self._rules = rules
        rules.check_names(self._tensors)
        total = 0
        for name, message in self._tensors.items():
            try:
                declared = read_declaration(message)
            except (InvalidArgumentError, UnimplementedError) as error:
                raise type(error)(f"{rules.at(name)}: {error}") from None
            rules.check(name, declared.dtype, declared.shape)
            self._declared[name] = declared
            total += declared.nbytes
            rules.check_bytes(total)
        return total

    def arrays(self) -> Outputs:
        """See ``RequestInputs.arrays``."""
        found = {}
        for name, declared in self._declared.items():
            try:
                found[name] = decode_declared(declared)
            except InvalidArgumentError as error:
                where = self._rules.at(name)
                raise InvalidArgumentError(f"{where}: {error}") from None
        return found
