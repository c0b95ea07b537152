# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The C source of an artifact's entry points and of the tables behind them."""

from __future__ import annotations

from collections.abc import Sequence

from tfnative_aot.emit.builtins import emit_builtins
from tfnative_aot.emit.c_names import c_string, in_comment
from tfnative_aot.emit.interface import Interface, Signature, Tensor
from tfnative_aot.emit.names import run_function
from tfnative_aot.machines.cpu_levels import CpuLevel
from tfnative_aot.program.program import Program


def emit_artifact(
    interface: Interface,
    levels: Sequence[CpuLevel],
    programs: Sequence[Program],
    *,
    weights_bytes: int,
    weights_digest: bytes,
    manifest_bytes: int,
) -> str:
    """The source that defines NAME_artifact and the functions of NAME.h.

    Args:
        interface: Names, signatures and target of the artifact.
        levels: CPU levels, ascending.
        programs: All variants.
        weights_bytes: Size of the weights, symbol ``tfn_weights``.
        weights_digest: Their SHA-256.
        manifest_bytes: Size of the manifest, symbol ``tfn_manifest``.
    """
    headers = [f'#include "{program_header(level)}"' for level in levels]
    parts = ["\n".join(headers), _PREAMBLE, emit_builtins(programs)]
    names = ", ".join(f"{{{c_string(v.name)}, {v.needs}}}" for v in levels)
    if interface.is_minimal:
        numbers = ", ".join(str(v.needs) for v in levels)
        parts.append(f"static const int32_t cpu_levels[] = {{{numbers}}};\n")
        parts.append(_find_variant(levels).replace("].x86_level", "]"))
    else:
        parts.append(f"static const tfn_cpu_level cpu_levels[] = {{{names}}};\n")
        parts.append(_find_variant(levels))
    for index, signature in enumerate(interface.signatures):
        of_signature = [p for p in programs if p.key.signature == index]
        if not interface.is_minimal:
            parts.append(_tensor_tables(index, signature))
            parts.append(_check_table(index, signature))
        parts.append(_variants(index, levels, of_signature, interface.is_minimal))
        if signature.empty and signature.empty.is_read(interface.is_minimal):
            parts.append(signature.empty.table(index))
    if interface.weights_apart:
        parts.append(_bind_weights(interface.name, weights_bytes, weights_digest))
    if not interface.is_minimal:
        parts.append(
            _artifact(interface, levels, programs, weights_bytes, manifest_bytes)
        )
    parts += [
        _entry_points(interface, index, signature)
        for index, signature in enumerate(interface.signatures)
    ]
    return "\n".join(parts)


def program_header(level: CpuLevel) -> str:
    """File name of the header of a level's programs."""
    return f"program_{level.tag}.h"


_PREAMBLE = """\
#include <stddef.h>
#include <stdint.h>

#include "cpu_level.h"
#include "tfnative/abi.h"
#include "weights.h"

#if defined(_WIN32)
#define TFN_EXPORT __declspec(dllexport)
#else
#define TFN_EXPORT __attribute__((visibility("default")))
#endif
#define COUNT(table) ((int32_t)(sizeof(table) / sizeof(table)[0]))
"""

_FIND_VARIANT = """\
/* The variant of a batch size for the best CPU level that this machine has. */
static const tfn_variant* find_variant(const tfn_variant* variants, int32_t count,
                                       int64_t batch_size) {
  const tfn_variant* found = NULL;
  const int32_t level = tfn_host_level();
  for (int32_t i = 0; i < count; ++i) {
    if (variants[i].batch_size == batch_size &&
        cpu_levels[variants[i].cpu_level].x86_level <= level)
      found = &variants[i];
  }
  return found;
}
"""


def _find_variant(levels: Sequence[CpuLevel]) -> str:
    """What asks for features of the CPU only where a level needs one."""
    if not any(level.features for level in levels):
        return _FIND_VARIANT
    plain = "cpu_levels[variants[i].cpu_level].x86_level <= level"
    asking = "tfn_host_has(cpu_levels[variants[i].cpu_level].x86_level)"
    without = _FIND_VARIANT.replace("  const int32_t level = tfn_host_level();\n", "")
    return without.replace(plain, asking)


def _tensor_tables(index: int, signature: Signature) -> str:
    lines = [f"/* --- {in_comment(signature.name)} --- */"]
    for kind, tensors in (("in", signature.inputs), ("out", signature.outputs)):
        prefix = f"s{index}_{kind}"
        lines += [
            f"static const int64_t {prefix}{n}_shape[] = {{{_dims(t)}}};"
            for n, t in enumerate(tensors)
        ]
        lines.append(f"static const tfn_tensor_spec {prefix}[] = {{")
        lines += [
            f"    {{{c_string(t.name)}, {t.abi_dtype}, {len(t.shape)}, "
            f"{prefix}{n}_shape}},"
            for n, t in enumerate(tensors)
        ]
        lines += ["    {0}};" if not tensors else "};"]
    return "\n".join(lines) + "\n"


def _check_table(index: int, signature: Signature) -> str:
    if not signature.checks:
        return ""
    shapes = [
        f"static const int64_t s{index}_check{n}_shape[] = "
        f"{{{', '.join(map(str, check.shape)) or '0'}}};"
        for n, check in enumerate(signature.checks)
    ]
    entries = [
        f"    {{{c_string(check.node)}, {c_string(check.op)},\n"
        f"     {c_string(check.message)},\n"
        f"     {check.value_count}, {len(check.shape)}, s{index}_check{n}_shape}},"
        for n, check in enumerate(signature.checks)
    ]
    table = [f"static const tfn_check s{index}_checks[] = {{", *entries, "};"]
    return "\n".join([*shapes, *table]) + "\n"


def _variants(
    index: int,
    levels: Sequence[CpuLevel],
    programs: Sequence[Program],
    is_minimal: bool,
) -> str:
    lines = [f"static const tfn_variant s{index}_variants[] = {{"]
    for program in programs:
        run = run_function(program)
        steps = "NULL" if is_minimal else f"{run}_steps"
        lines.append(
            f"    {{{program.key.batch_size}, {levels.index(program.key.level)}, "
            f"{run}_step_count, {run}_workspace_bytes, {run}_thread_bytes, {run},\n"
            f"     {steps}}},"
        )
    lines.append("};")
    return "\n".join(lines) + "\n"


def _bind_weights(name: str, weights_bytes: int, digest: bytes) -> str:
    numbers = ", ".join(f"0x{byte:02x}" for byte in digest)
    return f"""\
const char* tfn_bound_weights;

TFN_EXPORT int32_t {name}_bind_weights(const void* weights, uint64_t bytes) {{
  static const uint8_t digest[32] = {{{numbers}}};
  const int32_t problem = tfn_check_weights(weights, bytes, {weights_bytes}u, digest);
  if (problem) return problem;
  __atomic_store_n(&tfn_bound_weights, (const char*)weights, __ATOMIC_RELEASE);
  return 0;
}}
"""


def _artifact(
    interface: Interface,
    levels: Sequence[CpuLevel],
    programs: Sequence[Program],
    weights_bytes: int,
    manifest_bytes: int,
) -> str:
    entries = []
    for index, signature in enumerate(interface.signatures):
        count = sum(p.key.signature == index for p in programs)
        entries.append(_signature_entry(index, signature, count))
    signatures = "\n".join(entries)
    bind = f"{interface.name}_bind_weights" if interface.weights_apart else "NULL"
    return f"""\
extern const char tfn_manifest[] TFN_HIDDEN;

static const tfn_signature signatures[] = {{
{signatures}
}};

static const tfn_artifact artifact = {{
    .abi_version = TFN_ABI_VERSION,
    .struct_bytes = sizeof(tfn_artifact),
    .name = {c_string(interface.name)},
    .triple = {c_string(interface.triple)},
    .cpu_level_count = {len(levels)},
    .signature_count = {len(interface.signatures)},
    .cpu_levels = cpu_levels,
    .signatures = signatures,
    .manifest = tfn_manifest,
    .manifest_bytes = {manifest_bytes},
    .weights = {"NULL" if interface.weights_apart else "tfn_weights"},
    .weights_bytes = {weights_bytes},
    .bind_weights = {bind},
}};

TFN_EXPORT const tfn_artifact* {interface.name}_artifact(void) {{
  return &artifact;
}}
"""


def _signature_entry(index: int, signature: Signature, variants: int) -> str:
    flags = "TFN_SIGNATURE_ROWS_INDEPENDENT" if signature.rows_independent else "0"
    count = len(signature.checks)
    checks = f"s{index}_checks, {count}" if count else "NULL, 0"
    known = signature.empty
    empty = f"s{index}_empty" if known and known.outputs else "NULL"
    error = c_string(known.error) if known and known.error else "NULL"
    return (
        f"    {{{c_string(signature.name)}, {flags}, {len(signature.inputs)}, "
        f"{len(signature.outputs)}, {variants},\n"
        f"     s{index}_in, s{index}_out, s{index}_variants, {checks},\n"
        f"     {empty}, {error}}},"
    )


def _entry_points(interface: Interface, index: int, signature: Signature) -> str:
    inputs = [f"(const void*){t.c_name}" for t in signature.inputs]
    outputs = [f"(void*){t.c_name}" for t in signature.outputs]
    name = interface.function(signature)
    table = f"s{index}_variants, COUNT(s{index}_variants)"
    return f"""\
TFN_EXPORT size_t {name}_workspace_bytes(int64_t batch_size) {{
{"  if (batch_size == 0) return 0;" + chr(10) if signature.empty else ""}\
  const tfn_variant* variant = find_variant({table}, batch_size);
  return variant ? (size_t)variant->workspace_bytes : SIZE_MAX;
}}

TFN_EXPORT int32_t {name}({signature.c_parameters}) {{
{_run_empty(index, signature)}\
  const tfn_variant* variant = find_variant({table}, batch_size);
  if (!variant) return TFN_NO_CODE;
  const void* const in[] = {{{", ".join(inputs) or "NULL"}}};
  void* const out[] = {{{", ".join(outputs)}}};
  return variant->run(in, out, workspace, NULL);
}}
"""


def _run_empty(index: int, signature: Signature) -> str:
    """What the function of a signature does about a batch without rows."""
    if signature.empty is None:
        return ""
    if signature.empty.error:
        return "  if (batch_size == 0) return TFN_EMPTY_REFUSED;\n"
    names = tuple(tensor.c_name for tensor in signature.outputs)
    copies = signature.empty.copies(index, names)
    return f"  if (batch_size == 0) {{\n{copies}    return 0;\n  }}\n"


def _dims(tensor: Tensor) -> str:
    return ", ".join(map(str, tensor.shape)) or "0"
