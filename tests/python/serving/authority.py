# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Certificates for servers and clients, and who has signed them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

trustme = pytest.importorskip("trustme", reason="needs it to make certificates")
grpc = pytest.importorskip("grpc", reason="needs grpcio")

from tfnative import serving  # noqa: E402


@dataclass
class Authority:
    """Who signs certificates, and a server's and a client's from there."""

    ca: str
    server: tuple[str, str]
    client: tuple[str, str]

    @classmethod
    def make(cls, folder: Path) -> Authority:
        folder.mkdir()
        authority = trustme.CA()
        authority.cert_pem.write_to_path(folder / "ca.pem")

        def pair(name: str, *more: str) -> tuple[str, str]:
            issued = authority.issue_cert(name, *more)
            for blob in issued.cert_chain_pems:
                blob.write_to_path(folder / f"{name}.pem", append=True)
            issued.private_key_pem.write_to_path(folder / f"{name}.key")
            return str(folder / f"{name}.pem"), str(folder / f"{name}.key")

        return cls(str(folder / "ca.pem"), pair("localhost"), pair("client"))

    def copy(self, folder: Path) -> Authority:
        """The same files elsewhere, to be changed there."""
        folder.mkdir(exist_ok=True)
        copy = [
            str(shutil.copyfile(path, folder / Path(path).name))
            for path in (self.ca, *self.server, *self.client)
        ]
        return Authority(copy[0], (copy[1], copy[2]), (copy[3], copy[4]))

    def tls(self, *, as_client: bool = False, **options) -> serving.Tls:
        certificate, key = self.client if as_client else (None, None)
        return serving.Tls(self.ca, certificate, key, **options)

    def grpc_credentials(self, *, ask_clients: bool):
        certificate, key = (Path(path).read_bytes() for path in self.server)
        ca = Path(self.ca).read_bytes() if ask_clients else None
        return grpc.ssl_server_credentials(
            [(key, certificate)], ca, require_client_auth=ask_clients
        )
