"""The last of what a process wrote, read for its Python traceback."""

import re
from pathlib import Path

_START = "Traceback (most recent call last):"
_RAISED_FROM = "The above exception was the direct cause of the following exception:"
_IGNORED = re.compile(rf"^Exception ignored .*\n(?:{re.escape(_START)}\n(?: .*\n)*\S.*\n?)?", re.MULTILINE)
"""What a destructor raises, often at the interpreter's end and so after the real reason."""

_LEFT_OUT = "  ...\n"
_RANK_PREFIX = re.compile(r"^\[rank\d+\]: ?", re.MULTILINE)
_UNCOMPILED = re.compile(
    r'^  File "[^"\n]+", line \d+\n(?:    .*\n){0,2}(?:Syntax|Indentation|Tab)Error: .*\s*\Z', re.MULTILINE
)


def traceback_of(text: str) -> str:
    """The last Python traceback in a text, without what was printed before it; empty when there is none."""
    text = _relevant(text)
    start = text.rfind(_START)
    if start < 0:
        # The script itself could not be compiled: Python shows the place without that first line
        found = _UNCOMPILED.search(text)
        return "" if found is None else found[0].strip()
    lines = text[start:].splitlines()
    end = next((n for n, line in enumerate(lines[1:], 1) if line and not line.startswith((" ", "\t"))), len(lines) - 1)
    # An exception's message may have several lines: keep a few, but not the whole log that follows
    return "\n".join(lines[: end + 6]).strip()


def last_line(text: str) -> str:
    """The line that names the exception; empty when no traceback was printed."""
    for line in traceback_of(text).splitlines()[1:]:
        if line and not line.startswith((" ", "\t")):
            return line.strip()[:300]
    return ""


def errors_of(text: str) -> list[str]:
    """The line that names the last exception, then those of the exceptions that it was raised from."""
    text = _relevant(text)
    errors: list[str] = []
    while error := last_line(text):
        errors.append(error)
        text = text.rpartition(_START)[0].rstrip()
        if not text.endswith(_RAISED_FROM):
            # An exception that was only being handled may be one that the program recovers from
            break
    return errors


def files_of(text: str) -> list[str]:
    """The program's own files in the last traceback, in the order of the calls."""
    return re.findall(r'^ *File "([^"\n]+)"', user_frames(traceback_of(text)), re.MULTILINE)


def _relevant(text: str) -> str:
    return _IGNORED.sub("", _RANK_PREFIX.sub("", text))


def user_frames(details: str) -> str:
    """Leave out the frames of the interpreter's own runner: they explain nothing."""
    lines = details.splitlines()
    kept: list[str] = []
    skip = False
    for line in lines:
        if line.startswith('  File "'):
            skip = "<frozen runpy>" in line or "/training/launcher/" in line
        elif not line.startswith((" ", "\t")):
            skip = False
        if not skip:
            kept.append(line)
    return "\n".join(kept)


def users_own(details: str, code_dir: Path) -> str:
    """Of a traceback the frames of the user's code, and the deepest one: where it was called, and where it broke."""
    head, *frames = re.split(r'(?m)^(?=  File ")', details)
    if not frames:
        return details
    # What follows the last frame is the exception's own text
    last = re.match(r"(?:  .*\n?)+", frames[-1])
    end = "" if last is None else frames[-1][last.end() :]
    frames[-1] = frames[-1] if last is None else last[0]
    own = [frame.startswith(f'  File "{code_dir}/') for frame in frames]
    if not any(own):
        return details
    kept: list[str] = []
    for frame, is_own in zip(frames, [*own[:-1], True], strict=True):
        if is_own:
            kept.append(frame)
        elif kept[-1:] != [_LEFT_OUT]:
            kept.append(_LEFT_OUT)
    return f"{head}{''.join(kept)}{end}"


def place_of(text: str) -> tuple[str, str]:
    """The line that names the exception, and where it was raised: what tells one failure from another."""
    places = re.findall(r'^ *File "[^"\n]+", line \d+', traceback_of(text), re.MULTILINE)
    return last_line(text), places[-1].strip() if places else ""
