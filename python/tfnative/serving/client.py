# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A client of TensorFlow Serving."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy.typing as npt

from tfnative.errors import (
    DeadlineExceededError,
    FailedPreconditionError,
    NotFoundError,
    UnavailableError,
)
from tfnative.serving import calls
from tfnative.serving.attempts import Attempts
from tfnative.serving.base_client import (
    POLL_SECONDS,
    BaseClient,
    describe,
    ready_version,
)
from tfnative.serving.channels.address import is_rest
from tfnative.serving.channels.grpc_channel import GrpcChannel
from tfnative.serving.channels.rest_channel import RestChannel
from tfnative.serving.deadlines import is_over
from tfnative.serving.endpoints import Endpoint, Endpoints
from tfnative.serving.packages import missing
from tfnative.serving.types import (
    ModelMetadata,
    ModelSpec,
    Outputs,
    ServedVersion,
)

if TYPE_CHECKING:
    from tfnative._examples.results import Classifications
    from tfnative._signature import Signature
    from tfnative.serving.calls import Examples
    from tfnative.serving.channels.protocol import Channel
    from tfnative.serving.remote_model import RemoteModel


class Client(BaseClient):
    """Asks a TensorFlow Serving, without TensorFlow.

    Thread-safe. Connections are made when they are first needed, and kept.

    Args:
        address: "host:port" of the gRPC API, or "http://host:port" of the REST API; or
            several, which have the same models. Each call goes to the one with the
            fewest on their way.
        tls: For gRPC: has the connection made safe. REST does so for "https://", where
            this has certificates of one's own.
        token_file: A file with a bearer token for servers that ask for one. Its first
            line is sent with every call, also when it changes. Without ``tls``, whoever
            is on the way can read it.
        metadata: Sent with every call: gRPC's metadata, or headers.
        compression: Of requests, and of what servers may answer with.
        max_message_bytes: How large requests and responses may be.
        keepalive_seconds: After so long without traffic it is checked whether the
            server is still there; None for never.
        timeout: For calls that do not say, in seconds above 0; None for as long as it
            takes, as for more than 20 days.
        retry: When calls are tried again.
        breaker: When an address is given up for a while.
        hedge: When the same call is sent once more. Default: never.
        traces: Who takes spans of calls, which servers are told of: a
            ``TracerProvider`` of OpenTelemetry; True for that of the process, False for
            nobody. Default: that of the process, if it has set one before.

    Raises:
        InvalidArgumentError: An option is out of range, or an address is none.
        FailedPreconditionError: A package is not installed that an option needs.
    """

    def __init__(self, address: str | Sequence[str], **options: Any) -> None:
        super().__init__(address, **options)
        endpoints = [
            Endpoint(each, self._connect(each), self._options.breaker)
            for each in self.addresses
        ]
        attempts = Attempts(Endpoints(endpoints), self._options)
        traces = self._traces
        self._attempts = attempts if traces is None else traces.attempts(attempts)
        self.closed = False

    def _connect(self, address: str) -> Channel:
        kind = RestChannel if is_rest(address) else GrpcChannel
        try:
            channel: Channel = kind(address, self._options)
        except ModuleNotFoundError as error:
            raise missing(error) from error
        traces = self._traces
        return channel if traces is None else traces.channel(channel, address)

    # --- Calls ------------------------------------------------------------------------

    def predict(
        self,
        model: str,
        inputs: Mapping[str, npt.ArrayLike],
        *,
        version: int | None = None,
        label: str | None = None,
        signature: str | None = None,
        output_filter: Sequence[str] = (),
        timeout: float | None = None,
    ) -> Outputs:
        """Runs a signature of a model.

        Args:
            model: Its name on the server.
            inputs: An array for each input. The numbers of other values become what
                the model takes, if an address is one of the REST API; over gRPC, where
                that is not known, floats become float32 and integers int64.
            version: A version's number. Default: the newest.
            label: Or a version's label, as "stable".
            signature: Default: "serving_default".
            output_filter: Names of the outputs that are wanted. Default: all.
            timeout: For how many seconds at most, all attempts together. Default: the
                client's. More than 20 days are as long as it takes.

        Returns:
            An array for each output; strings as bytes, with dtype object.

        Raises:
            InvalidArgumentError: The server says that the inputs do not fit; or the
                type that a number becomes cannot hold it; or the timeout is no number
                above 0.
            NotFoundError: It has no such model, version or label.
            UnavailableError: It cannot be reached, or is too busy.
            DeadlineExceededError: It took too long.
            Error: Whatever else the server says.
        """
        spec = ModelSpec(model, version, label, signature)
        deadline = self._deadline(timeout)
        known = self._signature(spec, deadline) if self._needs_signatures else None
        return self._attempts.run(
            calls.predict(spec, inputs, output_filter, known), deadline
        )

    def classify(
        self,
        model: str,
        examples: Examples,
        *,
        version: int | None = None,
        label: str | None = None,
        signature: str | None = None,
        context: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Classifications:
        """Classes and scores of examples.

        Args:
            model: As for ``predict``.
            examples: Dicts with the features of an example each; or serialised
                tf.Example messages, which the REST API does not take.
            version: As for ``predict``, like ``label``, ``signature`` and ``timeout``.
            label: See there.
            signature: See there.
            context: Features that all examples share.
            timeout: See there.

        Raises:
            Error: As ``predict``.
        """
        spec = ModelSpec(model, version, label, signature)
        call = calls.classify(spec, examples, context)
        return self._attempts.run(call, self._deadline(timeout))

    def regress(
        self,
        model: str,
        examples: Examples,
        *,
        version: int | None = None,
        label: str | None = None,
        signature: str | None = None,
        context: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> npt.NDArray[Any]:
        """A number for each example; see ``classify``."""
        spec = ModelSpec(model, version, label, signature)
        call = calls.regress(spec, examples, context)
        return self._attempts.run(call, self._deadline(timeout))

    def multi_inference(
        self,
        model: str,
        examples: Examples,
        tasks: Mapping[str, Literal["classify", "regress"]],
        *,
        version: int | None = None,
        label: str | None = None,
        context: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> dict[str, Classifications | npt.NDArray[Any]]:
        """Classifies and regresses the same examples; gRPC only.

        Args:
            model: As for ``classify``, like all but ``tasks``.
            examples: See there.
            tasks: What to do with each signature, by its name.
            version: See there.
            label: See there.
            context: See there.
            timeout: See there.

        Raises:
            UnimplementedError: The address is one of the REST API.
            Error: As ``predict``.
        """
        call = calls.multi_inference(
            ModelSpec(model, version, label), examples, tasks, context
        )
        return self._attempts.run(call, self._deadline(timeout))

    def metadata(
        self,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
    ) -> ModelMetadata:
        """The signatures of a model, and the version that they are of.

        Raises:
            UnimplementedError: A signature takes or gives sparse or ragged tensors.
            Error: As ``predict``.
        """
        call = calls.metadata(ModelSpec(model, version, label))
        return self._attempts.run(call, self._deadline(timeout))

    def status(
        self,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
    ) -> tuple[ServedVersion, ...]:
        """Where the versions of a model stand, the newest first.

        Raises:
            Error: As ``predict``.
        """
        call = calls.versions(ModelSpec(model, version, label))
        return self._attempts.run(call, self._deadline(timeout))

    def reload_config(self, config: Any, *, timeout: float | None = None) -> None:
        """Has the server take another configuration; gRPC only.

        Args:
            config: A ``tfnative.serving.messages.ModelServerConfig``.
            timeout: As for ``predict``.

        Raises:
            UnimplementedError: The address is one of the REST API.
            Error: As ``predict``, or the server does not take it.
        """
        self._attempts.run(calls.reload_config(config), self._deadline(timeout))

    def model(
        self,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
    ) -> RemoteModel:
        """A model on the server, with the methods of one in memory.

        Asks the server for its signatures.

        Args:
            model: As for ``predict``.
            version: See there.
            label: See there.
            timeout: For its calls, where they do not say.

        Raises:
            Error: As ``metadata``.
        """
        from tfnative.serving.remote_model import RemoteModel

        return RemoteModel(self, ModelSpec(model, version, label), timeout)

    def wait_until_ready(
        self,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
    ) -> int:
        """Waits until a version of a model takes requests.

        Returns:
            The version's number, the newest that does.

        Raises:
            DeadlineExceededError: It did not come to that. The message says where it
                stood last, or what went wrong.
        """
        spec = ModelSpec(model, version, label)
        deadline = self._deadline(timeout)
        last: object = "nothing"
        while True:
            try:
                found = self._attempts.run(calls.versions(spec), deadline)
                if (ready := ready_version(found)) is not None:
                    return ready
                last = describe(found)
            except (NotFoundError, UnavailableError, FailedPreconditionError) as error:
                last = error
            except DeadlineExceededError:
                break
            if is_over(deadline, POLL_SECONDS):
                break
            time.sleep(POLL_SECONDS)
        raise DeadlineExceededError(f"{spec} is not ready: {last}")

    def close(self) -> None:
        """Closes the connections. Calls on their way fail. May be called again."""
        attempts = self._attempts
        self.closed = True
        attempts.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<tfnative.serving.Client of {', '.join(self.addresses)}>"

    def _signature(self, spec: ModelSpec, deadline: float | None) -> Signature:
        """What the server says of a signature; it is asked once."""
        key, name = self._signature_key(spec)
        if (key, name) not in self._metadata:
            found = self._attempts.run(calls.metadata(key), deadline)
            self._metadata[key, name] = self._named(found, spec, name)
        return self._metadata[key, name]
