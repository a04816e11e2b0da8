"""`yard notebook convert`: a notebook becomes a script, its job's file and, where it needs one, an image."""

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from contract.hyperparameters import Scalar
from shardyard.spec.errors import SpecError
from shardyard.spec.jobs.launched import JOB_NAME, JOB_NAME_SAYS
from shardyard.spec.product import product_root
from yard.errors import UserError, writing
from yard.images import new_image
from yard.notebooks import cells, packages, paths, reading, script
from yard.notebooks.paths import Given
from yard.notebooks.reading import Findings, Notebook, Remark
from yard.project import Project
from yard.starter.script import reading as script_reading
from yard.starter.script.job_file import definition, image_table, not_listed
from yard.starter.script.reading import Script

_CHANNEL = r"[a-z][a-z0-9_]{0,40}"
_TEMPLATE = "pytorch"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a person asks for."""

    notebook: Path
    name: str
    """The job's."""
    folder: Path | None = None
    """Where the script goes; by default code/NAME."""
    image: str | None = None
    """A folder of containers/ that has the packages; by default the project's, or a new one."""
    python: Path | None = None
    """The interpreter whose packages are pinned."""
    required: Mapping[str, str] = field(default_factory=dict)
    """Versions of packages that are not installed here, as pip writes them."""
    given: Given = field(default_factory=Given)


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """What a conversion wrote."""

    files: tuple[Path, ...]
    notes: tuple[Remark, ...]
    """What is different in the script."""
    to_do: tuple[str, ...]
    """What is left before a launch, in this order."""


class NotConvertedError(UserError):
    """Cells that cannot be converted, each with its reason."""

    def __init__(self, notebook: Path, refusals: Sequence[Remark]) -> None:
        listed = "\n".join(f"  {remark}" for remark in refusals)
        super().__init__(
            f"{notebook.name} is not converted, and nothing is written:\n{listed}",
            "Change these cells, or tag those `skip` that the job does not need.",
        )
        self.refusals = tuple(refusals)


def convert(project: Project, wanted: Wanted) -> Conversion:
    """Convert a notebook; raises NotConvertedError with every reason, and leaves nothing half-written."""
    target = _target(project, wanted)
    notebook, findings = reading.read(wanted.notebook), Findings()
    _look_at_whole(notebook, findings)
    converted = cells.convert(notebook, wanted.given, findings)
    pins = packages.find(converted.trees, notebook, findings, python=wanted.python, required=wanted.required)
    if findings.refusals:
        raise NotConvertedError(wanted.notebook, reading.in_order(findings.refusals))
    entry = "train.py" if "train.py" not in findings.files else f"{wanted.name}.py"
    files = {**findings.files, entry: script.write(notebook, converted).encode()}
    found = _read_back(files, entry)
    missing = [f"{name}=={pins[name]}" for name in not_listed(project, target, found, list(pins), wanted.image)]
    new = wanted.name if missing and wanted.image is None else None
    image = image_table(project, found) if wanted.image is None else f'[image]\nfolder = "{wanted.image}"'
    text = definition(
        wanted.name,
        found,
        description=f"{notebook.path.name}, as yard notebook convert wrote it",
        image=image if new is None else f'[image]\nfolder = "{new}"',
        folder=target.relative_to(project.root).as_posix(),
        entry=entry,
        places={name: place for name, place in converted.places.channels.items() if place.startswith("s3://")},
        values=_values(found),
    )
    job_file = project.root / project.settings.training.jobs / f"{wanted.name}.toml"
    with _all_or_nothing() as made:
        _write(made, target, files)
        if new is not None:
            _write_image(project, made, new, missing)
        _write(made, job_file.parent, {job_file.name: text.encode()})
        project.job(wanted.name)
    notes = [*findings.notes, *_differing(project, pins, new)]
    to_do = [
        *(f"{entry}, line {advice.line}: {advice.says}" for advice in found.advice),
        *(
            [f"containers/{wanted.image} does not list {', '.join(missing)}: add them to its requirements.txt"]
            if missing and new is None
            else []
        ),
        # a first deploy makes the repository and the bucket that the rest goes to
        f"check it and deploy: yard check {wanted.name}; {project.deploy}",
        *([f"push its image: yard image push {new}"] if new is not None else []),
        *paths.to_put(converted.places.channels, wanted.name, notebook.path.parent),
    ]
    return Conversion(files=tuple(made), notes=tuple(reading.in_order(notes)), to_do=tuple(to_do))


def _target(project: Project, wanted: Wanted) -> Path:
    """Where the script goes; everything that can be refused before the notebook is read."""
    name, jobs = wanted.name, project.root / project.settings.training.jobs
    target = (project.root / "code" / name if wanted.folder is None else wanted.folder).resolve()
    if re.fullmatch(JOB_NAME, name) is None:
        raise UserError(f"{name!r} is no name for a job.", f"It has {JOB_NAME_SAYS}.")
    for path in (jobs / f"{name}.toml", target):
        if path.exists() and (path.is_file() or any(path.iterdir())):
            raise UserError(f"{path} is there already.", "Choose another name, or remove it first.")
    if not target.is_relative_to(project.root):
        raise UserError(
            f"{target} is no folder of the project {project.root}.", "Name one inside of it: --to code/NAME"
        )
    if wanted.image is not None and not (project.root / "containers" / wanted.image / "requirements.txt").is_file():
        raise UserError(f"There is no containers/{wanted.image}/requirements.txt.", "See what there is: ls containers")
    for channel in wanted.given.channels:
        if re.fullmatch(_CHANNEL, channel) is None:
            raise UserError(f"{channel!r} is no name for a channel.", "It has small letters, digits and underscores.")
    return target


def _look_at_whole(notebook: Notebook, findings: Findings) -> None:
    if not notebook.language.startswith(("python", "ipython")):
        raise NotConvertedError(
            notebook.path,
            [Remark(cell=0, line=None, says=f"its kernel speaks {notebook.language}: a job's script is Python")],
        )
    if not any(cell.source.strip() for cell in notebook.code):
        findings.refuse(0, None, "no cell of it has code, or all of them are tagged `skip`")
    for cell in notebook.cells:
        if cell.kind == "raw" and cell.source.strip():
            findings.note(cell.number, None, "a raw cell is no code: left out")
        if cell.kind == "code" and "skip" in cell.tags:
            findings.note(cell.number, None, "it is tagged `skip`: left out")


def _read_back(files: Mapping[str, bytes], entry: str) -> Script:
    """What `yard init job` would say of the script."""
    with tempfile.TemporaryDirectory(prefix="yard-notebook-") as scratch:
        _write([], Path(scratch), files)
        return script_reading.read(Path(scratch) / entry)


def _values(found: Script) -> dict[str, Scalar]:
    """The defaults of the notebook's parameters: they are the job's hyperparameters."""
    return {
        option.name.removeprefix("--"): option.default
        for option in found.options
        if option.is_hyperparameter and isinstance(option.default, bool | int | float | str)
    }


@contextmanager
def _all_or_nothing() -> Iterator[list[Path]]:
    """Gather what is written, and take it away again where anything fails."""
    made: list[Path] = []
    try:
        yield made
    except BaseException as error:
        for path in reversed(made):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        if isinstance(error, SpecError):
            raise UserError(
                f"The job would not be sound, and nothing is written: {error}", "Correct the notebook."
            ) from None
        raise


def _write(made: list[Path], folder: Path, files: Mapping[str, bytes]) -> None:
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    if new:
        made.append(new[-1])
    for name, content in files.items():
        path = folder / name
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            made.append(path)
            path.write_bytes(content)


def _write_image(project: Project, made: list[Path], name: str, missing: Sequence[str]) -> None:
    folder = project.root / "containers" / name
    if folder.exists():
        raise UserError(
            f"{folder} is there already, and does not list {', '.join(missing)}.",
            f"Add them to its requirements.txt, then: --image {name}",
        )
    if not folder.parent.exists():
        made.append(folder.parent)
    made.append(folder)
    new_image(project.root, name, _TEMPLATE)
    lists = folder / "requirements.txt"
    with writing(lists):
        lists.write_text("\n".join([lists.read_text(encoding="utf-8").rstrip(), "", "# The notebook's", *missing, ""]))


def _differing(project: Project, pins: Mapping[str, str], new: str | None) -> Iterator[Remark]:
    """Packages that the image has in another version than the notebook ran with."""
    folder = project.root / "containers" / (new or _TEMPLATE)
    folder = folder if folder.is_dir() else product_root() / "containers" / _TEMPLATE
    pinned = re.findall(r"^([\w.-]+)==(\S+)", (folder / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    has = {_plain(name): version for name, version in pinned}
    for name, version in pins.items():
        there = has.get(_plain(name))
        if there is not None and there != version:
            yield Remark(cell=0, line=None, says=f"{name} is {version} here and {there} in the image, which counts")


def _plain(package: str) -> str:
    """A package's name as indexes compare it."""
    return package.partition("[")[0].lower().replace("_", "-")


def as_json(remarks: Sequence[Remark]) -> list[dict[str, object]]:
    """Remarks for a program."""
    return [{"cell": one.cell or None, "line": one.line, "says": one.says} for one in remarks]


def pairs(option: str, words: Sequence[str], example: str) -> dict[str, str]:
    """`NAME=VALUE` of an option that may be given several times."""
    found = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not name or not sign or not value:
            raise UserError(f"{option} {word!r} has no name and value.", f"Write it so: {option} {example}")
        found[name] = value
    return found


def requirements(words: Sequence[str]) -> dict[str, str]:
    """`NAME==VERSION` of --require."""
    found = {}
    for word in words:
        given = re.fullmatch(r"([A-Za-z0-9][\w.-]*(?:\[[\w,.-]+\])?)(==[\w.!+-]+)", word)
        if given is None:
            raise UserError(f"--require {word} names no exact version.", "Write it so: --require pandas==2.3.3")
        found[given[1]] = given[2]
    return found
