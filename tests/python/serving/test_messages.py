# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Messages are those that are described, and known by numbers that others use."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

import pytest

from tests.python.conftest import ROOT

pytest.importorskip("google.protobuf", reason="needs protobuf")


def test_the_descriptors_are_those_of_the_proto_files(tmp_path):
    pytest.importorskip("grpc_tools", reason="needs grpcio-tools")
    written = tmp_path / "messages.b64"
    # In a process of its own: protoc does not get on with TensorFlow in one.
    command = [sys.executable, ROOT / "tools" / "compile_protos.py", written]
    subprocess.run(command, check=True)
    kept = ROOT / "python/tfnative/serving/protos/messages.b64"
    assert kept.read_text() == written.read_text(), "run `make protos`"


@pytest.mark.parametrize(
    ("ours", "module", "theirs"),
    [
        ("TensorProto", "tensorflow.core.framework.tensor_pb2", "TensorProto"),
        ("SignatureDef", "tensorflow.core.protobuf.meta_graph_pb2", "SignatureDef"),
        ("TensorInfo", "tensorflow.core.protobuf.meta_graph_pb2", "TensorInfo"),
        *(
            (name, f"tensorflow_serving.apis.{api}_pb2", name)
            for api, names in {
                "model": ["ModelSpec"],
                "predict": ["PredictRequest", "PredictResponse"],
                "classification": ["ClassificationRequest", "ClassificationResponse"],
                "regression": ["RegressionRequest", "RegressionResponse"],
                "inference": ["MultiInferenceRequest", "MultiInferenceResponse"],
                "input": ["Input", "ExampleList", "ExampleListWithContext"],
                "get_model_metadata": [
                    "GetModelMetadataRequest",
                    "GetModelMetadataResponse",
                    "SignatureDefMap",
                ],
                "get_model_status": ["GetModelStatusResponse", "ModelVersionStatus"],
                "model_management": ["ReloadConfigRequest", "ReloadConfigResponse"],
                "prediction_log": ["PredictionLog"],
            }.items()
            for name in names
        ),
    ],
)
def test_fields_have_the_numbers_and_kinds_of_the_official_ones(ours, module, theirs):
    pytest.importorskip("tensorflow_serving", reason="needs tensorflow-serving-api")
    from tfnative.serving import messages

    found = getattr(messages, ours).DESCRIPTOR
    expected = getattr(importlib.import_module(module), theirs).DESCRIPTOR
    for field in found.fields:
        other = expected.fields_by_name[field.name]
        assert field.number == other.number, field.name
        assert field.is_repeated == other.is_repeated, field.name
        wire = {"BYTES", "MESSAGE"}, {"INT32", "ENUM"}
        kinds = {_kind(field), _kind(other)}
        assert len(kinds) == 1 or kinds in wire, field.name


def _kind(field) -> str:
    return next(
        name[5:]
        for name in dir(field)
        if name.startswith("TYPE_") and getattr(field, name) == field.type
    )


def test_importing_the_package_imports_neither_grpc_nor_tensorflow():
    code = (
        "import sys, tfnative, tfnative.serving\n"
        "print({'grpc', 'httpx', 'google', 'tensorflow'} & sys.modules.keys())"
    )
    found = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert found == "set()\n"


def test_a_client_imports_no_tensorflow():
    code = (
        "import sys, tfnative\n"
        "tfnative.serving.Client('localhost:1').close()\n"
        "print('tensorflow' in sys.modules, 'tensorflow_serving' in sys.modules)"
    )
    found = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert found == "False False\n"


def test_what_is_missing_is_named(tmp_path):
    (tmp_path / "grpc.py").write_text("raise ModuleNotFoundError('x', name='grpc')")
    code = (
        "import tfnative\n"
        "try: tfnative.serving.Client('localhost:1')\n"
        "except tfnative.FailedPreconditionError as error: print(error)"
    )
    environment = dict(os.environ)
    paths = [str(tmp_path), *sys.path]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    found = subprocess.check_output(
        [sys.executable, "-c", code], text=True, env=environment
    )
    assert found == (
        'tfnative.serving needs the package grpc: pip install "tfnative[serving]"\n'
    )
