# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""NAME.h: typed functions in C99, and a C++ class per signature."""

from __future__ import annotations

from tfnative_aot.emit.interface import Interface, Signature, Tensor


def emit_header(interface: Interface) -> str:
    """The text of NAME.h."""
    name = interface.name
    guard = f"TFNATIVE_MODEL_{name.upper()}_H_"
    functions = "\n".join(_c_functions(interface, s) for s in interface.signatures)
    classes = "\n".join(_cpp_class(interface, s) for s in interface.signatures)
    return f"""\
/* The model {name!r}, compiled by tfnative for {interface.triple}.
 * Generated: changes are lost.
 *
 * C: call NAME_SIGNATURE with a compiled batch size and memory of your own, each
 * pointer aligned to 64 bytes. C++: use the classes at the end, which take any
 * number of rows and any alignment.
 */
#ifndef {guard}
#define {guard}

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

struct tfn_artifact; /* tfnative/abi.h */

/* All that is known of the artifact: signatures, variants, manifest. Constant. */
const struct tfn_artifact* {name}_artifact(void);

{functions}
#ifdef __cplusplus
}} /* extern "C" */

#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace {name} {{

{_CPP_MEMORY}
{classes}
}}  // namespace {name}
#endif

#endif /* {guard} */
"""


def _c_functions(interface: Interface, signature: Signature) -> str:
    name = interface.function(signature)
    macro = name.upper()
    sizes = ", ".join(map(str, signature.batch_sizes)) or "0 (no batch dimension)"
    tensors = "\n".join(
        f" *   {t.c_name}: {direction} {t.name!r}, {t.dtype} {_shape(t)}"
        for direction, group in (
            ("input", signature.inputs),
            ("output", signature.outputs),
        )
        for t in group
    )
    return f"""\
/* Signature {signature.name!r}, compiled for the batch sizes {sizes}.
 *
{tensors}
 *   workspace: {name}_workspace_bytes(batch_size) bytes
 *
 * Every pointer is the caller's, aligned to 64 bytes; nothing is allocated or
 * kept. Calls may run at the same time if they share no output and no workspace.
 * Returns 0; -1 if there is no code for this batch size or this CPU; or the
 * number of the step that failed. */
int32_t {name}({signature.c_parameters});

/* Bytes of workspace, or SIZE_MAX where {name} returns -1. */
size_t {name}_workspace_bytes(int64_t batch_size);
{_size_macros(macro, signature)}"""


def _size_macros(macro: str, signature: Signature) -> str:
    per = "per row" if signature.batch_sizes else "in all"
    lines = [
        f"#define {macro}_{t.c_name.upper()}_ELEMENTS {t.row_elements} /* {per} */"
        for t in signature.inputs + signature.outputs
    ]
    return "\n" + "\n".join(lines) + "\n"


_CPP_MEMORY = """\
// Memory aligned to 64 bytes.
class aligned_buffer {
 public:
  void reserve(std::size_t bytes) {
    if (bytes <= bytes_) return;
    storage_.reset(new char[bytes + 63]);
    bytes_ = bytes;
  }
  char* data() const {
    const std::uintptr_t at = reinterpret_cast<std::uintptr_t>(storage_.get());
    return storage_.get() + (64 - at % 64) % 64;
  }

 private:
  std::unique_ptr<char[]> storage_;
  std::size_t bytes_ = 0;
};
"""


def _cpp_class(interface: Interface, signature: Signature) -> str:
    name = signature.c_name
    function = interface.function(signature)
    tensors = (*signature.inputs, *signature.outputs)
    parameters = [f"const {t.c_type}* {t.c_name}" for t in signature.inputs]
    parameters += [f"{t.c_type}* {t.c_name}" for t in signature.outputs]
    if signature.batch_sizes:
        parameters.insert(0, "std::int64_t rows")
    row_bytes = {t.c_name: f"{t.row_elements} * sizeof({t.c_type})" for t in tensors}
    reserve = "\n".join(
        f"    {t.c_name}_.reserve({_times(t, row_bytes)});" for t in tensors
    )
    copy_in = "\n".join(_copy_in(t, row_bytes[t.c_name]) for t in signature.inputs)
    copy_out = "\n".join(_copy_out(t, row_bytes[t.c_name]) for t in signature.outputs)
    pointers = ", ".join(
        f"reinterpret_cast<{t.c_type}*>({t.c_name}_.data())" for t in tensors
    )
    members = ", ".join(f"{t.c_name}_" for t in tensors)
    return f"""\
// Signature {signature.name!r}. Owns its memory; one thread at a time per object.
class {name} {{
 public:
{_cpp_predict(signature, parameters)}
 private:
  // Runs `used` rows, from row `first` on, as a batch of `size`.
  void run(std::int64_t size, std::int64_t first, std::int64_t used,
           {", ".join(p for p in parameters if "rows" not in p)}) {{
    const std::size_t bytes = {function}_workspace_bytes(size);
    if (bytes == SIZE_MAX) throw std::runtime_error("{function}: no code for this CPU");
    const std::size_t n = static_cast<std::size_t>(size);
    (void)n, (void)first, (void)used;
    workspace_.reserve(bytes);
{reserve}
{copy_in}
    const std::int32_t status =
        {function}(size, {pointers}, workspace_.data());
    if (status != 0)
      throw std::runtime_error("{function}: step " + std::to_string(status) +
                               " failed");
{copy_out}
  }}

  aligned_buffer {members}, workspace_;
}};
"""


def _cpp_predict(signature: Signature, parameters: list[str]) -> str:
    names = ", ".join(t.c_name for t in (*signature.inputs, *signature.outputs))
    joined = ", ".join(parameters)
    sizes = ", ".join(map(str, signature.batch_sizes))
    if not signature.batch_sizes:
        return f"""\
  void predict({joined}) {{
    run(0, 0, 0, {names});
  }}
"""
    if not signature.rows_independent:
        return f"""\
  // `rows` must be a compiled batch size: the rows influence each other.
  void predict({joined}) {{
    const std::int64_t sizes[] = {{{sizes}}};
    for (const std::int64_t size : sizes)
      if (size == rows) return run(size, 0, rows, {names});
    throw std::runtime_error("{signature.name}: not a compiled batch size: " +
                             std::to_string(rows));
  }}
"""
    return f"""\
  // Any number of rows: split over the compiled batch sizes, the last one padded.
  void predict({joined}) {{
    const std::int64_t sizes[] = {{{sizes}}};
    for (std::int64_t first = 0; first < rows;) {{
      const std::int64_t left = rows - first;
      std::int64_t size = sizes[0];
      for (const std::int64_t candidate : sizes)
        if (candidate <= left) size = candidate;
      const std::int64_t used = left < size ? left : size;
      run(size, first, used, {names});
      first += used;
    }}
  }}
"""


def _times(tensor: Tensor, row_bytes: dict[str, str]) -> str:
    return ("n * " if _batched(tensor) else "") + row_bytes[tensor.c_name]


def _copy_in(t: Tensor, row: str) -> str:
    if not _batched(t):
        return f"    std::memcpy({t.c_name}_.data(), {t.c_name}, {row});"
    return f"""\
    std::memcpy({t.c_name}_.data(), {t.c_name} + first * {t.row_elements},
                used * {row});
    std::memset({t.c_name}_.data() + used * {row}, 0, (size - used) * {row});"""


def _copy_out(t: Tensor, row: str) -> str:
    if not _batched(t):
        return f"    std::memcpy({t.c_name}, {t.c_name}_.data(), {row});"
    return (
        f"    std::memcpy({t.c_name} + first * {t.row_elements}, "
        f"{t.c_name}_.data(), used * {row});"
    )


def _batched(tensor: Tensor) -> bool:
    return bool(tensor.shape) and tensor.shape[0] == -1


def _shape(tensor: Tensor) -> str:
    sizes = ("batch" if size == -1 else str(size) for size in tensor.shape)
    return f"[{', '.join(sizes)}]"
