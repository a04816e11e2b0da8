"""Names, tags and notes of runs: kept beside the receipt, found by history, and lost to no other writer."""

import io
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shardyard.spec import names
from yard.errors import Exit, UserError
from yard.runs import about

RUN = "20261128-234940-09ab"


class Bucket:
    """S3 with its conditions; `meanwhile` runs before the next write."""

    def __init__(self) -> None:
        self.body: bytes | None = None
        self.version = 0
        self.meanwhile: Any = None

    def client(self, _: str) -> "Bucket":
        return self

    def artifact_bucket(self) -> str:
        return "artifacts"

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        assert Key == names.about_key(RUN)
        if self.body is None:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": ""}}, "GetObject")
        return {"Body": io.BytesIO(self.body), "ETag": str(self.version)}

    def put_object(self, Bucket: str, Key: str, Body: bytes, ContentType: str, **unless: str) -> None:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        if unless != ({"IfNoneMatch": "*"} if self.body is None else {"IfMatch": str(self.version)}):
            raise ClientError({"Error": {"Code": "PreconditionFailed", "Message": ""}}, "PutObject")
        self.body, self.version = Body, self.version + 1


@pytest.fixture
def aws() -> Any:
    return Bucket()


def say(aws: Any, **words: Any) -> about.About:
    return about.change(aws, RUN, lambda found: about.with_words(found, **words))


def test_what_was_said_is_kept_and_added_to(aws: Any) -> None:
    assert about.read(aws, RUN) == about.NOTHING
    say(aws, name="wide, slow", tags={"baseline": "", "owner": "ann"})
    say(aws, note="the loss jumps")
    say(aws, tags={"owner": None}, note="it was the data")
    found = about.read(aws, RUN)
    assert (found.name, found.tags) == ("wide, slow", {"baseline": ""})
    assert [note.text for note in found.notes] == ["the loss jumps", "it was the data"]
    assert found.in_words().startswith("Name: wide, slow\nTags: baseline\nNote, 20")


def test_a_note_that_comes_between_is_not_lost(aws: Any) -> None:
    say(aws, note="first")
    aws.meanwhile = lambda: say(aws, note="between")
    say(aws, note="last")
    assert [note.text for note in about.read(aws, RUN).notes] == ["first", "between", "last"]


def test_who_is_always_overtaken_gives_up_with_a_sentence(aws: Any) -> None:
    def again() -> None:
        aws.version += 1
        aws.meanwhile = again

    say(aws, note="first")
    aws.meanwhile = again
    with pytest.raises(UserError, match="Others write about the run 20261128-234940-09ab at the same time"):
        say(aws, note="last")


def test_a_run_is_found_by_any_of_it() -> None:
    found = about.with_words(about.NOTHING, name="Wide", tags={"owner": "ann"}, note="the loss jumps")
    assert [found.matches(text) for text in ("wide", "OWNER", "Ann", "jumps", "else")] == [True] * 4 + [False]
    assert found.has_tags({"owner": None}) and found.has_tags({"owner": "ann"})
    assert not found.has_tags({"owner": "bob"}) and not found.has_tags({"owner": "ann", "baseline": None})


@pytest.mark.parametrize("word", ["", "=x", "a b", "k=line\nbreak", "x" * 65])
def test_a_tag_that_is_none_is_refused(word: str) -> None:
    with pytest.raises(UserError, match="is neither KEY nor KEY=VALUE") as refused:
        about.read_tags([word])
    assert refused.value.code == Exit.USAGE


@pytest.mark.parametrize("name", ["", "x" * 81, "two\nlines"])
def test_a_name_that_fits_no_line_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="--name takes 1 to 80 printable letters"):
        about.checked_name(name)


def test_an_empty_note_is_refused() -> None:
    with pytest.raises(UserError, match="A note has 1 to 2000 letters"):
        about.checked_note("  ")
