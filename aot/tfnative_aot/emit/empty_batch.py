# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is known of a batch without rows, as C: constants, or that it is refused."""

from __future__ import annotations

from dataclasses import dataclass

BYTES_PER_LINE = 16


@dataclass(frozen=True)
class EmptyBatch:
    """TensorFlow's answer to a batch without rows.

    Attributes:
        outputs: For each output in order, its bytes; None where it has a batch
            dimension, and so nothing in it.
        error: What TensorFlow says if it refuses such a batch; then there are no
            outputs. Else "".
    """

    outputs: tuple[bytes | None, ...] = ()
    error: str = ""

    def is_read(self, is_minimal: bool) -> bool:
        """Whether the tables are, by an artifact that is minimal or not."""
        return any(self.outputs) if is_minimal else bool(self.outputs)

    def table(self, index: int) -> str:
        """The outputs of signature ``index``, in a table ``s{index}_empty``."""
        lines = []
        for place, data in enumerate(self.outputs):
            if data is not None:
                lines.append(f"static const uint8_t s{index}_empty{place}[] = {{")
                lines += _numbers(data)
                lines.append("};")
        places = ", ".join(
            "NULL" if data is None else f"s{index}_empty{place}"
            for place, data in enumerate(self.outputs)
        )
        lines.append(f"static const void* const s{index}_empty[] = {{{places}}};")
        return "\n".join(lines) + "\n"

    def copies(self, index: int, names: tuple[str, ...]) -> str:
        """Statements that write the outputs, which are named."""
        return "".join(
            f"    __builtin_memcpy({name}, s{index}_empty[{place}], {len(data)});\n"
            for place, (name, data) in enumerate(zip(names, self.outputs, strict=True))
            if data
        )


def _numbers(data: bytes) -> list[str]:
    # An array in C has at least one element.
    data = data or b"\0"
    return [
        "    " + " ".join(f"{byte}," for byte in data[at : at + BYTES_PER_LINE])
        for at in range(0, len(data), BYTES_PER_LINE)
    ]
