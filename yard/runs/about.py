"""What people say about a run: its name, its tags, their notes; one object beside its receipt.

Two shapes were weighed. In the execution's input a name would be there from the first second, but could never be
changed, would be refused by state machines of an older deploy, and a note has no place in it. One object in S3 needs
nothing of what is deployed, may be written before, during and after a run, and stays apart from the receipt, which
says what happened and never changes. Of two writers the second reads again: S3 compares the ETag.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from shardyard.spec import names
from yard.aws import Aws
from yard.errors import Exit, UserError

_TAG = re.compile(r"[A-Za-z0-9_.:/@+-]{1,64}")
_LONGEST_NAME, _LONGEST_TEXT = 80, 2000
_MOST_BYTES = 1_000_000
"""Cut there, a larger one is no JSON: nobody writes so many notes."""
_TRIES = 5
_THREADS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """One sentence or more, and when it was written."""

    at: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """All that was said about one run."""

    name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[Note] = field(default_factory=tuple)

    def to_dict(self) -> dict[str, Any]:
        """As it is stored."""
        notes = [{"at": one.at, "text": one.text} for one in self.notes]
        return {"version": 1, "name": self.name, "tags": dict(self.tags), "notes": notes}

    @classmethod
    def from_body(cls, body: bytes) -> "About":
        """As it was stored; what others have put in the place of a part of it counts as not said."""
        try:
            raw = json.loads(body)
        except (ValueError, RecursionError):
            return NOTHING
        known = raw if isinstance(raw, dict) else {}
        name, tags, notes = known.get("name"), known.get("tags"), known.get("notes")
        return cls(
            name=name if isinstance(name, str) else None,
            tags={key: text for key, text in tags.items() if isinstance(text, str)} if isinstance(tags, dict) else {},
            notes=tuple(_notes(notes)) if isinstance(notes, list) else (),
        )

    def matches(self, wanted: str) -> bool:
        """Whether a text stands anywhere in it, in small or capital letters."""
        texts = [self.name or "", *self.tags, *self.tags.values(), *(note.text for note in self.notes)]
        return any(wanted.casefold() in text.casefold() for text in texts)

    def has_tags(self, wanted: Mapping[str, str | None]) -> bool:
        """Whether it has each tag, with the value where one is given."""
        return all(key in self.tags and value in (None, self.tags[key]) for key, value in wanted.items())

    def in_words(self) -> str:
        """For people; empty where nothing was said."""
        tags = tags_in_words(self.tags)
        lines = [f"Name: {self.name}" if self.name else "", f"Tags: {tags}" if tags else ""]
        lines += [f"Note, {note.at[:16].replace('T', ' ')}: {note.text}" for note in self.notes]
        return "\n".join(line for line in lines if line)


NOTHING = About()


def _notes(raw: Sequence[Any]) -> Iterator[Note]:
    for one in raw:
        if isinstance(one, dict) and isinstance(one.get("at"), str) and isinstance(one.get("text"), str):
            yield Note(at=one["at"], text=one["text"])


def tags_in_words(tags: Mapping[str, str]) -> str | None:
    """Tags as they were given; None without any."""
    return ", ".join(f"{key}={value}" if value else key for key, value in sorted(tags.items())) or None


def read(aws: Aws, run_id: str) -> About:
    """What was said about a run; nothing where nobody said anything."""
    return _read(aws, run_id)[0]


def read_all(aws: Aws, run_ids: Iterable[str]) -> dict[str, About]:
    """The same of many runs at once."""
    from concurrent.futures import ThreadPoolExecutor  # a help text need not wait for it

    wanted = list(run_ids)
    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(wanted, pool.map(lambda run_id: read(aws, run_id), wanted), strict=True))


def change(aws: Aws, run_id: str, how: Callable[[About], About]) -> About:
    """Read, change and write back; who was overtaken by another writer reads again."""
    from botocore.exceptions import ClientError

    bucket, key, s3 = aws.artifact_bucket(), names.about_key(run_id), aws.client("s3")
    for _ in range(_TRIES):
        found, etag = _read(aws, run_id)
        changed = how(found)
        unless = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        body = json.dumps(changed.to_dict(), indent=2).encode()
        try:
            s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json", **unless)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("PreconditionFailed", "ConditionalRequestConflict"):
                raise
        else:
            return changed
    raise UserError(f"Others write about the run {run_id} at the same time.", "Run it again.")


def with_words(
    found: About, *, name: str | None = None, tags: Mapping[str, str | None] | None = None, note: str | None = None
) -> About:
    """What was said, with a name, tags (None takes one away) and a note added."""
    changed = {**found.tags, **({} if tags is None else tags)}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return replace(
        found,
        name=found.name if name is None else name,
        tags={key: value for key, value in changed.items() if value is not None},
        notes=found.notes if note is None else (*found.notes, Note(at=now, text=note)),
    )


def checked_name(name: str | None) -> str | None:
    """A name that fits on a line."""
    if name is not None and not (0 < len(name) <= _LONGEST_NAME and name.isprintable()):
        raise UserError(f"--name takes 1 to {_LONGEST_NAME} printable letters; this has {len(name)}.", code=Exit.USAGE)
    return name


def checked_note(text: str | None) -> str | None:
    """A note that is one."""
    if text is not None and not 0 < len(text.strip()) <= _LONGEST_TEXT:
        raise UserError(f"A note has 1 to {_LONGEST_TEXT} letters; this has {len(text)}.", code=Exit.USAGE)
    return text


def read_tags(words: Sequence[str]) -> dict[str, str]:
    """Tags as people write them: `baseline` or `owner=ann`."""
    found = {}
    for word in words:
        key, _, value = word.partition("=")
        if not _TAG.fullmatch(key) or len(value) > _LONGEST_NAME or not value.isprintable():
            raise UserError(
                f"--tag {word!r} is neither KEY nor KEY=VALUE: a key has 1 to 64 letters, digits or _.:/@+-, "
                f"a value up to {_LONGEST_NAME} printable letters.",
                code=Exit.USAGE,
            )
        found[key] = value
    return found


def _read(aws: Aws, run_id: str) -> tuple[About, str | None]:
    from botocore.exceptions import ClientError

    try:
        answer = aws.client("s3").get_object(Bucket=aws.artifact_bucket(), Key=names.about_key(run_id))
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            return NOTHING, None
        raise
    return About.from_body(answer["Body"].read(_MOST_BYTES + 1)), answer["ETag"]
