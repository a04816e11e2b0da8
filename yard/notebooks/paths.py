"""What becomes of the paths that a notebook names: channels, the model, the outputs, files that travel, refusals."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from yard.notebooks.edits import Edits
from yard.notebooks.path_uses import Use
from yard.notebooks.reading import Findings

_EVERYWHERE = re.compile(r"/(tmp|dev|proc|sys|etc|usr|bin|var/tmp|opt/ml)(/|$)")
_MACHINES = re.compile(
    r"~|/(home|Users|root|mnt|data|datasets|content|kaggle|Volumes|workspace|workspaces|scratch|media|srv|dbfs|gdrive|"
    r"projects|storage|nfs|efs|fsx|lustre|shared)(/|$)|[A-Za-z]:[\\/]"
)
_WHOLE_DISKS = re.compile(r"/|/(home|Users|mnt|media|srv|root|content|Volumes)/?|~/?")
"""What exists on many machines and is nobody's data."""
_CONFIG = (".yaml", ".yml", ".toml", ".ini", ".cfg", ".py")
_MOST_CONFIG_BYTES = 1_000_000
_KAGGLE = re.compile(r"/kaggle/input/([^/]+)")
_WORKING = re.compile(r"/kaggle/working/?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What a person says of paths."""

    channels: Mapping[str, str] = field(default_factory=dict)
    """By the channel's name, the file or folder that it stands for."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """By the path as the notebook writes it: `model` or `output`."""


@dataclass(kw_only=True, slots=True)
class Places:
    """Where the script finds what the notebook named by path."""

    channels: dict[str, str] = field(default_factory=dict)
    """By the channel's name, what to put there: a folder here, or a place in S3."""
    uses_model: bool = False
    uses_output: bool = False
    folders: set[str] = field(default_factory=set)
    """Folders to make before the program writes: expressions of the script."""


def place(uses: Sequence[Use], edits: Mapping[int, Edits], folder: Path, given: Given, findings: Findings) -> Places:
    """Change every path that the notebook names into one that a container has; refuse what cannot be told."""
    mapping = _Mapping(uses=uses, folder=folder, given=given, findings=findings, places=Places())
    for use in uses:
        root = mapping.root(use)
        if root is not None:
            _put(use, root, edits[use.cell], findings)
    return mapping.places


@dataclass(frozen=True, kw_only=True, slots=True)
class _Root:
    """The part of a path that a name of the script takes the place of."""

    name: str
    length: int
    """How many letters of the text it is."""
    rest: str | None = None
    """What follows the name instead of the text's own rest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mapping:
    """All paths of a notebook, which are decided together: what one cell writes is no input of the next."""

    uses: Sequence[Use]
    folder: Path
    given: Given
    findings: Findings
    places: Places

    def root(self, use: Use) -> _Root | None:
        """What takes a path's place; None for one that stays, or is refused."""
        text = use.text
        for name, path in self.given.channels.items():
            if _is_below(text, path):
                return self._channel(name, path, path, text)
        kept = next((self.given.kept[path] for path in self.given.kept if _is_below(text, path)), None)
        if kept is None and "write" in self._kinds(text):
            kept = "model" if "model" in self._kinds(text) else "output"
        if "://" in text:
            return self._address(use)
        if _EVERYWHERE.match(text) and not text.startswith("/opt/ml/input/data/"):
            return None
        if kept is not None:
            return self._kept(kept, text)
        found = _KAGGLE.match(text)
        if found is not None and (use.kinds or use.is_whole):
            return self._channel(_clean(found[1]), found[0], found[0], text)
        return self._input(use)

    def _kinds(self, text: str) -> set[str]:
        """What the notebook does with a path, and with what lies in the same folder."""
        own = _normal(text)
        top = own.partition("/")[0] if "/" in own and not own.startswith("/") else own
        found: set[str] = set()
        for other in self.uses:
            path = _normal(other.text)
            same = path == own or (top not in ("", ".", "..") and not own.startswith("/") and _is_below(path, top))
            if same and ("write" in other.kinds or path == own):
                found |= other.kinds
        return found

    def _kept(self, kept: str, text: str) -> _Root:
        name = "MODEL_DIR" if kept == "model" else "OUTPUT_DIR"
        if kept == "model":
            self.places.uses_model = True
        else:
            self.places.uses_output = True
        if _WORKING.match(text):
            rest = _WORKING.sub("", text)
        else:
            absolute = text.startswith(("/", "~")) or re.match(r"[A-Za-z]:", text)
            rest = re.split(r"[/\\]", text.rstrip("/\\"))[-1] if absolute else re.sub(r"^(\.{1,2}/)+", "", text)
        inside = (PurePosixPath(rest) if not PurePosixPath(rest).suffix else PurePosixPath(rest).parent).as_posix()
        if inside not in (".", "/"):
            self.places.folders.add(f"_os.path.join({name}, {inside!r})")
        return _Root(name=name, length=len(text), rest=f"/{rest}" if rest.strip(".") else "")

    def _address(self, use: Use) -> _Root | None:
        if use.text.startswith("s3://") and "write" not in use.kinds:
            bucket, _, key = use.text.removeprefix("s3://").partition("/")
            parent = key if use.is_whole and not PurePosixPath(key).suffix else key.rpartition("/")[0]
            root = f"s3://{bucket}/{parent}".rstrip("/")
            name = _clean(PurePosixPath(parent).name or bucket)
            return self._channel(name, root, f"{root}/", use.text)
        if "write" in use.kinds and use.text.startswith("s3://"):
            self._refuse(use, f"{use.text} is written to: what a job leaves is kept in S3 as its model and its outputs")
        elif "read" in use.kinds and use.text.startswith(("http://", "https://", "gs://")):
            self._refuse(
                use,
                f"{use.text} is on the internet, which nodes have no way to: download it, and give it a channel "
                "(--channel NAME=PATH)",
            )
        return None

    def _input(self, use: Use) -> _Root | None:
        """A path that is read, or whose use only running would tell."""
        text, known = use.text, bool(use.kinds & {"read", "path"})
        # Of a path that goes on, or has wildcards, the folder is what can be there
        told = text if use.is_whole and re.search(r"[*?\[]", text) is None else os.path.dirname(text)
        here = self.folder / os.path.expanduser(told)
        looks = "/" in text or bool(PurePosixPath(text).suffix) or known
        is_anyones = text.startswith("/") and not known and not _MACHINES.match(text)
        if looks and not is_anyones and not _WHOLE_DISKS.fullmatch(told) and _exists(here):
            return self._found(use, here)
        if _MACHINES.match(text) or ("read" in use.kinds and (known and use.is_whole)):
            reason = "is a path of one machine" if _MACHINES.match(text) else "is not beside the notebook"
            self._refuse(
                use,
                f"{text} {reason}: say which channel it is (--channel NAME={text}), or, if it is written, "
                f"--keep {text}=model or --keep {text}=output",
            )
        return None

    def _found(self, use: Use, here: Path) -> _Root | None:
        text = use.text
        relative = not text.startswith(("/", "~"))
        inside = os.path.normpath(text)
        is_config = use.is_whole and here.is_file() and here.suffix in _CONFIG
        if is_config and relative and not inside.startswith("..") and here.stat().st_size <= _MOST_CONFIG_BYTES:
            self.findings.files.setdefault(inside, here.read_bytes())
            return None
        folder = text if use.is_whole and here.is_dir() and "*" not in text else text.rpartition("/")[0]
        if relative:
            parts = re.match(r"((?:\.{1,2}/)*)([^/]+)", folder)
            if parts is None or parts[2].strip(".") == "":  # a file beside the notebook
                return self._channel("input", "", str(self.folder), text)
            root = parts[0]
            return self._channel(_clean(parts[2]), root, os.path.normpath(self.folder / root), text)
        return self._channel(_clean(PurePosixPath(folder).name or "root"), folder, os.path.expanduser(folder), text)

    def _channel(self, name: str, root: str, source: str, text: str) -> _Root:
        length = len(root) if text.startswith(root) else len(text)
        if self.places.channels.setdefault(name, source) != source:
            name = f"{name}_{len(self.places.channels)}"
            self.places.channels[name] = source
        rest = None
        if not root:  # a file beside the notebook
            rest = f"/{text.removeprefix('./')}"
        elif not text.startswith(root):
            rest = _normal(text).removeprefix(_normal(root))
        elif _normal(text) == _normal(root) and "." in PurePosixPath(root).name and name in self.given.channels:
            rest = f"/{PurePosixPath(root).name}"  # a channel that is one file
        return _Root(name=constant_of(name), length=length, rest=rest)

    def _refuse(self, use: Use, says: str) -> None:
        self.findings.refuse(use.cell, use.node.lineno, says)


def constant_of(channel: str) -> str:
    """The script's name for a channel's folder."""
    return f"CHANNEL_{re.sub(r'[^A-Za-z0-9]', '_', channel).upper()}"


def _put(use: Use, root: _Root, edits: Edits, findings: Findings) -> None:
    """Write the script's expression in a path's place."""
    if use.is_whole:
        rest = use.text[root.length :] if root.rest is None else root.rest
        plain = json.dumps(rest, ensure_ascii=False)[1:-1]
        if not rest:
            edits.replace(use.node, root.name)
        elif plain == rest and "{" not in rest and "}" not in rest and rest.startswith("/"):
            edits.replace(use.node, f'f"{{{root.name}}}{rest}"')
        else:
            edits.replace(use.node, f"({root.name} + {rest!r})")
        return
    start, end = edits.span(use.node)
    source = edits.source.encode()[start:end].decode()
    opening = re.match(r"""[A-Za-z]{1,2}('''|\"\"\"|'|")""", source)
    if opening is None or not source[opening.end() :].startswith(use.text):
        findings.refuse(use.cell, use.node.lineno, f"{source}: begin the path with its name as it is, without escapes")
        return
    kept = (
        source[opening.end() + root.length :]
        if root.rest is None
        else root.rest + source[opening.end() + len(use.text) :]
    )
    edits.replace(use.node, f"({root.name} + {opening[0]}{kept})")


def _is_below(text: str, path: str) -> bool:
    own, above = _normal(text), _normal(path)
    return own == above or own.startswith(f"{above.rstrip('/')}/")


def _normal(path: str) -> str:
    return path if "://" in path else os.path.normpath(path)


def _clean(name: str) -> str:
    """A name as a channel may have it."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "input"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def to_put(channels: Mapping[str, str], job: str, notebooks: Path) -> Iterator[str]:
    """How data comes to each channel, a sentence each: a folder goes up whole, so a file needs one of its own."""
    for name, source in channels.items():
        if source.startswith("s3://"):
            continue
        command = f"yard data put {{}} --job {job} --channel {name}"
        if Path(source).is_file():
            how = f"copy {source} into a folder of its own, then: {command.format('FOLDER')}"
        elif Path(source) == notebooks:
            how = f"copy what it reads beside the notebook into a folder, then: {command.format('FOLDER')}"
        else:
            how = command.format(source)
        yield f"its channel {name!r} is empty: {how}"
