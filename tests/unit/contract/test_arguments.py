"""Arguments of any number cross the container's wall as they are."""

import json

import pytest

from contract.arguments import MOST_LETTERS, decode, encode, is_part

KINDS = ["config.py", "--fast", "--lr=3e-4", "--sizes", "1", "2", "--name", "two words", "a'\"b", "é", "", "-1"]


@pytest.mark.parametrize("arguments", [[], ["--x"], KINDS, [f"--option_{n}={'v' * n}" for n in range(120)]])
def test_they_come_out_as_they_went_in(arguments: list[str]) -> None:
    variables = encode(arguments)
    assert decode({"OTHER": "1", **variables}) == arguments
    assert all(len(value) <= MOST_LETTERS for value in variables.values())
    assert all(is_part(name) for name in variables)


def test_few_arguments_are_one_variable() -> None:
    assert encode(["--fast", "a b"]) == {"SHARDYARD_ARGUMENTS": '["--fast", "a b"]'}


@pytest.mark.parametrize("text", ["no", "{}", "[1]", json.dumps(["x" * 600])[:512]])
def test_what_is_no_list_of_texts_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decode({"SHARDYARD_ARGUMENTS": text})
