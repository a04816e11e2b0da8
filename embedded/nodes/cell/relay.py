"""Relays connections from the network of a job or a function to the cloud on the machine's loopback."""

import contextlib
import os
import selectors
import socket
from collections.abc import Sequence

from embedded.nodes.cell import libc

_CHUNK_BYTES = 1 << 16
_BACKLOG_BYTES = 1 << 20


class _Pipe:
    """One direction of a connection."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source, self.sink = source, sink
        self.waiting = bytearray()
        self.source_ended = False
        self.done = False


def start(target: tuple[str, int], *, close: Sequence[int]) -> socket.socket:
    """Fork the process that stays in the machine's network; what it relays comes by the socket that this returns.

    Call it before the own network is made. `close` are descriptors whose readers must not wait for the relay's end.
    """
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        try:
            libc.die_with_parent()
            ours.close()
            for descriptor in close:
                os.close(descriptor)
            _, listeners, _, _ = socket.recv_fds(theirs, 1, 1)
            if listeners:
                serve(socket.socket(fileno=listeners[0]), target)
        finally:
            os._exit(0)
    theirs.close()
    return ours


def hand_over(listener: socket.socket, outside: socket.socket) -> None:
    """Have the relay accept the connections to `listener`, which is in the own network."""
    with listener, outside:
        socket.send_fds(outside, [b"l"], [listener.fileno()])


def serve(listener: socket.socket, target: tuple[str, int], *, prefix: str = "") -> None:
    """Relay every connection to `target`, for ever; those from addresses that begin otherwise are closed."""
    selector = selectors.DefaultSelector()
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    ends: dict[socket.socket, tuple[_Pipe, _Pipe]] = {}
    while True:
        for key, events in selector.select():
            end = key.fileobj
            assert isinstance(end, socket.socket)
            if end is listener:
                _accept(listener, target, prefix, selector, ends)
            elif end in ends:
                _move(end, events, selector, ends)


def _accept(
    listener: socket.socket,
    target: tuple[str, int],
    prefix: str,
    selector: selectors.BaseSelector,
    ends: dict[socket.socket, tuple[_Pipe, _Pipe]],
) -> None:
    inner, peer = listener.accept()
    if not peer[0].startswith(prefix):
        inner.close()
        return
    try:
        outer = socket.create_connection(target)
    except OSError:
        inner.close()
        return
    there, back = _Pipe(inner, outer), _Pipe(outer, inner)
    ends[inner], ends[outer] = (there, back), (back, there)
    for end in (inner, outer):
        end.setblocking(False)
        selector.register(end, selectors.EVENT_READ)


def _move(
    end: socket.socket,
    events: int,
    selector: selectors.BaseSelector,
    ends: dict[socket.socket, tuple[_Pipe, _Pipe]],
) -> None:
    outgoing, incoming = ends[end]
    try:
        if events & selectors.EVENT_READ:
            chunk = end.recv(_CHUNK_BYTES)
            outgoing.waiting += chunk
            outgoing.source_ended = not chunk
        for pipe in (outgoing, incoming):
            _push(pipe)
    except OSError:
        outgoing.done = incoming.done = True
    if outgoing.done and incoming.done:
        for other in (outgoing.source, outgoing.sink):
            with contextlib.suppress(KeyError):
                selector.unregister(other)
            other.close()
            del ends[other]
        return
    for mine, theirs in ((outgoing, incoming), (incoming, outgoing)):
        wanted = 0
        if not mine.source_ended and len(mine.waiting) < _BACKLOG_BYTES:
            wanted |= selectors.EVENT_READ
        if theirs.waiting:
            wanted |= selectors.EVENT_WRITE
        _watch(selector, mine.source, wanted)


def _watch(selector: selectors.BaseSelector, end: socket.socket, wanted: int) -> None:
    registered = end in selector.get_map()
    if not wanted and registered:
        selector.unregister(end)
    elif wanted and registered:
        selector.modify(end, wanted)
    elif wanted:
        selector.register(end, wanted)


def _push(pipe: _Pipe) -> None:
    if pipe.waiting:
        with contextlib.suppress(BlockingIOError):
            sent = pipe.sink.send(pipe.waiting)
            del pipe.waiting[:sent]
    if pipe.source_ended and not pipe.waiting and not pipe.done:
        pipe.done = True
        pipe.sink.shutdown(socket.SHUT_WR)
