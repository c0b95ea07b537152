# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What TensorFlow says when it refuses something, in few words."""

from __future__ import annotations

import re

# Around what TensorFlow says of an op, it says where the op was made, over many lines.
_PLACE_AFTER = re.compile(
    r"\s*(\n\s*\[\[|\[\[\{\{|\[Op:|Errors may have originated|Original stack trace).*",
    re.S,
)
_PLACE_BEFORE = re.compile(
    r"\A(Graph execution error:\s*|Detected at node [^\n]*\n"
    r"|<stack traces unavailable>\n|\{\{function_node [^}]*\}\}\s*|\s+File [^\n]*\n"
    r"(\s+[^\n]*\n)?)+"
)
_NO_KERNEL = re.compile(
    r"No OpKernel was registered to support Op '(\w+)' used by \{\{node ([^}]+)\}\} "
    r"with these attrs: \[(.*?)\]\n"
)
_NO_KERNEL_FOR = re.compile(
    r"No (?:OpKernel was registered to support Op|registered) '(\w+)'"
)


def tensorflow_message(error: Exception) -> str:
    """What TensorFlow says in an error, without where the op was made."""
    text = str(getattr(error, "message", None) or error)
    plain = _PLACE_AFTER.sub("", _PLACE_BEFORE.sub("", text)).strip()
    return plain or text.strip() or type(error).__name__


def missing_kernel(error: Exception) -> str:
    """The node, op and attributes that TensorFlow has no kernel for; "" if it has."""
    found = _NO_KERNEL.search(str(error))
    return "{1} ({0}) with {2}".format(*found.groups()) if found else ""


def op_without_kernel(error: Exception) -> str:
    """The op that TensorFlow has no kernel for, of these types; "" if it has."""
    found = _NO_KERNEL_FOR.search(str(error))
    return found.group(1) if found else ""
