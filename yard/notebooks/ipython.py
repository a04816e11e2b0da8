"""IPython's own lines in a cell: which they are, found with Python's tokenizer, and the Python that takes their place.

A line is IPython's only where a statement begins: `%` within an expression, or `!` within a text, is Python.
"""

import ast
import io
import itertools
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_LAYOUT = (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.ENDMARKER, tokenize.INDENT, tokenize.DEDENT)
_CELL_MAGIC = re.compile(r"%%(\w+)[ \t]*(.*)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A statement's first line up to its last: of Python, or of IPython's own."""

    line: int
    """Its first line in the cell, from 1."""
    count: int
    """How many lines it has."""
    text: str
    indent: str = ""
    kind: str = "python"
    """`python`, `magic`, `shell` or `help`."""
    command: str = ""
    """What stands behind the sign, continued lines joined."""
    target: str = ""
    """The left side of an assignment: `files` in `files = !ls`."""


def cell_magic(source: str) -> tuple[str, str, str] | None:
    """The name, the argument and the body of a cell that begins with `%%`; None for another cell."""
    head, _, body = source.lstrip("\n").partition("\n")
    found = _CELL_MAGIC.fullmatch(head.rstrip())
    return None if found is None else (found[1], found[2], body)


def segments(source: str) -> Iterator[Segment]:
    """The statements of a cell, in order; together their lines are all lines of it."""
    lines, at = source.split("\n"), 0
    while at < len(lines):
        found = _special(lines, at)
        if found is None:
            count = 1
            while at + count < len(lines) and _is_open("\n".join(lines[at : at + count])):
                count += 1
            if at + count == len(lines) and _is_open("\n".join(lines[at:])):
                count = 1  # never closed, which the parser will say: what follows is looked at all the same
            found = Segment(line=at + 1, count=count, text="\n".join(lines[at : at + count]))
        yield found
        at += found.count


def rewritten(source: str, replace: Callable[[Segment], str]) -> str:
    """The cell with Python in place of IPython's lines; every statement stays on the line that it was on."""
    parts = []
    for one in segments(source):
        if one.kind == "python":
            parts.append(one.text)
            continue
        text = replace(one)
        if text == "pass":
            text = f"pass  # {one.text.strip()}"
        parts.append(one.indent + text + "\n" * max(one.count - 1 - text.count("\n"), 0))
    return "\n".join(parts)


def bound_names(source: str) -> set[str]:
    """The names that a cell binds anywhere; none of a cell that cannot be parsed."""
    try:
        tree = ast.parse(rewritten(source, lambda one: f"{one.target} = None" if one.target else "pass"))
    except (SyntaxError, ValueError):
        return set()
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return found


def _special(lines: list[str], at: int) -> Segment | None:
    """IPython's own statement at a line; None where Python's begins."""
    line = lines[at]
    stripped = line.lstrip()
    indent = line[: len(line) - len(stripped)]
    if stripped[:1] in ("%", "!"):
        text, count = _joined(lines, at)
        return _segment(at, count, text, indent, text.lstrip())
    if stripped.startswith("?") or _asks_for_help(stripped):
        return Segment(line=at + 1, count=1, text=line, indent=indent, kind="help", command=stripped.strip("? "))
    cut = _assigned_at(stripped)
    if cut is not None:
        text, count = _joined(lines, at)
        found = _segment(at, count, text, indent, text.lstrip()[cut:].lstrip())
        target = stripped[:cut].rstrip().removesuffix("=").rstrip()
        return Segment(
            line=found.line,
            count=found.count,
            text=found.text,
            indent=indent,
            kind=found.kind,
            command=found.command,
            target=target,
        )
    return None


def _segment(at: int, count: int, text: str, indent: str, said: str) -> Segment:
    kind = "shell" if said.startswith("!") else "magic"
    command = said.lstrip("!").strip() if kind == "shell" else said.lstrip("%").strip()
    return Segment(line=at + 1, count=count, text=text, indent=indent, kind=kind, command=command)


def _joined(lines: list[str], at: int) -> tuple[str, int]:
    """A line with those that a backslash at its end continues."""
    text, count = lines[at], 1
    while text.endswith("\\") and at + count < len(lines):
        text = text[:-1] + lines[at + count]
        count += 1
    return text, count


def _tokens(text: str) -> list[tokenize.TokenInfo]:
    """The tokens of a text as far as they go, without layout."""
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type not in _LAYOUT and not token.string.isspace():
                found.append(token)
    except (tokenize.TokenError, SyntaxError):
        pass
    return found


def _is_open(text: str) -> bool:
    """Whether a statement goes on behind the text: in a bracket, in a text of three quotes, behind a backslash."""
    if text.rstrip(" ").endswith("\\"):
        return True
    try:
        for _ in tokenize.generate_tokens(io.StringIO(text + "\n").readline):
            pass
    except tokenize.TokenError as error:
        return "EOF" in str(error) or "unterminated triple-quoted" in str(error)
    except SyntaxError:
        return False
    return False


def _asks_for_help(line: str) -> bool:
    if "?" not in line:
        return False
    tokens = _tokens(line)
    return bool(tokens) and tokens[-1].string in ("?", "??")


def _assigned_at(line: str) -> int | None:
    """Where the sign stands in `name = !command` or `name = %magic`; None for any other line."""
    if "!" not in line and "%" not in line:
        return None
    tokens = _tokens(line)
    for before, after in itertools.pairwise(tokens):
        if before.string == "=" and after.string in ("!", "%") and after.start[0] == 1:
            return after.start[1]
        if before.string in ("(", "[", "{", ":"):
            return None
    return None
