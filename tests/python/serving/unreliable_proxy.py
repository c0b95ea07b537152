# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A network that loses connections, halves what is sent, and waits."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections import Counter
from typing import Literal

Fault = Literal["reset", "half", "wait"]

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: whoever closes resets.


class UnreliableProxy:
    """Hands bytes on to a port of this machine, and every so often does not.

    Args:
        port: Where to.
        chance: Of a fault, for each piece that the server sends.
        wait_seconds: How long it waits if it does.
        seed: Of its chance.

    Attributes:
        faults: How many there were of each.
    """

    def __init__(
        self, port: int, chance: float, wait_seconds: float, seed: int = 0
    ) -> None:
        self._to = port
        self._chance = chance
        self._wait = wait_seconds
        self._random = random.Random(seed)
        self.faults: Counter[Fault] = Counter()
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        started = threading.Event()
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=(self._run(started),)
        )
        self._thread.start()
        assert started.wait(20)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()
        self._loop.close()

    async def _run(self, started: threading.Event) -> None:
        connections: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._connect(reader, writer))
            connections.add(task)
            task.add_done_callback(connections.discard)

        server = await asyncio.start_server(accept, "localhost", 0)
        self.port: int = server.sockets[0].getsockname()[1]
        started.set()
        await self._ended.wait()
        server.close()
        while connections:  # One that was just accepted may come while others end.
            for task in connections:
                task.cancel()
            await asyncio.gather(*connections, return_exceptions=True)
        await asyncio.sleep(0)  # Transports close their sockets a turn later.
        await server.wait_closed()

    async def _connect(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            from_server, to_server = await asyncio.open_connection(
                "localhost", self._to
            )
        except OSError:
            writer.transport.abort()
            return
        up = asyncio.ensure_future(_hand_on(reader, to_server))
        try:
            await self._hand_back(from_server, writer)
        except OSError:
            pass  # Whoever asked left first.
        finally:
            up.cancel()
            to_server.transport.abort()
            writer.transport.abort()
            await asyncio.gather(up, return_exceptions=True)

    async def _hand_back(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while piece := await reader.read(1 << 16):
            if self._random.random() < self._chance:
                fault = self._random.choice(("reset", "half", "wait"))
                self.faults[fault] += 1
                if fault == "reset":
                    sock: socket.socket = writer.get_extra_info("socket")
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    return
                if fault == "half":
                    writer.write(piece[: len(piece) // 2])
                    await writer.drain()
                    writer.close()
                    return
                await asyncio.sleep(self._wait)
            writer.write(piece)
            await writer.drain()


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.transport.abort()
