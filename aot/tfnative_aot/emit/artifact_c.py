# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The C source of an artifact's entry points and of the tables behind them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tfnative_aot.emit.interface import Interface, Signature, Tensor
from tfnative_aot.emit.program_c import run_function
from tfnative_aot.program import Program
from tfnative_aot.targets import CpuLevel


def emit_artifact(
    interface: Interface,
    levels: Sequence[CpuLevel],
    programs: Sequence[Program],
    *,
    weights_bytes: int,
    manifest_bytes: int,
) -> str:
    """The source that defines NAME_artifact and the functions of NAME.h.

    Args:
        interface: Names, signatures and target of the artifact.
        levels: CPU levels, ascending.
        programs: All variants.
        weights_bytes: Size of the weights, symbol ``tfn_weights``.
        manifest_bytes: Size of the manifest, symbol ``tfn_manifest``.
    """
    headers = [f'#include "{program_header(level)}"' for level in levels]
    parts = ["\n".join(headers), _PREAMBLE, _FIND_VARIANT]
    for index, signature in enumerate(interface.signatures):
        of_signature = [p for p in programs if p.key.signature == index]
        parts.append(_signature_tables(index, signature, levels, of_signature))
    names = ", ".join(f"{{{_text(v.name)}, {v.x86_level}}}" for v in levels)
    entries = []
    for index, signature in enumerate(interface.signatures):
        count = sum(p.key.signature == index for p in programs)
        entries.append(_signature_entry(index, signature, count))
    signatures = "\n".join(entries)
    parts.append(
        f"""\
static const tfn_cpu_level cpu_levels[] = {{{names}}};

static const tfn_signature signatures[] = {{
{signatures}
}};

static const tfn_artifact artifact = {{
    .abi_version = TFN_ABI_VERSION,
    .struct_bytes = sizeof(tfn_artifact),
    .name = {_text(interface.name)},
    .triple = {_text(interface.triple)},
    .cpu_level_count = {len(levels)},
    .signature_count = {len(interface.signatures)},
    .cpu_levels = cpu_levels,
    .signatures = signatures,
    .manifest = tfn_manifest,
    .manifest_bytes = {manifest_bytes},
    .weights = tfn_weights,
    .weights_bytes = {weights_bytes},
}};

TFN_EXPORT const tfn_artifact* {interface.name}_artifact(void) {{
  return &artifact;
}}
"""
    )
    parts += [
        _entry_points(interface, index, signature)
        for index, signature in enumerate(interface.signatures)
    ]
    return "\n".join(parts)


def program_header(level: CpuLevel) -> str:
    """File name of the header of a level's programs."""
    return f"program_{level.tag}.h"


def emit_data(weights_file: str, manifest_file: str) -> str:
    """Assembler source that includes the weights and the manifest.

    The weights are in a section of their own, so that a loader can tell where
    they lie in the file.
    """
    return f"""\
  .section .tfn_weights,"a",%progbits
  .balign 64
  .globl tfn_weights
  .hidden tfn_weights
tfn_weights:
  .incbin "{weights_file}"
  .byte 0
  .section .rodata.tfn_manifest,"a",%progbits
  .globl tfn_manifest
  .hidden tfn_manifest
tfn_manifest:
  .incbin "{manifest_file}"
  .byte 0
  .section .note.GNU-stack,"",%progbits
"""


_PREAMBLE = """\
#include <stddef.h>
#include <stdint.h>

#include "cpu_level.h"
#include "tfnative/abi.h"

#define TFN_EXPORT __attribute__((visibility("default")))

extern const char tfn_manifest[] __attribute__((visibility("hidden")));
"""

_FIND_VARIANT = """\
/* The variant of a batch size for the best CPU level that this machine has. */
static const tfn_variant* find_variant(const tfn_artifact* artifact,
                                       const tfn_signature* signature,
                                       int64_t batch_size) {
  const tfn_variant* found = NULL;
  const int32_t level = tfn_host_level();
  for (int32_t i = 0; i < signature->variant_count; ++i) {
    const tfn_variant* variant = &signature->variants[i];
    if (variant->batch_size == batch_size &&
        artifact->cpu_levels[variant->cpu_level].x86_level <= level)
      found = variant;
  }
  return found;
}
"""


def _signature_tables(
    index: int,
    signature: Signature,
    levels: Sequence[CpuLevel],
    programs: Sequence[Program],
) -> str:
    lines = [f"/* --- {signature.name} --- */"]
    for kind, tensors in (("in", signature.inputs), ("out", signature.outputs)):
        prefix = f"s{index}_{kind}"
        lines += [
            f"static const int64_t {prefix}{n}_shape[] = {{{_dims(t)}}};"
            for n, t in enumerate(tensors)
        ]
        lines.append(f"static const tfn_tensor_spec {prefix}[] = {{")
        lines += [
            f"    {{{_text(t.name)}, {t.abi_dtype}, {len(t.shape)}, "
            f"{prefix}{n}_shape}},"
            for n, t in enumerate(tensors)
        ]
        lines += ["    {0}};" if not tensors else "};"]
    lines.append(f"static const tfn_variant s{index}_variants[] = {{")
    for program in programs:
        run = run_function(program)
        lines.append(
            f"    {{{program.key.batch_size}, {levels.index(program.key.level)}, "
            f"{run}_step_count, {run}_workspace_bytes, {run}_thread_bytes, {run},\n"
            f"     {run}_steps}},"
        )
    lines.append("};")
    return "\n".join(lines) + "\n"


def _signature_entry(index: int, signature: Signature, variants: int) -> str:
    flags = "TFN_SIGNATURE_ROWS_INDEPENDENT" if signature.rows_independent else "0"
    return (
        f"    {{{_text(signature.name)}, {flags}, {len(signature.inputs)}, "
        f"{len(signature.outputs)}, {variants},\n"
        f"     s{index}_in, s{index}_out, s{index}_variants}},"
    )


def _entry_points(interface: Interface, index: int, signature: Signature) -> str:
    inputs = [f"(const void*){t.c_name}" for t in signature.inputs]
    outputs = [f"(void*){t.c_name}" for t in signature.outputs]
    name = interface.function(signature)
    return f"""\
TFN_EXPORT size_t {name}_workspace_bytes(int64_t batch_size) {{
  const tfn_variant* variant =
      find_variant(&artifact, &signatures[{index}], batch_size);
  return variant ? (size_t)variant->workspace_bytes : SIZE_MAX;
}}

TFN_EXPORT int32_t {name}({signature.c_parameters}) {{
  const tfn_variant* variant =
      find_variant(&artifact, &signatures[{index}], batch_size);
  if (!variant) return -1;
  const void* const in[] = {{{", ".join(inputs) or "NULL"}}};
  void* const out[] = {{{", ".join(outputs)}}};
  return variant->run(in, out, workspace, NULL);
}}
"""


def _dims(tensor: Tensor) -> str:
    return ", ".join(map(str, tensor.shape)) or "0"


def _text(text: str) -> str:
    """A C string literal."""
    return json.dumps(text)
