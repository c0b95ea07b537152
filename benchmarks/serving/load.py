# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Clients in a closed loop, in a process of their own.

python -m benchmarks.serving.load MODEL ANSWER.npz

prints a result for each line on standard input, API PORT CLIENTS SECONDS: so many
clients each send a row, wait for the answer, and send the next one. What is sent was
made before, and what comes back is looked at once only: the clients shall take as
little of the processor from the server as they can.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.batching.rounds import Round
from benchmarks.batching.worker import read_requests
from benchmarks.contestants import Arrays
from benchmarks.worker import RESULT, TOLERANCE

CONNECTIONS = 8
"""That gRPC's clients share; REST's have one each."""
_PREDICT = "/tensorflow.serving.PredictionService/Predict"

Ask = Callable[[int], Awaitable[bytes]]


def main(model: str, answer: str) -> None:
    """Serves turns until standard input ends."""
    requests, expected = read_requests(Path(answer), 1)
    print(RESULT + json.dumps("ready"), flush=True)
    for line in sys.stdin:
        api, port, clients, seconds = line.split()
        kind = {"grpc": Grpc, "rest": Rest}[api](model, requests)
        done = asyncio.run(
            keep_busy(kind, int(port), expected, int(clients), float(seconds))
        )
        print(RESULT + json.dumps(asdict(done)), flush=True)


class Grpc:
    """Asks over gRPC."""

    def __init__(self, model: str, requests: list[Arrays]) -> None:
        from tfnative.serving.grpc_form import predict_request
        from tfnative.serving.types import ModelSpec

        self._requests = [predict_request(ModelSpec(model), each) for each in requests]

    async def connect(self, stack: AsyncExitStack, port: int, clients: int) -> Ask:
        """What sends a request of a number, and gives the response."""
        import grpc

        del clients
        methods = []
        for _ in range(CONNECTIONS):
            options = [("grpc.use_local_subchannel_pool", 1)]
            channel = grpc.aio.insecure_channel(f"localhost:{port}", options)
            await stack.enter_async_context(channel)
            methods.append(channel.unary_unary(_PREDICT))

        async def ask(number: int) -> bytes:
            request = self._requests[number % len(self._requests)]
            found: bytes = await methods[number % CONNECTIONS](request)
            return found

        return ask

    @staticmethod
    def output(response: bytes) -> np.ndarray:
        """The only output."""
        from tfnative.serving.grpc_form import read_predict_response

        (found,) = read_predict_response(response, "the response").values()
        return found


class Rest:
    """Asks over REST: HTTP/1.1 by hand, since libraries take longer than servers."""

    def __init__(self, model: str, requests: list[Arrays]) -> None:
        head = (
            f"POST /v1/models/{model}:predict HTTP/1.1\r\nHost: localhost\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )
        self._requests = []
        for each in requests:
            inputs = {name: value.tolist() for name, value in each.items()}
            body = json.dumps({"inputs": inputs}).encode()
            self._requests.append(f"{head}{len(body)}\r\n\r\n".encode() + body)

    async def connect(self, stack: AsyncExitStack, port: int, clients: int) -> Ask:
        """What sends a request of a number, and gives the response's body."""
        streams = []
        for _ in range(clients):
            reader, writer = await asyncio.open_connection("localhost", port)
            stack.callback(writer.close)
            streams.append((reader, writer))

        async def ask(number: int) -> bytes:
            reader, writer = streams[number % clients]
            writer.write(self._requests[number % len(self._requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head.split(b"\r\n", 1)[0]:
                raise SystemExit(f"the server said {head!r}")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            return await reader.readexactly(length)

        return ask

    @staticmethod
    def output(response: bytes) -> np.ndarray:
        """The only output."""
        return np.asarray(json.loads(response)["outputs"])


async def keep_busy(
    api: Grpc | Rest, port: int, expected: np.ndarray, clients: int, seconds: float
) -> Round:
    """Has clients ask until the time is up.

    Raises:
        SystemExit: An answer is wrong.
    """
    micros: list[float] = []
    async with AsyncExitStack() as stack:
        ask = await api.connect(stack, port, clients)
        await asyncio.gather(*(ask(client) for client in range(clients)))
        found = api.output(await ask(0))
        error = float(np.max(np.abs(found - expected[:1])) / np.max(np.abs(expected)))
        if not error <= TOLERANCE:
            raise SystemExit(f"wrong by {error:.1e}, relative to the largest value")
        start, cpu = time.perf_counter(), time.process_time()

        async def client(number: int) -> None:
            while (sent := time.perf_counter()) < start + seconds:
                await ask(number)
                micros.append((time.perf_counter() - sent) * 1e6)

        await asyncio.gather(*(client(number) for number in range(clients)))
        took = time.perf_counter() - start
    return Round.of(len(micros), took, time.process_time() - cpu, micros)


if __name__ == "__main__":
    main(*sys.argv[1:])
