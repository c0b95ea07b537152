# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The Graph Transform Tool works behind a wall: what happens there stays there."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

import pytest
from tensorflow.core.framework.graph_pb2 import GraphDef  # noqa: TID253

from tfnative.errors import CompileError
from tfnative_aot.optimize.tool import Tool

ENDS = (["x"], ["y"])


def graph() -> GraphDef:
    graph_def = GraphDef()
    graph_def.node.add(name="x", op="Placeholder").attr["dtype"].type = 1
    y = graph_def.node.add(name="y", op="Identity", input=["x"])
    y.attr["T"].type = 1
    graph_def.node.add(name="unused", op="NoOp")
    return graph_def


def test_one_process_serves_several_transforms(capfd: pytest.CaptureFixture[str]):
    with Tool() as tool:
        stripped = tool.transform(graph(), *ENDS, "strip_unused_nodes")
        pid = tool.process_id
        sorted_ = tool.transform(stripped, *ENDS, "sort_by_execution_order")
        assert tool.process_id == pid
    assert [node.name for node in sorted_.node] == ["x", "y"]
    assert capfd.readouterr().err == ""


def test_what_the_tool_refuses_names_the_transform():
    with Tool() as tool:
        with pytest.raises(CompileError, match=r"refuses freeze_req.*: .*file"):
            tool.transform(graph(), *ENDS, "freeze_requantization_ranges")
        assert tool.transform(graph(), *ENDS, "remove_device").node


def test_a_crash_is_an_error_and_the_next_transform_works():
    with Tool() as tool:
        tool.start()
        assert tool.process_id is not None
        os.kill(tool.process_id, signal.SIGKILL)
        with pytest.raises(CompileError, match=r"ended by SIGKILL.* at remove_device"):
            tool.transform(graph(), *ENDS, "remove_device")
        assert tool.transform(graph(), *ENDS, "remove_device").node


def test_a_failed_check_of_the_tool_is_an_error():
    broken = graph()
    # A CHECK of the tool's: quantize_weights reads a constant without a value.
    const = broken.node.add(name="c", op="Const")
    const.attr["dtype"].type = 1
    const.attr["value"].tensor.dtype = 1
    const.attr["value"].tensor.tensor_shape.dim.add(size=-3)
    with (
        Tool() as tool,
        pytest.raises(CompileError, match=r"at quantize|refuses quant"),
    ):
        tool.transform(broken, *ENDS, "quantize_weights(minimum_size=1)")


def test_a_tool_that_hangs_is_an_error_and_the_next_transform_works():
    with Tool(most_seconds=0.5) as tool:
        tool.start()
        hanging = tool.process_id
        assert hanging is not None
        os.kill(hanging, signal.SIGSTOP)
        with pytest.raises(
            CompileError, match=r"ended at remove_device, .* longer than 0.5 seconds"
        ):
            tool.transform(graph(), *ENDS, "remove_device")
        assert tool.process_id is None
        with pytest.raises(ProcessLookupError):
            os.kill(hanging, 0)
        tool._most_seconds = 300
        assert tool.transform(graph(), *ENDS, "remove_device").node


def test_an_interrupt_ends_a_tool_that_hangs():
    program = (
        "import os, signal\n"
        "from tests.aot.optimize.test_tool import ENDS, graph\n"
        "from tfnative_aot.optimize.tool import Tool\n"
        "made = graph()\n"  # Imports TensorFlow, which may lose an interrupt.
        "with Tool() as tool:\n"
        "    tool.start()\n"
        "    os.kill(tool.process_id, signal.SIGSTOP)\n"
        "    print(tool.process_id, flush=True)\n"
        "    tool.transform(made, *ENDS, 'remove_device')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        hanging = int(process.stdout.readline())
        errors = None
        while errors is None:  # One may be lost, in what TensorFlow calls.
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                _, errors = process.communicate(timeout=5)
    assert "KeyboardInterrupt" in errors
    with pytest.raises(ProcessLookupError):
        os.kill(hanging, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_the_process_ends_with_its_parent():
    program = (
        "from tfnative_aot.optimize.tool import Tool\n"
        "tool = Tool(); tool.start()\n"
        "print(tool.process_id, flush=True)\n"
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=False
    )
    child = int(done.stdout)
    for _ in range(200):
        try:
            with open(f"/proc/{child}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return
        except FileNotFoundError:
            return
        signal.sigtimedwait([], 0.05)
    pytest.fail(f"process {child} lives on")
