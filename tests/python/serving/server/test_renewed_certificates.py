# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Certificates are exchanged while servers and clients run."""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import tfnative

grpc = pytest.importorskip("grpc", reason="needs grpcio")
trustme = pytest.importorskip("trustme", reason="needs it to make certificates")

from tests.python.batch.models import Slow  # noqa: E402
from tfnative import serving  # noqa: E402
from tfnative.serving import messages  # noqa: E402
from tfnative.serving.server.tls import ServerTls, SslConfigFile  # noqa: E402

X = np.ones((1, 3), np.float32)
ONCE = serving.Retry(max_attempts=1)


def client(address: str, tls: serving.Tls, **options) -> serving.Client:
    return serving.Client(address, tls=tls, retry=ONCE, timeout=10, **options)


def predict(asked: serving.Client) -> bool:
    try:
        asked.predict("affine", {"x": X}, signature="affine")
    except tfnative.UnavailableError:
        return False
    return True


def works(address: str, tls: serving.Tls) -> bool:
    with client(address, tls) as asked:
        return predict(asked)


def copy(pair: tuple[str, str], to: tuple[str, str]) -> None:
    for source, target in zip(pair, to, strict=True):
        shutil.copyfile(source, target)


@pytest.fixture
def mine(authority, tmp_path):
    """Files of a server, to be exchanged."""
    return authority.copy(tmp_path / "mine")


@pytest.fixture(params=["grpc", "rest"])
def address(request, serve, settings, mine) -> str:
    running = serve(settings, tls=ServerTls(*mine.server, mine.ca))
    if request.param == "grpc":
        return running.grpc
    return running.rest.replace("http:", "https:")


def test_a_server_shows_its_new_certificate(address, mine, authority, stranger):
    certificate, key = authority.client
    of_strangers = serving.Tls(stranger.ca, certificate, key)
    of_ours = authority.tls(as_client=True)
    assert works(address, of_ours)
    assert not works(address, of_strangers)
    copy(stranger.server, mine.server)
    assert works(address, of_strangers)
    assert not works(address, of_ours)


def test_a_server_trusts_its_new_authorities_alone(address, mine, authority, stranger):
    ours = authority.tls(as_client=True)
    theirs = serving.Tls(authority.ca, *stranger.client)
    assert works(address, ours)
    assert not works(address, theirs)
    shutil.copyfile(stranger.ca, mine.ca)
    assert works(address, theirs)
    assert not works(address, ours)
    assert not works(address, authority.tls())


def test_a_broken_certificate_leaves_the_old_one(
    address, mine, authority, stranger, caplog
):
    ours = authority.tls(as_client=True)
    shutil.copyfile(stranger.server[1], mine.server[1])  # The key comes first.
    assert works(address, ours)
    assert "the old one stays" in caplog.text
    Path(mine.server[0]).write_text("nothing")
    assert works(address, ours)
    Path(mine.server[0]).unlink()
    assert works(address, ours)
    copy(stranger.server, mine.server)
    assert works(address, serving.Tls(stranger.ca, *authority.client))


def test_a_client_shows_its_new_certificate(address, authority, stranger, tmp_path):
    files = authority.copy(tmp_path / "client")
    copy(stranger.client, files.client)
    with client(address, files.tls(as_client=True)) as asked:
        assert not predict(asked)
        copy(authority.client, files.client)
        assert predict(asked)
        Path(files.client[0]).write_text("nothing")
        assert predict(asked)
        copy(stranger.client, files.client)
        assert not predict(asked)


def test_a_client_trusts_its_new_authorities(address, authority, stranger, tmp_path):
    files = authority.copy(tmp_path / "client")
    with client(address, files.tls(as_client=True)) as asked:
        assert predict(asked)
        shutil.copyfile(stranger.ca, files.ca)
        assert not predict(asked)
        shutil.copyfile(authority.ca, files.ca)
        assert predict(asked)


def test_coroutines_do_so_too(address, authority, stranger, tmp_path):
    files = authority.copy(tmp_path / "client")

    async def run() -> list[bool]:
        tls = files.tls(as_client=True)
        found = []
        async with serving.AsyncClient(
            address, tls=tls, retry=ONCE, timeout=10
        ) as asked:
            for pair in (authority.client, stranger.client, authority.client):
                copy(pair, files.client)
                try:
                    await asked.predict("affine", {"x": X}, signature="affine")
                    found.append(True)
                except tfnative.UnavailableError:
                    found.append(False)
        return found

    assert asyncio.run(run()) == [True, False, True]


def hold_up(running) -> Slow:
    """Has the server's model wait until it is let."""
    slow = Slow()
    slow.signatures = {"affine": slow.signature("affine")}
    slow.free.clear()
    running.server.service.models["affine"].find = lambda _: (1, slow)
    return slow


@pytest.mark.parametrize("api", ["grpc", "rest"])
@pytest.mark.parametrize("hedge", [None, serving.Hedge(delay_seconds=30)])
def test_calls_on_their_way_are_answered_over_the_old_connection(
    serve, settings, authority, tmp_path, api, hedge
):
    running = serve(settings, tls=ServerTls(*authority.server, authority.ca))
    address = getattr(running, api).replace("http:", "https:")
    files = authority.copy(tmp_path / "client")
    tls = files.tls(as_client=True)
    with client(address, tls, hedge=hedge) as asked:
        assert predict(asked)  # REST knows the signature from here on.
        slow = hold_up(running)
        with ThreadPoolExecutor(1) as pool:
            held_up = pool.submit(predict, asked)
            assert slow.begun.acquire(timeout=10)
            del running.server.service.models["affine"].find
            copy(authority.client, files.client)
            assert predict(asked)
            assert predict(asked)
            slow.free.set()
            assert held_up.result(10)
        assert predict(asked)


def ssl_config(authority, *, verify: bool) -> str:
    key, certificate, ca = (
        Path(path).read_text()
        for path in (authority.server[1], authority.server[0], authority.ca)
    )
    config = messages.SSLConfig(
        server_key=key, server_cert=certificate, custom_ca=ca, client_verify=verify
    )
    return str(config)


@pytest.mark.parametrize("verify", [False, True])
def test_tensorflow_servings_file_is_taken(
    serve, settings, authority, stranger, tmp_path, verify
):
    file = tmp_path / "ssl.config"
    file.write_text(ssl_config(authority, verify=verify))
    running = serve(settings, tls=SslConfigFile(str(file)))
    for address in (running.grpc, running.rest.replace("http:", "https:")):
        assert works(address, authority.tls(as_client=True))
        assert works(address, authority.tls()) == (not verify)
    file.write_text(ssl_config(stranger, verify=verify))
    assert works(running.grpc, stranger.tls(as_client=True))
    assert not works(running.grpc, authority.tls(as_client=True))


def test_a_file_that_is_none_of_tensorflow_servings_is_refused(authority, tmp_path):
    file = tmp_path / "ssl.config"
    config = ssl_config(authority, verify=True)
    ca = "custom_ca: .*"
    for text, match in (
        ("server_key: ", "ssl.config"),
        ("server_key: 'a' server_cert: 'b'", "no certificate and key"),
        (re.sub(ca, "custom_ca: 'x'", config), "has no certificates"),
        (re.sub(ca, "", config), "needs custom_ca"),
    ):
        file.write_text(text)
        with pytest.raises(tfnative.InvalidArgumentError, match=match):
            SslConfigFile(str(file))
    with pytest.raises(tfnative.NotFoundError):
        SslConfigFile(str(tmp_path / "none"))


def test_a_key_with_a_password_is_refused_and_not_asked_for(authority, tmp_path):
    from cryptography.hazmat.primitives import serialization as form

    plain = Path(authority.server[1]).read_bytes()
    key = form.load_pem_private_key(plain, None)
    locked = key.private_bytes(
        form.Encoding.PEM,
        form.PrivateFormat.TraditionalOpenSSL,
        form.BestAvailableEncryption(b"secret"),
    )
    (tmp_path / "locked.key").write_bytes(locked)
    pair = authority.server[0], str(tmp_path / "locked.key")
    with pytest.raises(tfnative.InvalidArgumentError, match="no certificate and key"):
        ServerTls(*pair)
    with pytest.raises(tfnative.InvalidArgumentError, match="no certificate and key"):
        serving.Client("localhost:1", tls=serving.Tls(authority.ca, *pair))


def test_sessions_are_not_resumed_where_clients_need_certificates(authority):
    context = ServerTls(*authority.server, authority.ca).read().context()
    assert context.num_tickets == 0
    assert context.options & ssl.OP_NO_TICKET
