# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Requests that came with a model are run before others."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import tfnative
from tfnative._base.tfrecord import read_records
from tfnative.serving import messages
from tfnative.serving.grpc_form import predict_request
from tfnative.serving.server.config import ModelSettings
from tfnative.serving.server.models import Opener, OpenOptions
from tfnative.serving.server.warmup import FILE, run_warmup_requests
from tfnative.serving.types import ModelSpec

tf = pytest.importorskip("tensorflow")

X = np.ones((1, 3), np.float32)


def record(x: np.ndarray = X, signature: str = "affine") -> bytes:
    log = messages.PredictionLog()
    request = predict_request(ModelSpec("any", signature=signature), {"x": x})
    log.predict_log.request.MergeFromString(request)
    return log.SerializeToString()


def write(folder: Path, *records: bytes) -> Path:
    path = folder / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for each in records:
            writer.write(each)
    return path


def test_records_are_those_that_tensorflow_wrote(tmp_path):
    path = write(tmp_path, b"", b"one", b"\0" * 1000)
    assert list(read_records(path)) == [b"", b"one", b"\0" * 1000]


def test_damage_is_noticed_wherever_it_is(tmp_path):
    path = write(tmp_path, b"one", b"two")
    whole = path.read_bytes()
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(tfnative.InvalidArgumentError, match=r"damaged|cut off"):
            list(read_records(path))
    for size in range(1, len(whole)):
        if size == len(whole) // 2:
            continue  # One whole record.
        path.write_bytes(whole[:size])
        with pytest.raises(tfnative.InvalidArgumentError, match="cut off"):
            list(read_records(path))


def test_requests_are_run(fake, tmp_path):
    asked = []

    class Model(type(tfnative.load(fake))):
        def predict(self, inputs, **options):
            asked.append((inputs["x"].tolist(), options))
            return super().predict(inputs, **options)

    assert run_warmup_requests(Model(fake), tmp_path) == 0
    write(tmp_path, record(), record(2 * X))
    assert run_warmup_requests(Model(fake), tmp_path) == 2
    assert asked == [
        ([[1, 1, 1]], {"signature": "affine"}),
        ([[2, 2, 2]], {"signature": "affine"}),
    ]


def test_as_many_requests_as_there_may_be_are_run(model, tmp_path):
    write(tmp_path, *[record()] * 1000)
    assert run_warmup_requests(model, tmp_path) == 1000


@pytest.mark.parametrize(
    ("records", "match"),
    [
        ([record(), record(X[:, :2])], "request 1: .*x"),
        ([b"\xff\xff"], "request 0: it is no PredictionLog"),
        ([b""], "request 0: it is a log of another kind"),
        ([record()] * 1001, "at most 1000"),
    ],
)
def test_requests_that_do_not_fit_are_refused(model, tmp_path, records, match):
    write(tmp_path, *records)
    with pytest.raises(tfnative.InvalidArgumentError, match=match):
        run_warmup_requests(model, tmp_path)


def test_requests_for_signatures_that_were_not_compiled_are_left_out(
    model, tmp_path, caplog
):
    classify, both = messages.PredictionLog(), messages.PredictionLog()
    request = classify.classify_log.request
    request.model_spec.signature_name = "classify"
    for name in ("affine", "regress"):
        task = both.multi_inference_log.request.tasks.add()
        task.model_spec.signature_name = name
    others = (record(signature="z"), *map(_bytes, (classify, both)))
    write(tmp_path, record(), *others, record())
    assert run_warmup_requests(model, tmp_path) == 2
    said = [r.getMessage() for r in caplog.records if "left out" in r.getMessage()]
    assert [message.rpartition(" ")[2] for message in said] == [
        "'z'",
        "'classify'",
        "'regress'",
    ]


def test_requests_need_no_name_of_a_model(model, tmp_path):
    log = messages.PredictionLog.FromString(record())
    log.predict_log.request.model_spec.ClearField("name")
    write(tmp_path, log.SerializeToString())
    assert run_warmup_requests(model, tmp_path) == 1


def _bytes(log) -> bytes:
    return log.SerializeToString()


def test_a_version_whose_requests_fail_is_not_served(fake, tmp_path):
    for version in ("1", "2"):
        shutil.copytree(fake, tmp_path / version)
    write(tmp_path / "1", record())
    write(tmp_path / "2", record(X[:, :2]))
    served = Opener(OpenOptions(poll_seconds=None)).open(
        ModelSettings("affine", str(tmp_path), tfnative.AllVersions())
    )
    try:
        assert served.find(ModelSpec("affine"))[0] == 1
        assert "request 0" in str(served.store.versions[2].error)
    finally:
        served.close()
