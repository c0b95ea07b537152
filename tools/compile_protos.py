# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Writes python/tfnative/serving/protos/messages.b64 from the .proto files beside it.

    make protos
    python tools/compile_protos.py OTHER_FILE

That is a FileDescriptorSet, which any version of the package protobuf reads, in base64.
Needs the package grpcio-tools.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from pathlib import Path

PROTOS = Path(__file__).resolve().parents[1] / "python/tfnative/serving/protos"
OUTPUT = PROTOS / "messages.b64"


def compile_protos() -> str:
    """The text that belongs into ``OUTPUT``."""
    from grpc_tools import protoc

    well_known = Path(protoc.__file__).parent / "_proto"
    names = "tensor", "prediction", "model", "tls", "warmup", "inference"
    files = [f"{name}.proto" for name in names]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "messages"
        code = protoc.main(
            [
                "protoc",
                f"-I{PROTOS}",
                f"-I{well_known}",
                f"--descriptor_set_out={output}",
                *files,
            ]
        )
        if code != 0:
            sys.exit(f"protoc failed: {code}")
        return base64.encodebytes(output.read_bytes()).decode()


if __name__ == "__main__":
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT
    output.write_text(compile_protos())
