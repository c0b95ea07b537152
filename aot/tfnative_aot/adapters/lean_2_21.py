# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""TensorFlow 2.21 with no more of it loaded than compiling needs.

``import tensorflow`` loads everything that TensorFlow has, and Keras: that takes longer
than compiling a small model. ``install`` puts a module in its place that finds the few
names that the compiler uses where TensorFlow itself takes them from, and that becomes
the whole of TensorFlow as soon as anybody asks for another one.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from typing import Any

_BEHAVIOR = "tensorflow.python.compat.v2_compat"

# A module of TensorFlow's a line: its path, then what of it has which public name.
_NAMES = """
core.example.example_pb2: train.Example=Example
core.protobuf.config_pb2: compat.v1.ConfigProto=ConfigProto
python.client.session: compat.v1.Session=Session
python.eager.polymorphic_function.polymorphic_function: function=function
python.eager.wrap_function: compat.v1.wrap_function=wrap_function
python.framework.constant_op: constant=constant
python.framework.dtypes: bfloat16=bfloat16 bool=bool dtypes.as_dtype=as_dtype float16=float16 float32=float32 float64=float64 int32=int32 int64=int64 resource=resource string=string uint32=uint32 uint64=uint64 variant=variant
python.framework.importer: graph_util.import_graph_def=import_graph_def
python.framework.ops: Graph=Graph
python.framework.tensor: TensorSpec=TensorSpec
python.framework.tensor_shape: TensorShape=TensorShape
python.framework.tensor_util: get_static_value=constant_value make_ndarray=MakeNdarray make_tensor_proto=make_tensor_proto
python.ops.array_ops: concat=concat expand_dims=expand_dims_v2 fill=fill gather=gather_v2 gather_nd=gather_nd_v2 identity=identity linalg.matrix_transpose=matrix_transpose ones=ones ones_like=ones_like_v2 pad=pad_v2 rank=rank reshape=reshape shape=shape_v2 size=size_v2 slice=slice transpose=transpose_v2 where=where_v2 zeros_like=zeros_like_v2
python.ops.clip_ops: clip_by_value=clip_by_value
python.ops.array_ops_stack: stack=stack unstack=unstack
python.ops.gen_array_ops: bitcast=bitcast broadcast_to=broadcast_to linalg.band_part=matrix_band_part raw_ops.FakeQuantWithMinMaxVars=FakeQuantWithMinMaxVars raw_ops.FakeQuantWithMinMaxVarsPerChannel=FakeQuantWithMinMaxVarsPerChannel raw_ops.ExtractImagePatches=ExtractImagePatches raw_ops.Placeholder=Placeholder raw_ops.TensorScatterMax=TensorScatterMax raw_ops.TensorScatterMin=TensorScatterMin raw_ops.StridedSlice=StridedSlice raw_ops.UpperBound=UpperBound tensor_scatter_nd_min=tensor_scatter_min
python.ops.gen_bitwise_ops: raw_ops.LeftShift=LeftShift raw_ops.RightShift=RightShift
python.ops.gen_data_flow_ops: raw_ops.TensorArraySizeV3=TensorArraySizeV3
python.ops.gen_functional_ops: raw_ops.PartitionedCall=PartitionedCall
python.ops.gen_list_ops: raw_ops.TensorListLength=TensorListLength
python.ops.gen_math_ops: logical_not=logical_not logical_or=logical_or math.floormod=floor_mod math.is_finite=is_finite math.is_inf=is_inf math.is_nan=is_nan math.lgamma=lgamma math.log1p=log1p math.log=log maximum=maximum minimum=minimum raw_ops.ArgMax=ArgMax raw_ops.ArgMin=ArgMin raw_ops.Bucketize=Bucketize raw_ops.Igamma=Igamma raw_ops.Igammac=Igammac raw_ops.Mean=Mean raw_ops.Pow=Pow raw_ops.ReciprocalGrad=ReciprocalGrad raw_ops.RsqrtGrad=RsqrtGrad raw_ops.Sigmoid=Sigmoid raw_ops.SqrtGrad=SqrtGrad raw_ops.Sum=Sum raw_ops.Xdivy=Xdivy raw_ops.Xlog1py=Xlog1py raw_ops.Xlogy=Xlogy
python.ops.gen_nn_ops: raw_ops.AvgPool=AvgPool raw_ops.InTopKV2=InTopKV2 raw_ops.MaxPool3D=MaxPool3D raw_ops.MaxPool=MaxPool
python.ops.gen_resource_variable_ops: raw_ops.VarIsInitializedOp=VarIsInitializedOp
python.ops.math_ops: abs=abs add_n=add_n argmax=argmax_v2 cast=cast equal=equal exp=exp floor=floor math.ceil=ceil math.erfinv=erfinv math.sign=sign not_equal=not_equal range=range reduce_all=reduce_all reduce_any=reduce_any reduce_max=reduce_max reduce_mean=reduce_mean reduce_min=reduce_min reduce_prod=reduce_prod reduce_sum=reduce_sum round=round
python.ops.parsing_config: io.FixedLenFeature=FixedLenFeature
python.ops.parsing_ops: io.parse_example=parse_example_v2
python.ops.special_math_ops: math.bessel_i1e=bessel_i1e
python.ops.nn_ops: nn.conv2d=conv2d_v2 nn.conv2d_transpose=conv2d_transpose_v2
python.ops.while_loop: while_loop=while_loop_v2
"""  # noqa: E501


def names() -> dict[str, tuple[str, str]]:
    """Public names, as "compat.v1.Session", to modules and names in these."""
    found = {}
    for line in filter(None, _NAMES.splitlines()):
        module, pairs = line.split(": ")
        for pair in pairs.split(" "):
            public, name = pair.split("=")
            found[public] = f"tensorflow.{module}", name
    return found


def install() -> None:
    """Makes ``import tensorflow`` load little, in a process that is all ours.

    Does nothing if TensorFlow is already imported, or is not installed. Not to be
    called, nor may names be looked up, by several threads at once.
    """
    spec = importlib.util.find_spec("tensorflow")
    if "tensorflow" not in sys.modules and spec is not None:
        sys.modules["tensorflow"] = _Lean(spec)


class _Lean(types.ModuleType):
    """Stands for TensorFlow, and becomes it."""

    def __init__(self, spec: Any) -> None:
        super().__init__("tensorflow")
        self.__spec__ = spec
        self.__loader__ = spec.loader
        self._load = spec.loader.exec_module
        self.__file__ = spec.origin
        self.__package__ = "tensorflow"
        self.__path__ = list(spec.submodule_search_locations)
        self._names = names()
        self._is_ready = False

    def __getattr__(self, name: str) -> Any:
        return self._find(name)

    def _find(self, path: str) -> Any:
        if path in self._names:
            if not self._is_ready:
                # As the whole of TensorFlow does before anything is made with it.
                importlib.import_module(_BEHAVIOR).enable_v2_behavior()
                self._is_ready = True
            module, name = self._names[path]
            return getattr(importlib.import_module(module), name)
        if any(known.startswith(f"{path}.") for known in self._names):
            return _Namespace(self, path)
        if path.startswith("__"):  # Python asks every module for such names.
            raise AttributeError(f"module 'tensorflow' has no attribute {path!r}")
        return self._find_in_whole(path)

    def _find_in_whole(self, path: str) -> Any:
        load = self._load
        self.__class__ = types.ModuleType  # type: ignore[assignment]
        del self._names, self._is_ready, self._load
        load(self)
        found: Any = self
        for name in path.split("."):
            found = getattr(found, name)
        return found


class _Namespace:
    """A part of TensorFlow's names, as ``tf.dtypes``."""

    def __init__(self, root: _Lean, path: str) -> None:
        self._root = root
        self._path = path

    def __getattr__(self, name: str) -> Any:
        return self._root._find(f"{self._path}.{name}")
