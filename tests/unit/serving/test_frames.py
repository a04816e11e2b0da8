"""Frames arrive whole, in order, however the bytes are cut."""

from hypothesis import given
from hypothesis import strategies as some

from serving import frames

FRAMES = some.lists(
    some.tuples(some.integers(0, 2**32 - 1), some.integers(0, 10), some.binary(max_size=40)), max_size=8
)
TEXTS = some.text(some.characters(exclude_characters="\n\t", codec="utf-8"), max_size=20)


@given(FRAMES, some.lists(some.integers(1, 30), min_size=1))
def test_frames_survive_any_cut(sent: list[tuple[int, int, bytes]], cuts: list[int]) -> None:
    stream = b"".join(frames.pack(*frame) for frame in sent)
    buffer, found = bytearray(), []
    at = turn = 0
    while at < len(stream):
        step = cuts[turn % len(cuts)]
        buffer += stream[at : at + step]
        found += list(frames.take(buffer))
        at, turn = at + step, turn + 1
    assert found == sent
    assert buffer == b""


@given(some.integers(0, 999), some.dictionaries(TEXTS.filter(bool), TEXTS, max_size=4), some.binary(max_size=50))
def test_a_payload_has_a_code_texts_and_a_body(code: int, fields: dict[str, str], body: bytes) -> None:
    assert frames.parts(frames.with_meta(code, fields, body)) == (code, fields, body)
