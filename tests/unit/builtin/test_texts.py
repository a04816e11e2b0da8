"""The stand-in for BlazingText's classifier, and the model file of fastText that it writes."""

import json
import random
import struct
from pathlib import Path

import pytest

from tests.support.training.builtin_jobs import metric, write_job
from training.builtin.__main__ import main
from training.builtin.fasttext_file import hash_of, ngrams

TOPICS = {"sport": ("goal", "team", "ball"), "food": ("cake", "soup", "salt")}
SMALL = {"mode": "supervised", "vector_dim": "8", "min_count": "1", "epochs": "12", "learning_rate": "0.2"}


def texts(count: int, seed: int) -> list[tuple[str, str]]:
    dice = random.Random(seed)
    chosen = [dice.choice(sorted(TOPICS)) for _ in range(count)]
    return [
        (label, " ".join(["the", dice.choice(TOPICS[label]), "of", dice.choice(TOPICS[label])])) for label in chosen
    ]


def plain(count: int, seed: int = 0) -> tuple[str, str]:
    return "text/plain", "\n".join(f"__label__{label} {text}" for label, text in texts(count, seed))


def test_it_tells_topics_apart_and_says_so_as_blazingtext_does(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_job(base, SMALL, train=plain(200), validation=plain(60, seed=1))
    assert main(["blazingtext", "train"]) == 0
    said = capsys.readouterr().out
    assert "stands in for blazingtext" in said.splitlines()[0]
    assert metric("blazingtext", "validation:accuracy", said) == 1.0
    assert metric("blazingtext", "train:accuracy", said) == 1.0
    assert "Number of validation examples: 60" in said


def test_the_order_of_words_counts_by_their_ngrams_alone(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dice = random.Random(0)
    lines = ["__label__a x y" if dice.random() < 0.5 else "__label__b y x" for _ in range(200)]
    given = SMALL | {"word_ngrams": "2", "learning_rate": "0.5"}
    write_job(base, given, train=("text/plain", "\n".join(lines)))
    assert main(["blazingtext", "train"]) == 0
    assert metric("blazingtext", "train:accuracy", capsys.readouterr().out) == 1.0


def test_an_augmented_manifest_is_read(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [json.dumps({"source": text, "label": sorted(TOPICS).index(label)}) for label, text in texts(100, 0)]
    write_job(base, SMALL, train=("application/jsonlines", "\n".join(lines)))
    assert main(["blazingtext", "train"]) == 0
    assert metric("blazingtext", "train:accuracy", capsys.readouterr().out) == 1.0
    assert b"__label__0\0" in (base / "model" / "model.bin").read_bytes()


def test_the_model_is_a_file_of_fasttext(base: Path) -> None:
    write_job(base, SMALL | {"word_ngrams": "1"}, train=plain(50))
    assert main(["blazingtext", "train"]) == 0
    data = (base / "model" / "model.bin").read_bytes()
    magic, version, width, *_ = struct.unpack_from("<2i12i", data)
    assert (magic, version, width) == (793712314, 12, 8)
    entries, words, labels, tokens, pruned = struct.unpack_from("<3i2q", data, 64)
    # nine words with the end of the line, and every line with five words and a label
    assert (entries, words, labels, tokens, pruned) == (11, 9, 2, 50 * 6, -1)
    assert len(data) == 64 + 28 + _dictionary(data[92:], entries) + 2 * 17 + (words + labels) * width * 4


def _dictionary(data: bytes, entries: int) -> int:
    place = 0
    for _ in range(entries):
        place = data.index(b"\0", place) + 1 + 9
    return place


def test_words_and_ngrams_have_fasttexts_numbers() -> None:
    """FNV-1a by its published test vectors; bytes above 127 are signed in fastText, so that its words differ there."""
    assert hash_of("") == 0x811C9DC5
    assert hash_of("a") == 0xE40C292C
    assert hash_of("foobar") == 0xBF9CF968
    assert list(ngrams([1, 2, 0xFFFFFFFF], 2)) == [116049371 + 2, 2 * 116049371 - 1]
    assert len(list(ngrams([1, 2, 3], 3))) == 3


def test_patience_ends_what_does_not_improve(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = SMALL | {"early_stopping": "True", "patience": "2", "min_epochs": "1", "epochs": "50"}
    write_job(base, given, train=plain(100), validation=plain(30, seed=1))
    assert main(["blazingtext", "train"]) == 0
    assert capsys.readouterr().out.count("End of epoch") < 20


@pytest.mark.parametrize(
    ("given", "table", "said"),
    [
        ({"mode": "skipgram"}, plain(9), "mode is 'skipgram'; the stand-in trains the classifier alone (supervised)"),
        (SMALL, ("text/plain", "no label here"), "line 1 of part-0 has no label (__label__NAME, then the words)"),
        (SMALL, ("text/plain", "__label__a x"), "has the label __label__a only"),
        (SMALL, ("text/csv", "a,b"), "content type 'text/csv'; it can be text/plain, application/jsonlines"),
        (SMALL | {"early_stopping": "True"}, plain(9), "early_stopping needs the channel validation"),
    ],
)
def test_what_the_user_can_change_is_a_customer_error(
    base: Path, given: dict[str, str], table: tuple[str, str], said: str
) -> None:
    write_job(base, given, train=table)
    assert main(["blazingtext", "train"]) == 1
    assert said in (base / "output" / "failure").read_text()
