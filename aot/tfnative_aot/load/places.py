# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Where in the user's code the nodes of a SavedModel were made.

TensorFlow writes debug/saved_model_debug_info.pb when a model is saved with
tf.saved_model.SaveOptions(save_debug_info=True).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

_LIBRARIES = ("/tensorflow/", "/keras/", "/tf_keras/", "/site-packages/", "<")


class Places:
    """Looks up nodes by name. Knows nothing if the model has no such file."""

    def __init__(self, model: Path) -> None:
        from google.protobuf.message import DecodeError
        from tensorflow.core.framework import graph_debug_info_pb2

        self._info = graph_debug_info_pb2.GraphDebugInfo()
        try:
            path = model / "debug" / "saved_model_debug_info.pb"
            self._info.ParseFromString(path.read_bytes())
        except (OSError, DecodeError):
            self._info.Clear()
        self._keys: dict[str, str] = {}
        for key in (*self._info.traces, *self._info.name_to_trace_id):
            self._keys.setdefault(key.partition("@")[0], key)

    def find(self, name: str, node: str) -> str:
        """A node's "file:line", or "".

        Args:
            name: In a function as "function/node"; after inlining, the names of the
                calls stand before the node's.
            node: Its name in the graph or the function.
        """
        function = name.removesuffix(f"/{node}")
        exact = f"{node}@{function}"
        if exact in self._info.traces or exact in self._info.name_to_trace_id:
            return self._place(exact)
        parts = node.split("/")
        for first in range(len(parts)):
            key = self._keys.get("/".join(parts[first:]))
            if key is not None:
                return self._place(key)
        return ""

    def _place(self, key: str) -> str:
        """The innermost of the user's frames; TensorFlow lists the outermost first."""
        frames = [self._frame(frame) for frame in self._trace(key)]
        own = [f for f in frames if not any(part in f for part in _LIBRARIES)]
        return (own or frames or [""])[-1]

    def _trace(self, key: str) -> list[Any]:
        info = self._info
        if key in info.traces:
            trace = info.traces[key]
        else:
            trace = info.traces_by_id[info.name_to_trace_id[key]]
        by_id = [info.frames_by_id[frame] for frame in trace.frame_id]
        return [*trace.file_line_cols, *by_id]

    def _frame(self, frame: Any) -> str:
        return f"{self._info.files[frame.file_index]}:{frame.line}"
