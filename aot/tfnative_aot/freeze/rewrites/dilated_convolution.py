# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Makes one dilated convolution of three ops.

tf.nn.convolution computes a dilated convolution as SpaceToBatchND, Conv2D,
BatchToSpaceND. The two at the ends move the whole input about, which costs more
than the convolution itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")


def merge_dilations(editor: GraphEditor) -> None:
    """Replaces SpaceToBatchND, convolution, BatchToSpaceND by a convolution."""
    for node in editor.nodes(*_CONVOLUTIONS):
        before = editor.source(node, 0)
        found = editor.only_reader(node)
        if before is None or found is None:
            continue
        after, place = found
        if before.op != "SpaceToBatchND" or after.op != "BatchToSpaceND" or place != 0:
            continue
        if not editor.is_output(after):
            _merge(editor, before, node, after)


def _merge(editor: GraphEditor, before: NodeDef, node: NodeDef, after: NodeDef) -> None:
    block, paddings = editor.constant(before, 1), editor.constant(before, 2)
    block_after, crops = editor.constant(after, 1), editor.constant(after, 2)
    if block is None or paddings is None or block_after is None or crops is None:
        return
    plain = (
        node.attr["padding"].s == b"VALID"
        and node.attr["data_format"].s in (b"", b"NHWC")
        and list(node.attr["strides"].list.i) == [1, 1, 1, 1]
        and set(node.attr["dilations"].list.i) <= {1}
    )
    # What is cropped at the end was padded to fill the last block.
    around = paddings - crops
    if not plain or len(block) not in (1, 2) or list(block) != list(block_after):
        return
    if (around < 0).any():
        return
    dilations = [1, *(int(size) for size in block), 1]
    explicit = [0, 0, *(int(size) for size in around.reshape(-1)), 0, 0]
    if len(block) == 1:
        dilations.insert(2, 1)
        explicit[4:4] = [0, 0]
    node.attr["dilations"].list.i[:] = dilations
    if around.any():
        node.attr["padding"].s = b"EXPLICIT"
        node.attr["explicit_paddings"].list.i[:] = explicit
    editor.set_input(node, 0, before.input[0])
    editor.become(after, "Identity", [node.name])
