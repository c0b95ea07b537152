# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What Prometheus scrapes, under TensorFlow Serving's names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tfnative.serving.server.request_metrics import escaped

if TYPE_CHECKING:
    from tfnative.serving.server.service import Service

_MODEL = re.compile(r'\{model_name="(?:[^"\\]|\\.)*"')


def to_prometheus(service: Service) -> str:
    """What requests there were, and what batchers did; a name is described once.

    A model has a batcher for each version and signature, and each of these its own
    series, since Prometheus takes none that come twice.
    """
    blocks: dict[str, list[str]] = {}
    heads: dict[str, list[str]] = {}
    for served in service.models.values():
        for version, signature, batcher in served.batchers():
            text = batcher.metrics().to_prometheus(served.name)
            more = f',version="{version}",signature="{escaped(signature)}"'
            labelled = _MODEL.sub(rf"\g<0>{_as_template(more)}", text)
            _collect(labelled, heads, blocks)
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


def _as_template(text: str) -> str:
    """A text that stands for itself where ``re`` looks for groups."""
    return text.replace("\\", "\\\\")
