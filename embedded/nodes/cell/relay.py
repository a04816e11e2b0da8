"""Relays the nodes' connections from the job's bridge to the cloud on the machine's loopback."""

import contextlib
import selectors
import socket

_CHUNK_BYTES = 1 << 16
_BACKLOG_BYTES = 1 << 20


class _Pipe:
    """One direction of a connection."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source, self.sink = source, sink
        self.waiting = bytearray()
        self.source_ended = False
        self.done = False


def serve(listener: socket.socket, target: tuple[str, int]) -> None:
    """Relay every connection to `target`, for ever."""
    selector = selectors.DefaultSelector()
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    ends: dict[socket.socket, tuple[_Pipe, _Pipe]] = {}
    while True:
        for key, events in selector.select():
            end = key.fileobj
            assert isinstance(end, socket.socket)
            if end is listener:
                _accept(listener, target, selector, ends)
            elif end in ends:
                _move(end, events, selector, ends)


def _accept(
    listener: socket.socket,
    target: tuple[str, int],
    selector: selectors.BaseSelector,
    ends: dict[socket.socket, tuple[_Pipe, _Pipe]],
) -> None:
    inner, _ = listener.accept()
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
