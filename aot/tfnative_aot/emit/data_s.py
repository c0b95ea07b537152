# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Assembler source that includes the weights and the manifest, for each format."""

from __future__ import annotations

from tfnative_aot.emit.interface import Interface

WEIGHTS_SECTION = ".tfn_weights"
"""In ELF files. A section of its own, so that a loader can tell where they lie."""

_SECTIONS = {
    "elf": (
        f'  .section {WEIGHTS_SECTION},"a",%progbits',
        '  .section .rodata.tfn_manifest,"a",%progbits',
    ),
    "macho": ("  .section __TEXT,__tfn_weights", "  .section __TEXT,__tfn_manifest"),
    "coff": ('  .section .rdata$tfnw,"dr"', '  .section .rdata$tfnm,"dr"'),
}
_LAST = {
    "elf": '  .section .note.GNU-stack,"",%progbits\n',
    "macho": "  .subsections_via_symbols\n",
    "coff": "",
}


def emit_data(interface: Interface) -> str:
    """The source. It reads weights.bin and manifest.json where it is assembled."""
    kind = interface.target.object_format
    weights, manifest = _SECTIONS[kind]
    parts = []
    if not interface.weights_apart:
        parts.append(_blob(interface, weights, "tfn_weights", "weights.bin"))
    if not interface.is_minimal:
        parts.append(_blob(interface, manifest, "tfn_manifest", "manifest.json"))
    return "".join(parts) + _LAST[kind]


def _blob(interface: Interface, section: str, symbol: str, file: str) -> str:
    kind = interface.target.object_format
    name = f"{interface.name}_{symbol}"
    label = f"_{name}" if kind == "macho" else name
    hidden = {"elf": f"  .hidden {label}\n", "macho": f"  .private_extern {label}\n"}
    return f"""\
{section}
  .balign 64
  .globl {label}
{hidden.get(kind, "")}{label}:
  .incbin "{file}"
  .byte 0
"""
