# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Clients and servers trust those whom they were told to trust, and nobody else."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

import tfnative

pytest.importorskip("grpc", reason="needs grpcio")
pytest.importorskip("trustme", reason="needs it to make certificates")

from tfnative import cli, serving

X = np.arange(3, dtype=np.float32).reshape(1, 3)
ONCE = serving.Retry(max_attempts=1)


def predict(address: str, tls: serving.Tls | None, name: str = "scale"):
    with serving.Client(address, tls=tls, retry=ONCE, timeout=10) as client:
        return client.predict(name, {"x": X})


async def predict_async(
    address: str, tls: serving.Tls | None, name: str = "scale", **options
):
    client = serving.AsyncClient(address, tls=tls, retry=ONCE, timeout=10)
    async with client:
        return await client.predict(name, {"x": X}, **options)


@pytest.mark.parametrize("ask_clients", [False, True])
def test_an_official_server_with_a_certificate_answers(
    start_server, authority, ask_clients
):
    credentials = authority.grpc_credentials(ask_clients=ask_clients)
    server = start_server(credentials=credentials)
    tls = authority.tls(as_client=ask_clients)
    np.testing.assert_array_equal(predict(server.address, tls)["y"], 2 * X)
    found = asyncio.run(predict_async(server.address, tls))
    np.testing.assert_array_equal(found["y"], 2 * X)


def test_a_server_may_have_another_name_than_its_address(start_server, authority):
    credentials = authority.grpc_credentials(ask_clients=False)
    server = start_server(credentials=credentials)
    address = f"127.0.0.1:{server.port}"
    with pytest.raises(tfnative.UnavailableError):
        predict(address, authority.tls())
    found = predict(address, authority.tls(server_name="localhost"))
    np.testing.assert_array_equal(found["y"], 2 * X)


@pytest.fixture(params=["grpc", "rest"])
def ours(request, serve, settings, authority):
    """Our server, that asks clients for certificates, too."""
    from tfnative.serving.server.tls import ServerTls

    running = serve(settings, tls=ServerTls(*authority.server, authority.ca))
    if request.param == "grpc":
        return running.grpc
    return running.rest.replace("http:", "https:")


def ask(address: str, tls: serving.Tls | None):
    with serving.Client(address, tls=tls, retry=ONCE, timeout=10) as client:
        return client.predict("affine", {"x": X}, signature="affine", version=1)


def test_our_server_lets_those_in_whom_it_knows(ours, authority):
    found = ask(ours, authority.tls(as_client=True))
    np.testing.assert_array_equal(found["y"], 2 * X + 1)


def test_our_server_may_have_another_name_than_its_address(ours, authority):
    address = ours.replace("localhost", "127.0.0.1")
    with pytest.raises(tfnative.UnavailableError):
        ask(address, authority.tls(as_client=True))
    tls = authority.tls(as_client=True, server_name="localhost")
    np.testing.assert_array_equal(ask(address, tls)["y"], 2 * X + 1)
    asked = predict_async(address, tls, "affine", signature="affine", version=1)
    found = asyncio.run(asked)
    np.testing.assert_array_equal(found["y"], 2 * X + 1)


def test_nobody_else_gets_in(ours, authority, stranger):
    with pytest.raises(tfnative.UnavailableError):
        ask(ours, authority.tls())
    certificate, key = stranger.client
    with pytest.raises(tfnative.UnavailableError):
        ask(ours, serving.Tls(authority.ca, certificate, key))
    with pytest.raises(tfnative.UnavailableError):
        ask(ours.replace("https:", "http:"), None)


def test_a_server_that_is_not_known_is_not_asked(ours, authority, stranger):
    certificate, key = authority.client
    with pytest.raises(tfnative.UnavailableError):
        ask(ours, serving.Tls(stranger.ca, certificate, key))


def test_the_command_line_shows_a_certificate(ours, authority, capsys):
    certificate, key = authority.client
    pair = ["--certificate", certificate, "--key", key]
    arguments = ["serving", "status", ours, "affine", "--timeout", "10"]
    assert cli.main([*arguments, "--ca", authority.ca, *pair]) == 0
    assert "AVAILABLE" in capsys.readouterr().out
    assert cli.main([*arguments, "--ca", authority.ca]) == 1
    assert cli.main([*arguments, *pair]) == cli.USAGE
    assert "need --ca" in capsys.readouterr().err


def test_what_is_no_certificate_is_refused(authority, stranger, tmp_path):
    from tfnative.serving.server.tls import ServerTls

    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(tfnative.NotFoundError, match="key_file: there is no file"):
        ServerTls(authority.server[0], str(tmp_path / "none"))
    with pytest.raises(tfnative.InvalidArgumentError, match="no certificate and key"):
        ServerTls(authority.server[0], stranger.server[1])
    with pytest.raises(tfnative.InvalidArgumentError, match="has no certificates"):
        ServerTls(*authority.server, str(tmp_path / "empty.pem"))


def test_an_authority_may_be_signed_by_another(serve, settings, authority, tmp_path):
    """GRPC and HTTP let the same clients in, whichever of a chain is trusted."""
    import trustme

    from tfnative.serving.server.tls import ServerTls

    root = trustme.CA()
    between = root.create_child_ca()
    client = between.issue_cert("client")
    client.private_key_pem.write_to_path(tmp_path / "client.key")
    for blob in client.cert_chain_pems:
        blob.write_to_path(tmp_path / "client.pem", append=True)
    pair = str(tmp_path / "client.pem"), str(tmp_path / "client.key")
    tls = serving.Tls(authority.ca, *pair)
    for number, trusted in enumerate((root, between)):
        ca = tmp_path / f"{number}.pem"
        trusted.cert_pem.write_to_path(ca)
        running = serve(settings, tls=ServerTls(*authority.server, str(ca)))
        for address in (running.grpc, running.rest.replace("http:", "https:")):
            np.testing.assert_array_equal(ask(address, tls)["y"], 2 * X + 1)
            with pytest.raises(tfnative.UnavailableError):
                ask(address, authority.tls(as_client=True))
    client.cert_chain_pems[0].write_to_path(tmp_path / "0.pem", append=True)
    with pytest.raises(tfnative.InvalidArgumentError, match="2 is of no authority"):
        ServerTls(*authority.server, str(tmp_path / "0.pem"))
