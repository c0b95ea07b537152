# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How a server's connections are made safe."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import grpc

from tfnative.errors import InvalidArgumentError, NotFoundError
from tfnative.serving import messages
from tfnative.serving.fresh_files import FreshFiles
from tfnative.serving.server.text_message import parse_text_message
from tfnative.serving.small_file import read_small

_BLOCK = re.compile(
    f"{re.escape(ssl.PEM_HEADER)}.*?{re.escape(ssl.PEM_FOOTER)}", re.DOTALL
)


@dataclass(frozen=True)
class Identity:
    """What a server shows to clients, and what it asks of them. All are PEM.

    Attributes:
        certificate: The certificate, and those between it and the CA's.
        key: Its private key.
        client_ca: Certificates of who must have signed those of clients; None to ask
            for none.
    """

    certificate: bytes
    key: bytes
    client_ca: bytes | None = None

    def context(self) -> ssl.SSLContext:
        """For new connections over HTTP.

        Raises:
            ssl.SSLError, ValueError: The key is another's, or a part is no such thing.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with _as_file(self.certificate) as certificate, _as_file(self.key) as key:
            # A password would be asked for at the terminal.
            context.load_cert_chain(certificate, key, password="")
        if self.client_ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            # As gRPC does, with an authority that another one has signed, too.
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            context.load_verify_locations(
                cadata=self.client_ca.decode("ascii", "ignore")
            )
            # Who resumes a session is not asked for a certificate again.
            context.options |= ssl.OP_NO_TICKET
            context.num_tickets = 0
        return context

    def configuration(self) -> grpc.ServerCertificateConfiguration:
        """For new connections over gRPC."""
        pairs = [(self.key, self.certificate)]
        return grpc.ssl_server_certificate_configuration(pairs, self.client_ca)


class TlsSource(Protocol):
    """Where a server's certificate comes from."""

    @property
    def files(self) -> tuple[str, ...]:
        """What to look at for changes."""

    def read(self) -> Identity:
        """What the files say now.

        Raises:
            NotFoundError: A file is not there.
            InvalidArgumentError: A file is no such thing, or the key is another's.
        """


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
        self.read()

    @property
    def files(self) -> tuple[str, ...]:
        """See ``TlsSource``."""
        known = self.certificate_file, self.key_file, self.client_ca_file
        return tuple(path for path in known if path is not None)

    def read(self) -> Identity:
        """See ``TlsSource``."""
        ca = self.client_ca_file
        identity = Identity(
            _read("certificate_file", self.certificate_file),
            _read("key_file", self.key_file),
            None if ca is None else _read("client_ca_file", ca),
        )
        pair = f"{self.certificate_file} and {self.key_file}"
        return _checked(identity, pair, str(ca))


@dataclass(frozen=True)
class SslConfigFile:
    """TensorFlow Serving's file: an ``SSLConfig`` as text, which has the PEM itself.

    Attributes:
        path: Of the file.

    Raises:
        NotFoundError: There is no such file.
        InvalidArgumentError: It is no such message, or a part is no PEM.
    """

    path: str

    def __post_init__(self) -> None:
        self.read()

    @property
    def files(self) -> tuple[str, ...]:
        """See ``TlsSource``."""
        return (self.path,)

    def read(self) -> Identity:
        """See ``TlsSource``."""
        config = parse_text_message(
            messages.SSLConfig, read_small(self.path), self.path
        )
        if config.client_verify and not config.custom_ca:
            raise InvalidArgumentError(
                f"{self.path}: client_verify needs custom_ca, who has signed"
                " certificates of clients"
            )
        ca = config.custom_ca.encode() if config.client_verify else None
        identity = Identity(config.server_cert.encode(), config.server_key.encode(), ca)
        pair = f"{self.path}: server_cert and server_key"
        return _checked(identity, pair, f"{self.path}: custom_ca")


class LiveTls:
    """A server's certificate, as it is now: files are looked at by each connection."""

    def __init__(self, tls: TlsSource) -> None:
        self._identity = FreshFiles("certificates", tls.files, tls.read)
        self._context = self._identity.get().context()
        self._context_of = self._identity.get()

    @property
    def asks_clients(self) -> bool:
        """Whether clients need certificates."""
        return self._identity.get().client_ca is not None

    def for_grpc(self) -> grpc.ServerCredentials:
        """What gRPC is to know."""
        first = given = self._identity.get()

        def fetch() -> grpc.ServerCertificateConfiguration | None:
            nonlocal given
            now = self._identity.get()
            if now is given:
                return None
            given = now
            return now.configuration()

        return grpc.dynamic_ssl_server_credentials(
            first.configuration(),
            fetch,
            require_client_authentication=first.client_ca is not None,
        )

    def for_http(self) -> ssl.SSLContext:
        """What the HTTP server is to know."""
        context = self._identity.get().context()

        def exchange(connection: Any, *_: object) -> None:
            now = self._identity.get()
            if now is not self._context_of:
                self._context, self._context_of = now.context(), now
            connection.context = self._context

        context.sni_callback = exchange
        return context


def _checked(identity: Identity, pair: str, ca: str) -> Identity:
    """The same, if it can be used."""
    wrong = f"{pair} are no certificate and key"
    try:
        Identity(identity.certificate, identity.key).context()
        wrong = f"{ca} has no certificates"
        authorities = identity.context().get_ca_certs(binary_form=True)
    except (ssl.SSLError, ValueError) as error:
        raise InvalidArgumentError(f"{wrong}: {error}") from None
    for number, certificate in enumerate(_certificates(identity.client_ca or b"")):
        if certificate not in authorities:
            raise InvalidArgumentError(
                f"{ca}: certificate {number + 1} is of no authority (CA:TRUE): gRPC and"
                " HTTP would not take the same clients. Give that of who has signed it"
            )
    return identity


def _certificates(pem: bytes) -> Iterator[bytes]:
    for block in _BLOCK.findall(pem.decode("ascii", "ignore")):
        yield ssl.PEM_cert_to_DER_cert(block)


def _read(name: str, path: str) -> bytes:
    if not os.path.exists(path):
        raise NotFoundError(f"{name}: there is no file {path}")
    return read_small(path, name)


@contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """A file for OpenSSL, which reads no bytes; in memory, as it may be a key."""
    descriptor = os.memfd_create("tfnative-tls")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
