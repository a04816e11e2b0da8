"""What a shell line of a notebook becomes in a job: packages, a command, nothing, or a refusal with its reason."""

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from yard.notebooks.reading import Findings, listed

_NETWORK = {
    "apt": "packages of the system belong into the image: its Dockerfile in containers/",
    "apt-get": "packages of the system belong into the image: its Dockerfile in containers/",
    "aws": "data comes by a channel: [channels.NAME] s3 = ... in the job's file",
    "conda": "the image has no conda: write %pip install NAME==VERSION",
    "mamba": "the image has no conda: write %pip install NAME==VERSION",
    "git": "nodes have no way to the internet: put a copy beside the notebook",
    "kill": "the processes of a node belong to its launcher",
    "sudo": "there is no sudo in the image, and no need of it",
}
_DOWNLOADS = frozenset({"wget", "curl", "gdown", "kaggle", "gsutil", "azcopy", "huggingface-cli", "npm", "brew", "yum"})
_LOOKS = listed(
    "ls pwd cat head tail nvidia-smi free df du lscpu wc tree date whoami uname which echo nproc ps top "
    "file stat printenv env nvcc hostname lspci lsblk uptime"
)
_PIP_IGNORED = listed(
    "-q -qq -qqq --quiet -U --upgrade --user --no-cache-dir --disable-pip-version-check --force-reinstall "
    "-y --root-user-action=ignore --ignore-installed --no-warn-script-location --progress-bar=off"
)
_REQUIREMENT = re.compile(r"([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?(?:\[[\w,.-]+\])?)((?:===?|>=|<=|~=|!=|<|>)\S+)?")
_PARTS = re.compile(r"\{[^{}]+\}|\$[A-Za-z_]\w*|\{\{|\}\}")
_EVERYWHERE = ("/tmp", "/dev", "/opt/ml", "/proc", "/sys", "/usr", "/bin", "/etc")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a line stands, and what it may refer to."""

    cell: int
    line: int
    findings: Findings
    folder: Path
    """The notebook's."""
    names: frozenset[str]
    """What the notebook's Python binds."""

    def refuse(self, says: str) -> str:
        """Say why the line cannot be converted; what stands in its place meanwhile."""
        self.findings.refuse(self.cell, self.line, says)
        return "pass"

    def leave_out(self, says: str) -> str:
        """Say why nothing takes the line's place."""
        self.findings.note(self.cell, self.line, says)
        return "pass"


def statement(command: str, place: Place) -> str:
    """The Python for `!command`."""
    verdict = _verdict(command, place)
    if verdict is not None:
        return verdict
    return f"_shell({_as_text(command, place)})"


def lines_of(command: str, place: Place) -> str | None:
    """The Python for what `name = !command` gives; None where the line is refused."""
    words = _commands(command)
    if words and all(one[0] in _LOOKS for one in words):
        # what is only looked at is left out elsewhere; here the notebook works with the answer
        misplaced = _misplaced(words, place)
        if misplaced is not None:
            place.refuse(misplaced)
            return None
        return f"_shell_lines({_as_text(command, place)})"
    if _verdict(command, place) is not None:
        if not any(remark.cell == place.cell and remark.line == place.line for remark in place.findings.refusals):
            place.refuse(f"{command!r} gives nothing in a job that the notebook could go on with")
        return None
    return f"_shell_lines({_as_text(command, place)})"


def script(body: str, place: Place) -> str:
    """The Python for a cell that is a shell's script."""
    verdict = _verdict(body, place)
    if verdict is not None:
        return verdict
    quoted = f'r"""\n{body}"""' if '"""' not in body and not body.endswith(("\\", '"')) else repr(body)
    return f'_subprocess.run(["bash", "-c", {quoted}], check=True)'


def install(words: list[str], place: Place) -> str:
    """Take packages from the words behind `pip`."""
    if not words or words[0] != "install":
        return place.leave_out(f"pip {' '.join(words[:1])} is left out: the image's packages are fixed")
    rest, waiting = words[1:], list[tuple[str, str]]()
    while rest:
        word = rest.pop(0)
        if word in ("-r", "--requirement") and rest:
            waiting += _listed(rest.pop(0), place)
        elif found := _REQUIREMENT.fullmatch(word):
            waiting.append((found[1], found[2] or ""))
        elif word not in _PIP_IGNORED:
            return place.refuse(
                f"pip install {word}: only names of packages can be pinned (NAME, NAME==VERSION, -r FILE)"
            )
    for name, version in waiting:
        place.findings.packages[name] = version
    return place.leave_out(f"{', '.join(name for name, _ in waiting)} of pip install: packages of the image now")


def _listed(name: str, place: Place) -> Iterator[tuple[str, str]]:
    path = place.folder / name
    if not path.is_file():
        place.refuse(f"{name} is not beside the notebook")
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.partition("#")[0].replace(" ", "")
        if words:
            found = _REQUIREMENT.fullmatch(words)
            if found is None:
                place.refuse(f"{name} has the line {line.strip()!r}, and only names of packages can be pinned")
            else:
                yield found[1], found[2] or ""


def _verdict(command: str, place: Place) -> str | None:
    """What takes the place of a command that is not run as it is; None for one that is."""
    if not command.strip():
        return "pass"
    commands = _commands(command)
    if not commands:
        return place.refuse(f"{command!r} is no command that a shell could read")
    pips = [_pip(words) for words in commands]
    if all(words is not None for words in pips):
        said = [install(words, place) for words in pips if words is not None]
        return said[-1]
    for words, pip in zip(commands, pips, strict=True):
        if pip is not None:
            return place.refuse("pip install stands beside other commands: give it a line of its own")
        if words[0] in _DOWNLOADS:
            return place.refuse(
                f"{words[0]} needs the internet, which nodes have no way to: data comes by a channel (yard data put)"
            )
        if words[0] in _NETWORK:
            return place.refuse(f"{words[0]}: {_NETWORK[words[0]]}")
    if all(words[0] in _LOOKS for words in commands) and ">" not in command:
        return place.leave_out(f"{commands[0][0]} only shows something: left out")
    misplaced = _misplaced(commands, place)
    return None if misplaced is None else place.refuse(misplaced)


def _commands(command: str) -> list[list[str]]:
    """The words of each command of a line or a script, without variables set before them; none if quotes are open."""
    found: list[list[str]] = [[]]
    try:
        for line in command.replace("\\\n", " ").split("\n"):
            reader = shlex.shlex(line, posix=True, punctuation_chars=";&|")
            reader.whitespace_split, reader.commenters = True, "#"
            for word in reader:
                if set(word) <= set(";&|"):
                    found.append([])
                elif found[-1] or not re.match(r"[A-Za-z_]\w*=", word):
                    found[-1].append(word)
            found.append([])
    except ValueError:
        return []
    return [words for words in found if words]


def _pip(words: list[str]) -> list[str] | None:
    """The words behind pip; None for another command."""
    first = Path(words[0]).name
    if re.fullmatch(r"pip[\d.]*", first):
        return words[1:]
    python = re.fullmatch(r"python[\d.]*", first) or words[0] == "{sys.executable}"
    return words[3:] if python and words[1:3] == ["-m", "pip"] else None


def _misplaced(commands: list[list[str]], place: Place) -> str | None:
    """Why words of commands name what no container has: absolute paths, and files here that do not travel."""
    for word in (word for words in commands for word in words[1:]):
        here = word.strip("'\"")
        if here.startswith(("/", "~")) and not here.startswith(_EVERYWHERE):
            return f"{here} is a path of one machine: do it in Python, with a path that becomes a channel"
        known = here.removeprefix("./").rstrip("/")
        if known and not here.startswith("-") and "/" not in known[:1] and known not in place.findings.files:
            path = place.folder / known
            if len(known) < 200 and "\0" not in known and path.exists() and path.suffix != ".py":
                return f"{here} does not travel with the script: do it in Python, with a path that becomes a channel"
    return None


def _as_text(command: str, place: Place) -> str:
    """The command as a Python expression: `{name}` and `$name` of the notebook's own names are their values."""
    parts, at = [], 0
    for found in _PARTS.finditer(command):
        value = _value(found[0], place.names)
        if value is None or command[max(found.start() - 1, 0) : found.start()] == "$":
            continue
        parts += [repr(command[at : found.start()]), value] if found.start() > at else [value]
        at = found.end()
    if at < len(command) or not parts:
        parts.append(repr(command[at:]))
    return " + ".join(parts)


def _value(part: str, names: frozenset[str]) -> str | None:
    inner = part[1:-1] if part.startswith("{") else part[1:]
    try:
        tree = ast.parse(inner, mode="eval")
    except (SyntaxError, ValueError):
        return None
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return f"str({inner})" if used & names and not isinstance(tree.body, ast.Tuple) else None
