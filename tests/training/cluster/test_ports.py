# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ports that members get, and members that do not come."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from training.cluster.config import Cluster, Task
from training.cluster.ports import check_free, listens, reserved
from training.cluster.roll_call import meet, missing, peers, wait_for
from training.errors import ClusterError


def listener(port: int) -> socket.socket:
    """As gRPC listens."""
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind(("localhost", port))
    place.listen()
    return place


def test_a_member_can_listen_where_a_port_is_reserved_and_again_when_it_died():
    with reserved(2) as ports:
        assert len(set(ports)) == 2
        for _ in range(2):
            assert not listens(f"localhost:{ports[0]}")
            with listener(ports[0]):
                assert listens(f"localhost:{ports[0]}")


def test_nobody_else_is_given_a_reserved_port():
    with reserved(1) as (port,):
        with socket.socket() as place, pytest.raises(OSError, match="in use"):
            place.bind(("localhost", port))
        with reserved(50) as others:
            assert port not in others


def test_a_port_in_use_is_said_with_the_member():
    with (
        reserved(1) as (port,),
        listener(port),
        pytest.raises(ClusterError, match=f"port {port} of worker 1"),
    ):
        check_free(f"localhost:{port}", "worker 1")


def test_an_address_that_nobody_knows_does_not_listen():
    assert not listens("no.such.host.invalid:80")


def test_a_member_that_does_not_come_is_named():
    with reserved(3) as ports, listener(ports[1]):
        addresses = tuple(f"localhost:{port}" for port in ports)
        cluster = Cluster({"worker": addresses}, Task("worker", 0))
        others = peers(cluster, "chief", "worker")
        assert list(map(str, others)) == ["worker 1", "worker 2"]
        assert missing(cluster, others) == (Task("worker", 2),)
        with pytest.raises(ClusterError) as raised:
            wait_for(cluster, others, 0.3)
        message = str(raised.value)
        assert f"worker 0 waited 0.3 s for worker 2 ({addresses[2]})" in message
        assert "worker 1" not in message


def test_a_member_that_is_not_at_its_own_address_says_so():
    with reserved(1) as (port,):
        cluster = Cluster({"worker": (f"no.host.invalid:{port}",)}, Task("worker", 0))
        with pytest.raises(ClusterError, match=r"0 cannot be reached at no\.host"):
            meet(cluster, (), 0.3)


def test_one_place_by_two_names_is_refused():
    with reserved(1) as (port,):
        addresses = (f"localhost:{port}", f"127.0.0.1:{port}")
        cluster = Cluster({"worker": addresses}, Task("worker", 0))
        with pytest.raises(ClusterError, match=r"0 \(localh.* and worker 1 \(127"):
            meet(cluster, peers(cluster, "worker"), 5)


def test_members_may_come_late_and_one_after_the_other():
    with reserved(2) as ports:
        addresses = tuple(f"localhost:{port}" for port in ports)
        cluster = Cluster({"worker": addresses}, Task("worker", 0))
        came = []

        def come() -> None:
            time.sleep(0.3)
            came.append(listener(ports[1]))

        thread = threading.Thread(target=come)
        thread.start()
        wait_for(cluster, peers(cluster, "worker"), 10)
        thread.join()
        assert came
        came[0].close()


def test_members_meet_though_none_has_a_server_yet():
    with reserved(3) as ports:
        addresses = tuple(f"localhost:{port}" for port in ports)
        clusters = [
            Cluster({"worker": addresses}, Task("worker", index)) for index in range(3)
        ]
        servers = []

        def come(cluster: Cluster) -> None:
            meet(cluster, peers(cluster, "worker"), 20)
            servers.append(listener(ports[cluster.task.index]))

        threads = [threading.Thread(target=come, args=(each,)) for each in clusters]
        for thread in threads:
            thread.start()
            time.sleep(0.2)
        for thread in threads:
            thread.join()
        assert len(servers) == 3
        for server in servers:
            server.close()
