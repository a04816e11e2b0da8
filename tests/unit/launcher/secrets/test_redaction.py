"""Secrets do not pass, however they are cut, written or mixed."""

import base64
import json
import random
from urllib.parse import quote

import pytest

from training.launcher.secrets.redaction import Hidden

VALUE = 's3cr"et/value\\with=signs'


def pieces(hidden: Hidden, data: bytes, sizes: list[int]) -> bytes:
    """The output of data that arrives in pieces of these sizes, repeated."""
    out, held, place, turn = b"", b"", 0, 0
    while place < len(data):
        size = sizes[turn % len(sizes)]
        shown, held = hidden.replace(held + data[place : place + size])
        out, place, turn = out + shown, place + size, turn + 1
    return out + hidden.replace_all(held)


def hiding(**values: str) -> Hidden:
    hidden = Hidden()
    assert hidden.add(values) == []
    return hidden


@pytest.mark.parametrize("sizes", [[1], [2, 3], [7], [1000]])
def test_a_value_is_hidden_however_it_is_cut(sizes: list[int]) -> None:
    text = f"before {VALUE} between {VALUE}{VALUE} after\n".encode()
    expected = b"before [secret KEY] between [secret KEY][secret KEY] after\n"
    assert pieces(hiding(KEY=VALUE), text, sizes) == expected


def test_a_value_is_hidden_in_every_form_that_programs_write() -> None:
    encoded = base64.b64encode(VALUE.encode()).decode()
    text = "\n".join([json.dumps({"a": VALUE}), repr([VALUE]), quote(VALUE, safe=""), encoded]).encode()
    shown = pieces(hiding(KEY=VALUE), text, [5])
    assert shown.count(b"[secret KEY]") == 4
    assert b"et/value" not in shown and encoded[:8].encode() not in shown


def test_each_line_of_a_value_of_many_is_hidden() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----"
    assert pieces(hiding(KEY=key), b"[rank 0] kqhkiG9w0BAQEF\n" + key.encode(), [3]) == (
        b"[rank 0] [secret KEY]\n[secret KEY]"
    )


def test_a_value_that_another_begins_with_is_hidden_too() -> None:
    hidden = hiding(SHORT="abcdefgh", LONG="abcdefghijkl")
    for sizes in ([1], [8], [10], [100]):
        assert pieces(hidden, b"abcdefghijkl abcdefgh abcdefghij", sizes) == (
            b"[secret LONG] [secret SHORT] [secret SHORT]ij"
        )


def test_random_texts_lose_their_values_and_nothing_else() -> None:
    generator = random.Random(1)
    for _ in range(300):
        values = ["".join(generator.choices("ab", k=generator.randint(8, 12))) for _ in range(3)]
        hidden = hiding(**{f"K{number}": value for number, value in enumerate(values)})
        text = "".join(generator.choices("ab\n", weights=[5, 5, 1], k=80)).encode()
        whole = hidden.replace_all(text)
        shown = pieces(hidden, text, [generator.randint(1, 9) for _ in range(5)])
        assert shown == whole
        assert not any(value.encode() in shown for value in values)


def test_nothing_else_is_held_back_and_nothing_is_lost() -> None:
    hidden = hiding(KEY="abcdefgh")
    assert hidden.replace(b"no secret at all\n") == (b"no secret at all\n", b"")
    assert hidden.replace(b"ends with abc") == (b"ends with ", b"abc")
    assert pieces(hidden, b"ends with abc", [4]) == b"ends with abc"


def test_a_short_value_is_named_and_not_hidden() -> None:
    hidden = Hidden()
    assert hidden.add({"USER": "admin", "KEY": "abcdefgh"}) == ["USER"]
    assert pieces(hidden, b"administrator abcdefgh", [100]) == b"administrator [secret KEY]"


def test_a_large_value_costs_no_more_than_a_small_one() -> None:
    value = "".join(random.Random(2).choices("abcdefghijklmnop", k=65536))
    hidden = hiding(KEY=value)
    assert pieces(hidden, b"x" * 200_000 + value.encode() + b"y" * 200_000, [65536]) == (
        b"x" * 200_000 + b"[secret KEY]" + b"y" * 200_000
    )
