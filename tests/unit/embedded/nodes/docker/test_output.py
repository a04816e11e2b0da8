"""What a container prints, from the daemon's frames of its two outputs."""

import os
import select
import socket
import struct
import threading

from embedded.nodes.docker import attempt

OUT, ERR = 1, 2


def frame(kind: int, text: bytes) -> bytes:
    """As the Engine API documents it: the output, its length, the text."""
    return struct.pack(">BxxxL", kind, len(text)) + text


def passed_on(*frames: tuple[int, bytes]) -> bytes:
    """All that a node's log gets of these frames."""
    ours, daemons = socket.socketpair()
    read_end, write_end = os.pipe()
    daemons.sendall(b"".join(frame(kind, text) for kind, text in frames))
    daemons.close()
    attempt._copy_frames(ours, write_end)
    with os.fdopen(read_end, "rb") as log:
        return log.read()


def test_a_line_of_one_output_is_not_broken_by_the_other() -> None:
    """`ls` writes its name and its message one by one, and what it found in between."""
    frames = [(ERR, b"ls: "), (OUT, b"/opt/found\n"), (ERR, b"cannot access 'train'\n")]
    assert passed_on(*frames) == b"/opt/found\nls: cannot access 'train'\n"


def test_what_ends_without_a_line_s_end_is_passed_on_at_the_end() -> None:
    assert passed_on((OUT, b"a\nlast of one"), (ERR, b"last of the other")) == b"a\nlast of one\nlast of the other"


def test_a_line_without_an_end_does_not_pile_up() -> None:
    ours, daemons = socket.socketpair()
    read_end, write_end = os.pipe()
    threading.Thread(target=attempt._copy_frames, args=(ours, write_end), daemon=True).start()
    with daemons, os.fdopen(read_end, "rb", buffering=0) as log:
        for _ in range(17):
            daemons.sendall(frame(OUT, b"x" * 4096))
        ready, _, _ = select.select([log], [], [], 20)
        assert ready, "64 KiB and more come before the line has ended"
