"""Mail that AWS would have sent: kept as files that a person can read, and never sent anywhere."""

import itertools
import os
import re
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from embedded.kept import parts
from embedded.operations import Params, admin

_lock = threading.Lock()
_numbers = itertools.count(1)
_messages: list["Mail"] = []
parts.keep_contents("outbox", _messages)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """One message to a person."""

    number: int
    """Counts from 1 in each run of the cloud."""
    protocol: str
    """`email`, `email-json`, `sms`, `http` or `https`."""
    to: str
    """The address, the telephone number or the URL."""
    subject: str
    """The subject line."""
    text: str
    """The body."""
    topic: str
    """The ARN of the topic that it came from; empty for mail of another service."""
    time: float
    """When it was sent, in seconds since the epoch."""
    file: str
    """The path of its file."""


def folder() -> Path:
    """Where the files are: `outbox/` in the cloud's own folder."""
    return Path(os.environ.get("YARD_CLOUD_FOLDER", ".yard/cloud")) / "outbox"


def post(*, protocol: str, to: str, subject: str | None, text: str, topic: str) -> Mail:
    """Keep a message instead of sending it."""
    with _lock:
        number = next(_numbers)
        shown = subject if subject else "AWS Notification Message"
        slug = re.sub(r"[^a-z0-9]+", "-", shown.lower()).strip("-")[:50]
        now = time.time()
        path = folder() / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{number:04d}-{slug}.txt"
        mail = Mail(
            number=number, protocol=protocol, to=to, subject=shown, text=text, topic=topic, time=now, file=str(path)
        )
        _messages.append(mail)
        path.parent.mkdir(parents=True, exist_ok=True)
        date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(now))
        path.write_text(f"To: {to}\nSubject: {shown}\nDate: {date}\nTopic: {topic}\nProtocol: {protocol}\n\n{text}\n")
        return mail


@admin("outbox")
def _outbox(params: Params) -> dict[str, Any]:
    """All messages, oldest first: {to?, clear?}."""
    with _lock:
        found = [asdict(mail) for mail in _messages if params.get("to") in (None, mail.to)]
        if params.get("clear"):
            _messages.clear()
    return {"folder": str(folder()), "messages": found}
