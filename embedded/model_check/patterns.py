"""The regular expressions of service models, which are Java's, as Python's."""

import functools
import re
import sys
import unicodedata
from collections.abc import Mapping

_BY_NAME = {
    "ASCII": r"\x00-\x7f",
    "Alnum": "A-Za-z0-9",
    "Alpha": "A-Za-z",
    "Digit": "0-9",
    "Graph": r"\x21-\x7e",
    "Print": r"\x20-\x7e",
    "Punct": r"!-/:-@\[-`{-~",
}
"""Java's classes of ASCII."""
_TOKEN = re.compile(r"\\p\{(\w+)\}|\\.|[\[\]]|.", re.DOTALL)
_LETTER_CLASS_THEN_DASH = re.compile(r"(\\[wds])-(?=[^\]])")
_ALL_PAIRS_OF_SURROGATES = r"\uD800\uDC00-\uDBFF\uDFFF"


@functools.cache
def compiled(java: str) -> re.Pattern[str]:
    """A pattern that Python understands as Java does; a value must match it as a whole."""
    # Java takes an anchor that is repeated, as in `(...)${1,256}`. The whole value is matched anyway.
    text = re.sub(r"\$\{\d+,\d+\}", "", java).replace(_ALL_PAIRS_OF_SURROGATES, r"\U00010000-\U0010ffff")
    # Java's `(?i)` counts from where it stands; ours for all. No model has a part before it whose case counts.
    flags = re.IGNORECASE if "(?i)" in text else 0
    text = text.replace("(?i)", "")
    return re.compile("".join(_pieces(_LETTER_CLASS_THEN_DASH.sub(r"\1\\-", text))), flags)


def _pieces(text: str) -> list[str]:
    pieces, in_class = [], False
    for found in _TOKEN.finditer(text):
        piece = r"\Z" if found[0] == r"\z" else found[0]
        if found[1] is not None:
            letters = _BY_NAME[found[1]] if found[1] in _BY_NAME else _of_category(found[1])
            piece = letters if in_class else f"[{letters}]"
        elif piece == "[":
            in_class, piece = True, r"\[" if in_class else "["
        elif piece == "]":
            in_class = False
        pieces.append(piece)
    return pieces


def _of_category(category: str) -> str:
    """The letters of a general category (`L`, `Zs`), as the ranges inside a character class."""
    ranges: list[tuple[int, int]] = []
    for code in sorted(code for name, codes in _by_category().items() if name.startswith(category) for code in codes):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


@functools.cache
def _by_category() -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = {}
    for code in range(sys.maxunicode + 1):
        found.setdefault(unicodedata.category(chr(code)), []).append(code)
    return found
