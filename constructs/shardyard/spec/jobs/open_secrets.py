"""Secrets that stand in the open: whether a variable's or an argument's name and value look like one.

A definition's values go into templates, requests, logs of executions and receipts. Names are read as words, so that
`max_tokens` and `tokenizer` are none; a value that clearly is no secret is none under any name.
"""

import re
from collections.abc import Iterable, Iterator

_WORDS = re.compile(r"[A-Z][A-Z0-9]*(?![a-z])|[A-Z]?[a-z][a-z0-9]*")
_ALWAYS = {"password", "passwd", "passphrase", "secret", "secrets", "apikey", "credential", "credentials", "pat"}
"""Last words of names that hold nothing else."""
_SECRET_KEYS = {"api", "access", "secret", "private", "auth", "account", "service", "signing", "encryption", "ssh"}
_SECRET_TOKENS = {
    *("access", "api", "app", "auth", "bearer", "bot", "ci", "deploy", "git", "github", "gitlab", "hf", "hub"),
    *("huggingface", "identity", "login", "oauth", "personal", "refresh", "security", "session", "slack", "wandb"),
}
_HARMLESS = {
    *("audio", "begin", "bos", "cache", "class", "cls", "column", "data", "end", "eos", "foreign", "group", "id"),
    *("image", "index", "input", "label", "labels", "mask", "max", "min", "new", "next", "num", "output", "pad"),
    *("partition", "prefix", "primary", "public", "s3", "sep", "sort", "special", "start", "stop", "suffix", "target"),
    *("text", "train", "trigger", "unk", "val", "video"),
}
"""What stands before `key` or `token` in names of columns, of objects and of a tokenizer's words."""
_SHORTEST = 8
_LOOKS_RANDOM = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9_\-+/=.]{16,}")
_NO_SECRET = re.compile(
    r"true|false|yes|no|on|off|none|null|[-+]?[\d.]+(?:e[-+]?\d+)?|<.*>|\[.*\]|/.*|\./.*|~.*|[a-z0-9]+://[^@]*",
    re.IGNORECASE,
)
"""Switches, numbers, a tokenizer's words, paths and addresses."""
_KNOWN = re.compile(
    r"(?:AKIA|ASIA)[0-9A-Z]{16}|hf_[A-Za-z0-9]{30,}|gh[opusr]_[A-Za-z0-9]{30,}|github_pat_\w{20,}|glpat-[\w-]{20,}"
    r"|xox[abprs]-[\w-]{10,}|sk-[\w-]{20,}|-----BEGIN [A-Z ]*PRIVATE KEY-----|[a-z][a-z0-9+]{0,30}://[^/\s:@]+:[^/\s@]+@"
)
"""What credentials of well-known services begin with, and an address with a password in it. Of a value of a megabyte
each place is tried as a beginning: none may read on for long."""


def is_open_secret(name: str, value: str) -> bool:
    """Whether this is, or would be, a secret that everyone can read."""
    if _KNOWN.search(value):
        return True
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or not value or value.lower() in ("true", "false", "none", "null", "yes", "no"):
        return False
    *before, last = words
    previous = before[-1] if before else ""
    if last in _ALWAYS:
        # A file with a password is read on the node, and its path tells nobody anything
        return not re.fullmatch(r"/.*|[a-z0-9]+://[^@]*", value)
    if last not in ("key", "keys", "token") or previous in _HARMLESS or _NO_SECRET.fullmatch(value):
        return False
    if previous in (_SECRET_TOKENS if last == "token" else _SECRET_KEYS):
        return True
    if name.isupper():
        # A variable of this form is one by custom: WANDB_KEY, TEAM_TOKEN
        return len(value) >= _SHORTEST and " " not in value
    return _LOOKS_RANDOM.fullmatch(value) is not None


def open_arguments(words: Iterable[str]) -> Iterator[str]:
    """The names of arguments that look like secrets: `--api-key=...`, `--api-key ...` and `api_key=...`."""
    option = ""
    for word in words:
        name, equals, value = word.partition("=")
        if equals and is_open_secret(name, value):
            yield name
        elif not equals and not word.startswith("-") and is_open_secret(option, word):
            yield option or "a word"
        option = word if word.startswith("-") and not equals else ""
