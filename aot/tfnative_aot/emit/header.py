# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""NAME.h: typed functions in C99. See ``header_hpp`` for C++."""

from __future__ import annotations

from tfnative_aot.emit.c_names import c_identifier, in_comment
from tfnative_aot.emit.interface import Interface, Signature, Tensor


def emit_header(interface: Interface) -> str:
    """The text of NAME.h."""
    name = interface.name
    guard = f"TFNATIVE_MODEL_{name.upper()}_H_"
    macros: set[str] = set()
    functions = "\n".join(
        _c_functions(interface, signature, macros) for signature in interface.signatures
    )
    about = "" if interface.is_minimal else _ABOUT.format(name=name)
    if interface.weights_apart:
        about += _BIND.format(name=name)
    return f"""\
/* The model {name!r}, compiled by tfnative for {interface.triple}.
 * Generated: changes are lost.
 *
 * C99, and C++, for which {name}.hpp has classes that take any number of rows and any
 * alignment. Nothing here allocates memory, starts a thread, reads or writes a file, or
 * ends the process; nothing is kept between calls. All functions may be called from any
 * thread.
 */
#ifndef {guard}
#define {guard}

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif
{about}
{functions}
#ifdef __cplusplus
}} /* extern "C" */
#endif

#endif /* {guard} */
"""


_ABOUT = """
struct tfn_artifact; /* tfnative/abi.h */

/* All that is known of the artifact: signatures, variants, manifest. Constant. */
const struct tfn_artifact* {name}_artifact(void);
"""

_BIND = """
/* Lends the weights, the content of {name}.weights, which have to be there before the
 * first call, and stay where they are until after the last one. They are only read:
 * memory that is mapped from a file, or flash, will do.
 *
 * weights: aligned to 64 bytes. bytes: how many there are.
 * Takes a few milliseconds per megabyte, to check their digest. Not to be called while
 * another function of this header runs. Returns 0; or, and then what was bound before
 * stays bound, -3: not aligned; -4: of another size; -5: of another digest. */
int32_t {name}_bind_weights(const void* weights, uint64_t bytes);
"""


_REFUSED = """
 * Returns -6 where TensorFlow raises an error: for an index outside a table, a division
 * by zero, an assertion that does not hold. The outputs mean nothing then.\
"""

_BOOLEANS = """
 * Booleans in inputs have to be bytes of 0 or 1: other bytes are not looked for, and
 * give results that mean nothing.\
"""


def _c_functions(interface: Interface, signature: Signature, macros: set[str]) -> str:
    name = interface.function(signature)
    sizes = ", ".join(map(str, signature.batch_sizes)) or "0 (no batch dimension)"
    unbound = " -2 if no weights are bound;" if interface.weights_apart else ""
    about = _about_no_rows(signature)
    about += _REFUSED if signature.checks else ""
    about += _BOOLEANS if any(t.dtype == "bool" for t in signature.inputs) else ""
    tensors = "\n".join(
        f" *   {t.c_name}: {direction} {in_comment(t.name)}, {t.dtype} {_shape(t)}"
        for direction, group in (
            ("input", signature.inputs),
            ("output", signature.outputs),
        )
        for t in group
    )
    return f"""\
/* Signature {in_comment(signature.name)}, compiled for the batch sizes {sizes}.
 *
{tensors}
 *   workspace: {name}_workspace_bytes(batch_size) bytes
 *
 * Every pointer is the caller's, and aligned to 64 bytes. Inputs are only read. Outputs
 * and workspace must not overlap anything else. Calls may run at the same time if they
 * share no output and no workspace. Returns 0; -1 if there is no code for this batch
 * size or this CPU;{unbound} or the number of the step that failed.{about} */
int32_t {name}({signature.c_parameters});

/* Bytes of workspace, or SIZE_MAX where {name} returns -1. */
size_t {name}_workspace_bytes(int64_t batch_size);
{_size_macros(name, signature, macros)}"""


def _about_no_rows(signature: Signature) -> str:
    if signature.empty is None:
        return ""
    if signature.empty.error:
        said = in_comment(signature.empty.error)
        return f" Returns -7\n * for no rows, which TensorFlow refuses: {said}."
    return (
        " The batch\n * size may be 0, too: then what has no batch dimension is"
        "\n * written, and nothing else is looked at."
    )


def _size_macros(name: str, signature: Signature, taken: set[str]) -> str:
    """How many elements tensors have. Names of two signatures may make one macro."""
    per = "per row" if signature.batch_sizes else "in all"
    lines = []
    for t in signature.inputs + signature.outputs:
        macro = c_identifier(f"{name}_{t.c_name}_elements", taken).upper()
        lines.append(f"#define {macro} {t.row_elements} /* {per} */")
    return "\n" + "\n".join(lines) + "\n"


def _shape(tensor: Tensor) -> str:
    sizes = ("batch" if size == -1 else str(size) for size in tensor.shape)
    return f"[{', '.join(sizes)}]"
