"""Text cut by a tokenizer file, and token files that are none: one sentence that names the file."""

import sys
from pathlib import Path

import numpy
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from training.data import ShardError
from training.pytorch.programs.tokens import NoTokens, read_tokens


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.npy", b"hello", r"a\.npy cannot be read at byte 0: this is no \.npy file"),
        ("a.bin", b"123", r"a\.bin cannot be read at byte 3: the file is no whole number of uint16 tokens"),
        ("gone.bin", None, r"gone\.bin cannot be read at byte 0: No such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ShardError, match=message):
        read_tokens([tmp_path / name], vocabulary=10)


def test_empty_files_are_passed_over_and_nothing_but_them_is_refused(tmp_path: Path) -> None:
    numpy.save(tmp_path / "a.npy", numpy.zeros(0, numpy.int32))
    (tmp_path / "b.bin").write_bytes(b"")
    empty = [tmp_path / "a.npy", tmp_path / "b.bin"]
    with pytest.raises(NoTokens, match="holds no"):
        read_tokens(empty, vocabulary=10)
    numpy.save(tmp_path / "c.npy", numpy.arange(5))
    assert read_tokens([*empty, tmp_path / "c.npy"], vocabulary=10).read(0, 5).tolist() == [0, 1, 2, 3, 4]


def test_tokens_below_zero_are_refused(tmp_path: Path) -> None:
    numpy.save(tmp_path / "a.npy", numpy.array([1, -3]))
    with pytest.raises(NoTokens, match="has token -3: tokens are numbered from 0"):
        read_tokens([tmp_path / "a.npy"], vocabulary=10)


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    """A tokenizer.json that knows four words."""
    words = Tokenizer(models.WordLevel({"to": 0, "be": 1, "or": 2, "not": 3, "?": 4}, unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json"


def test_a_tokenizer_file_cuts_text_and_leaves_ready_tokens_alone(tmp_path: Path, tokenizer: Path) -> None:
    (tmp_path / "a.txt").write_text("to be or\nnot to be")
    (tmp_path / "b.txt").write_text("to see")
    texts = [tmp_path / "a.txt", tmp_path / "b.txt"]
    assert read_tokens(texts, vocabulary=5, tokenizer=tokenizer).read(0, 8).tolist() == [0, 1, 2, 3, 0, 1, 0, 4]
    with pytest.raises(NoTokens, match="has token 4 and the model knows 0 to 3"):
        read_tokens(texts, vocabulary=4, tokenizer=tokenizer)
    numpy.save(tmp_path / "c.npy", numpy.array([7, 8]))
    assert read_tokens([*texts, tmp_path / "c.npy"], vocabulary=9, tokenizer=tokenizer).read(0, 2).tolist() == [7, 8]


def test_what_is_wrong_with_a_tokenizer_or_its_text_is_said(
    tmp_path: Path, tokenizer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "a.txt"
    text.write_bytes(b"to be \xff")
    with pytest.raises(NoTokens, match=r"a\.txt is not UTF-8 at byte 6, and a tokenizer takes text"):
        read_tokens([text], vocabulary=5, tokenizer=tokenizer)
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(NoTokens, match=r"broken\.json is no tokenizer\.json that can be read: "):
        read_tokens([text], vocabulary=5, tokenizer=tmp_path / "broken.json")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(NoTokens, match=r"needs the package tokenizers: add it to the image's requirements\.txt"):
        read_tokens([text], vocabulary=5, tokenizer=tokenizer)
