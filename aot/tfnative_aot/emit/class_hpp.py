# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A signature as a C++ class, over its functions of NAME.h."""

from __future__ import annotations

from tfnative_aot.emit.c_names import c_string, in_comment
from tfnative_aot.emit.interface import Interface, Signature, Tensor
from tfnative_aot.freeze.graph import Check


def emit_class(interface: Interface, signature: Signature) -> str:
    """The text of a signature's class, in terms of what all share.

    TFN_THROWS_GUARD in it stands for the macro that is defined where there are
    exceptions.
    """
    name = signature.c_name
    function = interface.function(signature)
    tensors = (*signature.inputs, *signature.outputs)
    reserve = "\n".join(
        f"    if (!{t.c_name}_.reserve({_bytes(t, 'n')})) return out_of_memory;"
        for t in tensors
    )
    copy_in = "\n".join(_copy_in(t) for t in signature.inputs)
    copy_out = "\n".join(_copy_out(t) for t in signature.outputs)
    # What checks of rows say of no rows is about padding, but nobody says which failed.
    about_rows = signature.checks and all(map(_has_rows, signature.checks))
    passed = "status == -6 && used == 0" if about_rows else ""
    failed = f"status != 0 && !({passed})" if passed else "status != 0"
    pointers = ", ".join(
        f"reinterpret_cast<{t.c_type}*>({t.c_name}_.data())" for t in tensors
    )
    members = ", ".join(f"{t.c_name}_" for t in tensors)
    parameters = ", ".join(_pointers(signature))
    return f"""\
// Signature {in_comment(signature.name)}.
// Owns its memory, which it allocates when it first needs it; one thread at a time per
// object.
class {name} {{
 public:
{_try_predict(signature, function)}
{_with_spans(signature)}
#if defined(TFN_THROWS_GUARD)
{_predict(signature, function)}
#endif

 private:
  // Runs `used` rows, from row `first` on, as a batch of `size`.
  std::int32_t run(std::int64_t size, std::int64_t first, std::int64_t used,
                   {parameters}) {{
    const std::size_t bytes = {function}_workspace_bytes(size);
    if (bytes == SIZE_MAX) return -1;
    const std::size_t n = static_cast<std::size_t>(size);
    (void)n, (void)first, (void)used;
    if (!workspace_.reserve(bytes)) return out_of_memory;
{reserve}
{copy_in}
    const std::int32_t status =
        {function}(size, {pointers}, workspace_.data());
    if ({failed}) return status;
{copy_out}
    return 0;
  }}

  aligned_buffer {members}, workspace_;
}};
"""


def _pointers(signature: Signature) -> list[str]:
    parameters = [f"const {t.c_type}* {t.c_name}" for t in signature.inputs]
    return [*parameters, *(f"{t.c_type}* {t.c_name}" for t in signature.outputs)]


def _try_predict(signature: Signature, function: str) -> str:
    tensors = (*signature.inputs, *signature.outputs)
    names = ", ".join(t.c_name for t in tensors)
    parameters = _pointers(signature)
    sizes = ", ".join(map(str, signature.batch_sizes))
    returns = "  // Returns 0, or what is wrong: see the function of C, and above."
    if not signature.batch_sizes:
        return f"""\
{returns}
  std::int32_t try_predict({", ".join(parameters)}) {{
    return run(0, 0, 0, {names});
  }}
"""
    parameters.insert(0, "std::int64_t rows")
    joined = ", ".join(parameters)
    empty = _empty(signature, function)
    if not signature.rows_independent:
        return f"""\
  // `rows` must be a compiled batch size, or 0: the rows influence each other.
{returns}
  std::int32_t try_predict({joined}) {{
    const std::int64_t sizes[] = {{{sizes}}};
{empty}\
    for (const std::int64_t size : sizes)
      if (size == rows) return run(size, 0, rows, {names});
    return wrong_size;
  }}
"""
    return f"""\
  // Any number of rows: split over the compiled batch sizes, the last one padded.
{returns}
  std::int32_t try_predict({joined}) {{
    const std::int64_t sizes[] = {{{sizes}}};
    if (rows < 0) return wrong_size;
{empty}\
    for (std::int64_t first = 0; first < rows;) {{
      const std::int64_t left = rows - first;
      std::int64_t size = sizes[0];
      for (const std::int64_t candidate : sizes)
        if (candidate <= left) size = candidate;
      const std::int64_t used = left < size ? left : size;
      const std::int32_t status = run(size, first, used, {names});
      if (status != 0) return status;
      first += used;
    }}
    return 0;
  }}
"""


def _empty(signature: Signature, function: str) -> str:
    """What is done about no rows, if that is anything."""
    tensors = (*signature.inputs, *signature.outputs)
    names = ", ".join(t.c_name for t in tensors)
    if signature.empty is not None:
        return f"    if (rows == 0) return {function}(0, {names}, nullptr);\n"
    all_batched = all(tensor.has_batch for tensor in signature.outputs)
    if all_batched and all(map(_has_rows, signature.checks)):
        return "" if signature.rows_independent else "    if (rows == 0) return 0;\n"
    # Outputs without rows are those of padding alone, and so are checks without rows.
    if signature.rows_independent:
        return f"    if (rows == 0) return run(sizes[0], 0, 0, {names});\n"
    return ""


def _has_rows(check: Check) -> bool:
    """Whether a check looks at rows, of which there may be none."""
    return any(size < 0 for size in check.shape)


def _with_spans(signature: Signature) -> str:
    """An overload that checks sizes, and finds out how many rows there are."""
    tensors = (*signature.inputs, *signature.outputs)
    parameters = [f"span<const {t.c_type}> {t.c_name}" for t in signature.inputs]
    parameters += [f"span<{t.c_type}> {t.c_name}" for t in signature.outputs]
    batched = [t for t in tensors if t.has_batch and t.row_elements]
    arguments = [f"{t.c_name}.data()" for t in tensors]
    lines = []
    if signature.batch_sizes:
        first = (
            f"{batched[0].c_name}.size() / {batched[0].row_elements}" if batched else 1
        )
        lines.append(f"    const std::size_t rows = {first};")
        arguments.insert(0, "static_cast<std::int64_t>(rows)")
    expected = " ||\n        ".join(
        f"{t.c_name}.size() != {'rows * ' if t.has_batch else ''}{t.row_elements}"
        for t in tensors
    )
    body = "\n".join([*lines, f"    if ({expected}) return wrong_size;"])
    return f"""\
  std::int32_t try_predict({", ".join(parameters)}) {{
{body}
    return try_predict({", ".join(arguments)});
  }}
"""


def _predict(signature: Signature, function: str) -> str:
    refusal = ""
    if signature.empty is not None and signature.empty.error:
        said = c_string(f"TensorFlow refuses no rows: {signature.empty.error}")
        refusal = f"      case -7: return {said};\n"
    return f"""\
  // As try_predict. Throws std::runtime_error.
  template <typename... Arguments>
  void predict(Arguments&&... arguments) {{
    const std::int32_t status = try_predict(std::forward<Arguments>(arguments)...);
    if (status != 0) {{
      throw std::runtime_error("{function}: " + describe(status));
    }}
  }}

 private:
  static std::string describe(std::int32_t status) {{
    switch (status) {{
      case -1: return "no code for this CPU";
      case -2: return "no weights are bound";
      case -6: return "TensorFlow raises an error for what is in the inputs";
      case out_of_memory: return "out of memory";
{refusal}\
      case wrong_size: return "not a compiled batch size, or a span of another size";
      default: return "step " + std::to_string(status) + " failed";
    }}
  }}"""


def _copy_in(t: Tensor) -> str:
    is_bool = t.dtype == "bool"
    if not t.has_batch:
        known = f"\n    true_bytes({t.c_name}_.data(), {_row(t)});" if is_bool else ""
        return f"    std::memcpy({t.c_name}_.data(), {t.c_name}, {_row(t)});{known}"
    used = f"static_cast<std::size_t>(used) * {_row(t)}"
    known = f"\n    true_bytes({t.c_name}_.data(), {used});" if is_bool else ""
    return f"""\
    std::memcpy({t.c_name}_.data(), {t.c_name} + first * {t.row_elements},
                {used});{known}
    pad_rows({t.c_name}_.data(), static_cast<std::size_t>(used), n, {_row(t)});"""


def _copy_out(t: Tensor) -> str:
    if not t.has_batch:
        return f"    std::memcpy({t.c_name}, {t.c_name}_.data(), {_row(t)});"
    return (
        f"    std::memcpy({t.c_name} + first * {t.row_elements}, {t.c_name}_.data(),\n"
        f"                static_cast<std::size_t>(used) * {_row(t)});"
    )


def _bytes(tensor: Tensor, rows: str) -> str:
    return (f"{rows} * " if tensor.has_batch else "") + _row(tensor)


def _row(tensor: Tensor) -> str:
    return f"{tensor.row_elements} * sizeof({tensor.c_type})"
