"""A daemon, its processes, and their output."""

from __future__ import annotations

import base64
import contextlib
import os
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Callable, Iterator, Mapping, Optional, Sequence, TypeVar

import grpc
from pm.v1 import (
    daemon_service_pb2,
    daemon_service_pb2_grpc,
    event_service_pb2_grpc,
    output_pb2,
    process_pb2,
    process_service_pb2,
    process_service_pb2_grpc,
    run_pb2,
    spec_pb2,
)

from ._errors import Error, explain
from ._place import Place, resolve

_T = TypeVar("_T")

_FIRST_PAUSE = 0.1
_LONG_PAUSE = 5.0


def dial(
    *,
    socket: Optional[str] = None,
    address: Optional[str] = None,
    context: Optional[str] = None,
    username: Optional[str] = None,
    password: Optional[str] = None,
    timeout: float = 30,
) -> Client:
    """Finds the daemon by the rules of the pm command and asks it who it is.

    :param socket: path of its unix socket, whose permissions are the authentication.
    :param address: ``https://host:port`` of a daemon that listens on TCP.
    :param context: a context of ``pm context``; "default" is the local socket.
    :param username: for a daemon on TCP; else PM_USER or the context's.
    :param password: of that user.
    :param timeout: seconds that a call may take that does not wait for a process.
    :raises Error: if nobody answers, or the credentials are refused.
    """
    client = Client(resolve(socket, address, context, os.environ, username, password), timeout)
    try:
        client.info()
    except BaseException:
        client.close()
        raise
    return client


_CALLS_PER_CONNECTION = 100
"""The daemon takes 256 at a time, and grpcio lets further ones wait in silence for another to end."""


class _Connection:
    """One for calls that last as long as a process."""

    def __init__(self, channel: grpc.Channel, processes: process_service_pb2_grpc.ProcessServiceStub) -> None:
        self.channel = channel
        self.processes = processes
        self.calls = 0


class Client:
    """A connection to one daemon, and others for calls that last. It connects again after a loss."""

    processes: process_service_pb2_grpc.ProcessServiceStub
    events: event_service_pb2_grpc.EventServiceStub
    daemon: daemon_service_pb2_grpc.DaemonServiceStub

    def __init__(self, place: Place, timeout: float) -> None:
        self.timeout = timeout
        self._place = place
        self._lock = threading.Lock()
        self._lasting: list[_Connection] = []
        self._closed = False
        self._channel, channel = self._open()
        self.processes = process_service_pb2_grpc.ProcessServiceStub(channel)
        self.events = event_service_pb2_grpc.EventServiceStub(channel)
        self.daemon = daemon_service_pb2_grpc.DaemonServiceStub(channel)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends what is under way and closes the connections."""
        with self._lock:
            self._closed = True
            lasting, self._lasting = self._lasting, []
        for channel in [self._channel, *(connection.channel for connection in lasting)]:
            channel.close()

    def _open(self) -> tuple[grpc.Channel, grpc.Channel]:
        """A channel to be closed, and what to call through."""
        place = self._place
        options = [
            # A daemon that was replaced is found again soon.
            ("grpc.max_reconnect_backoff_ms", 1000),
            ("grpc.initial_reconnect_backoff_ms", 100),
            # Otherwise channels of the same options share one connection.
            ("grpc.use_local_subchannel_pool", 1),
        ]
        if place.socket is not None:
            channel = grpc.insecure_channel(f"unix:{place.socket}", options)
        else:
            credentials = grpc.ssl_channel_credentials(place.ca, place.key, place.cert)
            channel = grpc.secure_channel(place.target, credentials, options)
        if place.username is None:
            return channel, channel
        text = base64.b64encode(f"{place.username}:{place.password or ''}".encode()).decode()
        return channel, grpc.intercept_channel(channel, _Authorization(f"Basic {text}"))

    @contextlib.contextmanager
    def _for_long(self) -> Iterator[process_service_pb2_grpc.ProcessServiceStub]:
        """For one call that lasts as long as a process: never so many on a connection that another must wait."""
        with self._lock:
            if self._closed:
                raise ValueError("the client is closed")
            connection = next((one for one in self._lasting if one.calls < _CALLS_PER_CONNECTION), None)
            if connection is None:
                channel, through = self._open()
                connection = _Connection(channel, process_service_pb2_grpc.ProcessServiceStub(through))
                self._lasting.append(connection)
            connection.calls += 1
        try:
            yield connection.processes
        finally:
            with self._lock:
                connection.calls -= 1
                # The first one is kept for the next call.
                idle = connection.calls == 0 and connection in self._lasting[1:]
                if idle:
                    self._lasting.remove(connection)
            if idle:
                connection.channel.close()

    def info(self) -> daemon_service_pb2.GetInfoResponse:
        """What the daemon is, what it can do and what it allows."""
        request = daemon_service_pb2.GetInfoRequest()
        return self._call(lambda: self.daemon.GetInfo(request, timeout=self.timeout), retry=False)

    def start(
        self,
        executable: str,
        *args: str,
        name: str = "",
        labels: Optional[Mapping[str, str]] = None,
        env: Optional[Mapping[str, str]] = None,
        cwd: str = "",
        spec: Optional[spec_pb2.ProcessSpec] = None,
    ) -> Process:
        """Starts a process and returns once its program was executed.

        A lost connection is retried under the same id, which starts nothing twice.

        :param spec: everything else to ask for; the other arguments are laid over it.
        """
        whole = spec_pb2.ProcessSpec(executable=executable, args=args, env=env, cwd=cwd)
        if spec is not None:
            whole = spec_pb2.ProcessSpec.FromString(spec.SerializeToString() + whole.SerializeToString())
        request = process_service_pb2.StartProcessRequest(
            id=str(uuid.uuid4()), name=name, labels=labels, spec=whole
        )
        response = self._call(lambda: self.processes.StartProcess(request, timeout=self.timeout))
        return Process(self, response.process.id)

    def process(self, name: Optional[str] = None, *, id: Optional[str] = None) -> Process:
        """A handle for a process, by its name or its UUID."""
        reference = process_pb2.ProcessRef(name=name, id=id)
        return Process(self, self._get(reference).id)

    def _get(self, reference: process_pb2.ProcessRef) -> process_pb2.Process:
        request = process_service_pb2.GetProcessRequest(process=reference)
        return self._call(lambda: self.processes.GetProcess(request, timeout=self.timeout)).process

    def _call(self, call: Callable[[], _T], *, retry: bool = True, until: Optional[float] = None) -> _T:
        """Calls again while the connection is lost, for calls that are safe to repeat."""
        pause, begin = _FIRST_PAUSE, time.monotonic()
        end = begin + self.timeout if until is None else until
        while True:
            try:
                return call()
            except grpc.RpcError as error:
                failure = explain(error)
                if not retry or not failure.is_loss or time.monotonic() + pause > end:
                    raise failure from error
                time.sleep(pause)
                pause = min(2 * pause, _LONG_PAUSE)


@dataclass(frozen=True)
class Piece:
    """One piece of a run's output: a chunk, a gap, or at last the end."""

    chunk: Optional[output_pb2.OutputChunk] = None
    """Bytes, exactly as they were written."""
    gap: Optional[output_pb2.OutputGap] = None
    """Bytes that the output limit dropped before they were read."""
    end: Optional[output_pb2.OutputEnd] = None
    """How the run ended."""


class Process:
    """A handle that stays with one process over restarts of the process and of the daemon."""

    def __init__(self, client: Client, id: str) -> None:
        self._client = client
        self.id = id

    @property
    def _ref(self) -> process_pb2.ProcessRef:
        return process_pb2.ProcessRef(id=self.id)

    def get(self) -> process_pb2.Process:
        """The process as it is now."""
        return self._client._get(self._ref)

    def wait(self, timeout: Optional[float] = None) -> run_pb2.Run:
        """Waits until the current run has ended and returns it; `run.exit` says how.

        :param timeout: seconds; default: no limit.
        :raises Error: DEADLINE_EXCEEDED when the time is over.
        """
        request = process_service_pb2.WaitProcessRequest(process=self._ref)
        end = float("inf") if timeout is None else time.monotonic() + timeout

        def call() -> process_service_pb2.WaitProcessResponse:
            left = None if timeout is None else max(end - time.monotonic(), 0.001)
            with self._client._for_long() as processes:
                return processes.WaitProcess(request, timeout=left)

        return self._client._call(call, until=end).run

    def stop(
        self, *, signal: str = "", grace_seconds: Optional[float] = None, force: bool = False
    ) -> run_pb2.StopReceipt:
        """Ends the whole tree and returns the receipt: what was done, and what survived."""
        options = process_service_pb2.StopOptions(signal=signal, force=force)
        if grace_seconds is not None:
            options.grace_period.FromMilliseconds(round(grace_seconds * 1000))
        request = process_service_pb2.StopProcessRequest(
            process=self._ref, options=options, request_id=str(uuid.uuid4())
        )

        def call() -> process_service_pb2.StopProcessResponse:
            with self._client._for_long() as processes:
                return processes.StopProcess(request)

        return self._client._call(call, until=float("inf")).receipt

    def signal(self, name: str) -> None:
        """Sends a signal by name, such as "SIGHUP", to the process group."""
        request = process_service_pb2.SignalProcessRequest(
            process=self._ref, signal=name, request_id=str(uuid.uuid4())
        )
        self._client._call(lambda: self._client.processes.SignalProcess(request, timeout=self._client.timeout))

    def remove(self, *, force: bool = False) -> None:
        """Removes an ended process and frees its output; with force it is killed first."""
        request = process_service_pb2.RemoveProcessRequest(
            process=self._ref, force=force, request_id=str(uuid.uuid4())
        )
        self._client._call(lambda: self._client.processes.RemoveProcess(request, timeout=self._client.timeout))

    def write(self, data: bytes, *, close: bool = False) -> None:
        """Writes to standard input, which the spec must make a pipe. Blocks until the process has read it."""
        pieces = [data[at : at + 2**20] for at in range(0, len(data), 2**20)] or [b""]
        for index, piece in enumerate(pieces):
            request = process_service_pb2.WriteInputRequest(
                process=self._ref, data=piece, close=close and index == len(pieces) - 1
            )

            def call(request: process_service_pb2.WriteInputRequest = request) -> object:
                with self._client._for_long() as processes:
                    return processes.WriteInput(request)

            self._client._call(call, retry=False)

    def output(
        self, *, follow: bool = True, streams: Sequence[output_pb2.OutputStream] = (), offset: int = 0
    ) -> Iterator[Piece]:
        """Reads the current run's output from `offset` on, and with `follow` to its end.

        Resumes by offset when the connection is lost or the daemon is replaced.
        The last piece has `end`.
        """
        request = process_service_pb2.StreamOutputRequest(process=self._ref, follow=follow, streams=streams)
        request.start.offset = offset
        pause = _FIRST_PAUSE
        while True:
            with self._client._for_long() as processes:
                stream = processes.StreamOutput(request)
                try:
                    for response in stream:
                        pause = _FIRST_PAUSE
                        kind = response.WhichOneof("frame")
                        if kind == "opened":
                            request.run = response.opened.run
                            request.start.offset = response.opened.start_offset
                        elif kind == "heartbeat":
                            request.start.offset = response.heartbeat.next_offset
                        elif kind == "chunk":
                            yield Piece(chunk=response.chunk)
                            request.start.offset = response.chunk.offset + len(response.chunk.data)
                        elif kind == "gap":
                            yield Piece(gap=response.gap)
                            request.start.offset = response.gap.to_offset
                        elif kind == "end":
                            yield Piece(end=response.end)
                            return
                except grpc.RpcError as error:
                    failure = explain(error)
                    if not failure.is_loss:
                        raise failure from error
                finally:
                    stream.cancel()
            time.sleep(pause)
            pause = min(2 * pause, _LONG_PAUSE)


class _Authorization(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Adds the header to each call. grpcio's call credentials would want a callback thread for it."""

    def __init__(self, value: str) -> None:
        self._entry = ("authorization", value)

    def intercept_unary_unary(self, continuation, details, request):
        return continuation(self._with(details), request)

    def intercept_unary_stream(self, continuation, details, request):
        return continuation(self._with(details), request)

    def _with(self, details):
        metadata = [*(details.metadata or ()), self._entry]
        return details._replace(metadata=metadata)
