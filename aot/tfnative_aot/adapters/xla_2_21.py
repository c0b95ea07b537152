# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What TensorFlow 2.21 keeps private about tfcompile, in one place.

Two things live here: the call into ``_pywrap_tfcompile``, which forks of a process
that has loaded this file make (see ``tfnative_aot.xla.fork_server``), and the layout of
the messages in which XLA serialises what it compiled. The field numbers are those of
the wheel's headers ``xla/service/cpu/executable.pb.h``,
``xla/backends/cpu/runtime/thunk.pb.h``, ``xla/service/hlo.pb.h`` and
``xla/xla_data.pb.h``. Only fields that the compiler reads are declared; protobuf skips
the others. Enums and booleans are declared as integers, and packed floats as bytes,
which is the same on the wire and saves making a Python object of every weight.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from typing import Any

PROGRAM_SYMBOL = "_CompilationResultProto_protobuf_array_contents"
"""End of the name under which the metadata object holds the serialised result."""

XLA_FLAGS = (
    "--xla_cpu_multi_thread_eigen=false "
    # Without the trailing space, XLA emits thunks that it cannot serialise.
    "--xla_cpu_experimental_ynn_fusion_type= "
    # The fast ones drop a NaN on one side, where TensorFlow gives NaN.
    "--xla_cpu_enable_fast_min_max=false "
    # Else what is computed in half precision is not rounded to it between ops.
    "--xla_allow_excess_precision=false "
)

DUMPED = "*before_optimizations.hlo.pb"
"""Name of the file in which a job leaves, in its folder `dump`, what XLA was given."""

STAGES = {
    "before": "*.before_optimizations",
    "after": "*.cpu_after_optimizations",
}
"""Of a program, by name: how the files .hlo.pb and .txt begin that a job leaves."""

DTYPES = {
    1: "pred", 2: "s8", 3: "s16", 4: "s32", 5: "s64", 6: "u8", 7: "u16", 8: "u32",
    9: "u64", 10: "f16", 11: "f32", 12: "f64", 13: "tuple", 15: "c64", 16: "bf16",
    17: "token", 18: "c128",
}  # fmt: skip
"""xla.PrimitiveType."""

# A message a line: name, then "number field type", * for repeated.
_SCHEMA = """
Result: 1 hlo ModuleWithConfig, 2 buffers BufferAssignment, 6 thunks ThunkSequence, 7 *symbols Symbol
Symbol: 1 kind int64, 2 name string

ModuleWithConfig: 1 module Module
Module: 1 name string, 3 *computations Computation, 4 program_shape ProgramShape, 6 entry_id int64
ProgramShape: 1 *parameters Shape, 2 result Shape
Computation: 1 name string, 2 *instructions Instruction, 5 id int64, 6 root_id int64
Instruction: 1 name string, 2 opcode string, 3 shape Shape, 7 metadata OpMetadata, 8 literal Literal, 9 parameter_number int64, 11 fusion_kind string, 13 tuple_index int64, 14 *dimensions int64, 15 window Window, 30 dot DotDims, 35 id int64, 36 *operand_ids int64, 38 *called_computation_ids int64, 43 backend_config bytes, 63 comparison_direction string
OpMetadata: 1 op_type string, 2 op_name string
Shape: 2 element_type int64, 3 *dimensions int64, 4 *tuple_shapes Shape, 5 layout Layout, 6 *is_dynamic int64
Layout: 1 *minor_to_major int64
Literal: 1 shape Shape, 2 preds bytes, 3 u8s bytes, 4 *s32s int64, 5 *s64s int64, 6 *u32s uint64, 7 *u64s uint64, 8 f32s bytes, 9 f64s bytes, 11 f16s bytes, 12 c64s bytes, 13 bf16s bytes, 15 s8s bytes, 16 u16s bytes, 17 s16s bytes, 18 c128s bytes

BufferAssignment: 1 *logical_buffers LogicalBuffer, 3 *allocations Allocation
LogicalBuffer: 1 id int64, 2 size int64, 3 defined_at Location
Location: 3 *shape_index int64, 4 instruction_id int64
Allocation: 1 index int64, 2 size int64, 3 is_thread_local int64, 5 is_parameter int64, 6 parameter_number int64, 7 maybe_live_out int64, 9 *assigned Assigned, 11 is_tuple int64, 12 is_constant int64
Assigned: 1 logical_buffer_id int64, 2 offset int64, 3 size int64
Slice: 1 offset int64, 2 size int64, 3 allocation int64

ThunkSequence: 1 *thunks Thunk
Thunk: 1 kind string, 2 info ThunkInfo, 3 call Call, 4 conditional Conditional, 5 sort Sort, 7 dot Dot, 8 rng Rng, 9 topk TopK, 10 while While, 11 kernel Kernel, 12 copy Copy, 16 custom_call CustomCall, 17 convolution Convolution
ThunkInfo: 1 op_name string
Buffer: 1 shape Shape, 2 slice Slice
KernelBuffer: 1 slice Slice, 2 shape Shape
OptionalInt: 1 value int64, 2 has_value int64
Call: 1 sequence ThunkSequence
Conditional: 1 *branches ThunkSequence, 2 index Slice
While: 1 condition ThunkSequence, 2 body ThunkSequence, 3 trip_count OptionalInt, 4 condition_buffer Slice
Sort: 1 dimension int64, 2 is_stable int64, 4 comparator string, 5 *inputs Buffer
TopK: 1 batch_size int64, 2 input_size int64, 3 k int64, 4 values Slice, 5 output Slice, 6 indices Slice
Rng: 1 delta int64, 2 state Slice
Kernel: 1 name string, 2 workgroups WorkGroups, 5 *arguments KernelBuffer, 6 *results KernelBuffer
WorkGroups: 1 x int64, 2 y int64, 3 z int64
Copy: 1 source Buffer, 2 destination Buffer
CustomCall: 2 target string
Dot: 1 dims DotDims, 2 lhs Buffer, 3 rhs Buffer, 4 out Buffer
DotDims: 1 *lhs_contracting int64, 2 *rhs_contracting int64, 3 *lhs_batch int64, 4 *rhs_batch int64
Convolution: 1 dims ConvDims, 2 window Window, 3 groups int64, 4 input Buffer, 5 kernel Buffer, 6 output Buffer
ConvDims: 3 kernel_input_feature int64, 4 kernel_output_feature int64, 6 *kernel_spatial int64, 7 input_batch int64, 8 input_feature int64, 9 output_batch int64, 10 output_feature int64, 11 *input_spatial int64, 12 *output_spatial int64
Window: 1 *dimensions WindowDim
WindowDim: 1 size int64, 2 stride int64, 3 padding_low int64, 4 padding_high int64, 5 window_dilation int64, 6 base_dilation int64, 7 reversal int64
"""  # noqa: E501


def parse_result(serialised: bytes) -> Any:
    """Parses a serialised xla.cpu.CompilationResultProto.

    Returns:
        A protobuf message with the fields of ``_SCHEMA``'s ``Result``.
    """
    return _message_class("Result").FromString(serialised)


def parse_program(serialised: bytes) -> Any:
    """Parses a serialised xla.HloProto: the ``Module`` in it, as in ``_SCHEMA``."""
    return _message_class("ModuleWithConfig").FromString(serialised).module


def _message_class(name: str) -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    field_type = descriptor_pb2.FieldDescriptorProto
    scalars = {
        "int64": field_type.TYPE_INT64,
        "uint64": field_type.TYPE_UINT64,
        "string": field_type.TYPE_STRING,
        "bytes": field_type.TYPE_BYTES,
    }
    file = descriptor_pb2.FileDescriptorProto(
        name="tfnative_xla_2_21.proto", package="tfnative.xla_2_21", syntax="proto3"
    )
    for line in filter(None, _SCHEMA.splitlines()):
        message_name, fields = line.split(": ")
        message = file.message_type.add(name=message_name)
        for field in fields.split(", "):
            number, field_name, type_name = field.split(" ")
            repeated = field_name.startswith("*")
            added = message.field.add(
                name=field_name.removeprefix("*"),
                number=int(number),
                label=field_type.LABEL_REPEATED
                if repeated
                else field_type.LABEL_OPTIONAL,
                type=scalars.get(type_name, field_type.TYPE_MESSAGE),
            )
            if type_name not in scalars:
                added.type_name = f".{file.package}.{type_name}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName(f"{file.package}.{name}")
    )


@functools.cache
def _import_tfcompile() -> Any:
    """Imports TensorFlow's tfcompile without ``tensorflow/__init__``.

    The full import takes several seconds, the extension module half a second.
    """
    import importlib
    import importlib.util
    import types

    spec = importlib.util.find_spec("tensorflow")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("tensorflow is not installed")
    root = spec.submodule_search_locations[0]
    for name, path in (
        ("tensorflow", root),
        ("tensorflow.python", os.path.join(root, "python")),
    ):
        package = types.ModuleType(name)
        package.__path__ = [path]
        sys.modules[name] = package
    return importlib.import_module("tensorflow.python._pywrap_tfcompile")


def prepare() -> None:
    """Loads tfcompile for all forks of this process. Starts no threads."""
    # XLA reads its flags when it compiles for the first time in a process.
    os.environ["XLA_FLAGS"] = XLA_FLAGS
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    _import_tfcompile()


def main(job_path: str) -> None:
    """In a fork: compiles what the JSON file at ``job_path`` describes."""
    with open(job_path, encoding="utf-8") as file:
        arguments = json.load(file)
    if dump := arguments.pop("dump", None):
        os.environ["XLA_FLAGS"] += f'--xla_dump_to="{dump}" --xla_dump_hlo_as_proto '
        if arguments.pop("dump_text", False):
            os.environ["XLA_FLAGS"] += "--xla_dump_hlo_as_text"
    _import_tfcompile().Compile(**arguments)
