# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What Prometheus scrapes, under TensorFlow Serving's names."""

from __future__ import annotations

from tfnative.serving.server.service import Service


def to_prometheus(service: Service) -> str:
    """What requests there were, and what batchers did; a name is described once."""
    blocks: dict[str, list[str]] = {}
    heads: dict[str, list[str]] = {}
    for served in service.models.values():
        for _, _, batcher in served.batchers():
            _collect(batcher.metrics().to_prometheus(), heads, blocks)
    return service.requests.to_prometheus() + "".join(
        line + "\n" for name in blocks for line in heads[name] + blocks[name]
    )


def _collect(
    text: str, heads: dict[str, list[str]], blocks: dict[str, list[str]]
) -> None:
    """Sorts the lines of one text by the metrics that they are of."""
    name = ""
    for line in text.splitlines():
        if line.startswith("#"):
            name = line.split()[2]
            if name not in blocks or len(heads[name]) < 2:
                heads.setdefault(name, []).append(line)
            blocks.setdefault(name, [])
        else:
            blocks[name].append(line)
