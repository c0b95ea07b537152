# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What tritonclient gets from a server: run where that package is, with two ports.

Writes ``ok``, or fails. It knows nothing of tfnative.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import tritonclient.grpc
import tritonclient.http

DTYPES = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "BYTES": np.object_,
}
SHAPES = [(), (1,), (3,), (2, 3), (0, 2), (1, 2, 3, 4)]


def array_of(datatype: str, shape: tuple[int, ...]) -> Any:
    count = int(np.prod(shape))
    if datatype == "BYTES":
        items = np.empty(count, object)
        items[:] = [b"\x00\xff" * i for i in range(count)]
        return items.reshape(shape)
    return (np.arange(count) * 0.7 - 1).astype(DTYPES[datatype]).reshape(shape)


def check(module: Any, client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("affine")
    assert client.is_model_ready("affine", "1")
    as_json = {"as_json": True} if module is tritonclient.grpc else {}
    server = client.get_server_metadata(**as_json)
    assert server["name"] == "tfnative", server
    assert server["extensions"] == ["binary_tensor_data"], server
    model = client.get_model_metadata("affine", **as_json)
    assert model["inputs"][0]["name"] == "x", model
    for datatype in DTYPES:
        for shape in SHAPES:
            check_one(module, client, datatype, shape)
    refused = ""
    tensor = module.InferInput("x", [2], "FP32")
    tensor.set_data_from_numpy(np.zeros(2, np.float32))
    try:
        client.infer("affine", [tensor], outputs=[module.InferRequestedOutput("no")])
    except tritonclient.utils.InferenceServerException as error:
        refused = error.message()
    assert "not found in signature: no" in refused, refused


def check_one(module: Any, client: Any, datatype: str, shape: tuple[int, ...]) -> None:
    x = array_of(datatype, shape)
    of_http = module is tritonclient.http
    # Its JSON has no halves, and text only.
    is_plain = of_http and datatype not in ("FP16", "BYTES")
    for binary in (True, False) if is_plain else (True,):
        tensor = module.InferInput("x", list(shape), datatype)
        options = {"binary_data": binary} if of_http else {}
        tensor.set_data_from_numpy(x, **options)
        outputs = [module.InferRequestedOutput("y", **options)]
        for wanted in (outputs, None):
            found = client.infer(
                "affine",
                [tensor],
                outputs=wanted,
                request_id="mine",
                parameters={"signature_name": datatype},
            )
            y = found.as_numpy("y")
            assert y.dtype == x.dtype, (y.dtype, datatype)
            assert y.shape == x.shape, (y.shape, datatype)
            assert y.tolist() == x.tolist(), (datatype, shape)
            response = found.get_response()
            name = response["id"] if of_http else response.id
            assert name == "mine", response


if __name__ == "__main__":
    grpc_address, http_address = sys.argv[1:]
    for module, address in (
        (tritonclient.http, http_address),
        (tritonclient.grpc, grpc_address),
    ):
        client = module.InferenceServerClient(address)
        check(module, client)
        client.close()
    print("ok")
