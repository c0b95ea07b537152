# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How a server's connections are made safe."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from tfnative.errors import InvalidArgumentError, NotFoundError


@dataclass(frozen=True)
class ServerTls:
    """A server's certificate, and whom it lets in. Files are PEM.

    Attributes:
        certificate_file: The certificate, and those between it and the CA's.
        key_file: Its private key.
        client_ca_file: Certificates of who must have signed those of clients; None to
            ask for none.

    Raises:
        NotFoundError: A file is not there.
        InvalidArgumentError: A file is no such thing, or the key is another's.
    """

    certificate_file: str
    key_file: str
    client_ca_file: str | None = None

    def __post_init__(self) -> None:
        for name, path in vars(self).items():
            if path is not None and not Path(path).is_file():
                raise NotFoundError(f"{name}: there is no file {path}")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        wrong = (
            f"{self.certificate_file} and {self.key_file} are no certificate and key"
        )
        try:
            context.load_cert_chain(self.certificate_file, self.key_file)
            if self.client_ca_file is not None:
                wrong = f"{self.client_ca_file} has no certificates"
                context.load_verify_locations(self.client_ca_file)
        except ssl.SSLError as error:
            raise InvalidArgumentError(f"{wrong}: {error}") from None

    def for_grpc(self) -> grpc.ServerCredentials:
        """What gRPC is to know."""
        pair = (
            Path(self.key_file).read_bytes(),
            Path(self.certificate_file).read_bytes(),
        )
        if self.client_ca_file is None:
            return grpc.ssl_server_credentials([pair])
        clients = Path(self.client_ca_file).read_bytes()
        return grpc.ssl_server_credentials([pair], clients, require_client_auth=True)

    def for_uvicorn(self) -> dict[str, Any]:
        """What uvicorn is to know."""
        asks = ssl.CERT_NONE if self.client_ca_file is None else ssl.CERT_REQUIRED
        return {
            "ssl_certfile": self.certificate_file,
            "ssl_keyfile": self.key_file,
            "ssl_ca_certs": self.client_ca_file,
            "ssl_cert_reqs": asks,
        }
