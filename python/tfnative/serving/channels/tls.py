# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A client's certificates, as OpenSSL takes them."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING

from tfnative.errors import InvalidArgumentError
from tfnative.serving.small_file import read_small

if TYPE_CHECKING:
    from tfnative.serving.options import Tls


def tls_context(tls: Tls) -> ssl.SSLContext:
    """What a connection is made safe with.

    Raises:
        NotFoundError: A file cannot be read.
        InvalidArgumentError: A file is not what it should be, or the key is another's.
    """
    for path in tls.files:
        read_small(path, "the file")  # OpenSSL would wait at a pipe for ever.
    wrong = f"{tls.ca_file} has no certificates"
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        if tls.certificate_file is not None:
            pair = f"{os.fspath(tls.certificate_file)} and {tls.key_file}"
            wrong = f"{pair} are no certificate and key"
            # A password would be asked for at the terminal.
            context.load_cert_chain(tls.certificate_file, tls.key_file, password="")
    except OSError as error:
        raise InvalidArgumentError(f"Tls: {wrong}: {error}") from None
    return context
