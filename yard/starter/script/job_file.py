"""The job file for a script: what its source says is written down, what it does not say is a comment with its line."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from contract.requirements import names_packages
from shardyard.spec.jobs.job import JOB_NAME, JOB_NAME_SAYS
from shardyard.spec.product import product_root
from yard.errors import UserError, writing
from yard.project import Project
from yard.starter.files import ON_AWS_IMAGE
from yard.starter.script.options import Option
from yard.starter.script.reading import Script, read


def begin_job(project: Project, name: str, script: Path) -> tuple[Path, list[str]]:
    """Write jobs/NAME.toml; return its path and what is left to do, a sentence each."""
    path = project.root / project.settings.training.jobs / f"{name}.toml"
    code = script.resolve()
    if re.fullmatch(JOB_NAME, name) is None:
        raise UserError(f"{name!r} is no name for a job.", f"It has {JOB_NAME_SAYS}.")
    if path.exists():
        raise UserError(f"{path} is there already.", "Choose another name, or remove it first.")
    if not code.is_file() or not code.is_relative_to(project.root):
        raise UserError(f"{script} is no file of the project {project.root}.", "Copy the script into it first.")
    found = read(code)
    folder = code.parent.relative_to(project.root).as_posix()
    text = "\n".join([*_head(project, folder, code, found), *_tables(name, found), ""])
    with writing(path):
        path.write_text(text, encoding="utf-8")
    return path, list(_to_do(project, name, code, found))


def _head(project: Project, folder: str, code: Path, found: Script) -> Iterator[str]:
    yield f'description = "{code.name}, as yard init job read it"'
    yield ""
    yield _image(project)
    yield ""
    yield "[source]"
    yield f"dir = {json.dumps(folder)}"
    yield ""
    yield "[program]"
    yield f"entry = {json.dumps(code.name)}"
    if found.ranks is not None:
        yield f'launcher = "torchrun"           # line {found.ranks}: it is a rank of a group'
    else:
        yield 'launcher = "plain"              # no sign of a process group: more nodes would train copies of it'
    yield from _arguments(found.options)
    yield ""
    yield "[compute]"
    gpu = found.uses_gpu is not None
    why = f"line {found.uses_gpu} uses CUDA" if gpu else "it names no CUDA"
    yield f'instance_type = "{"ml.g5.xlarge" if gpu else "ml.m5.xlarge"}"   # {why}; yours to choose'
    yield "count = 1"


def _image(project: Project) -> str:
    folder = _image_folder(project)
    return ON_AWS_IMAGE if folder is None else f'[image]\nfolder = "{folder}"'


def _image_folder(project: Project) -> str | None:
    """The project's PyTorch image, else its first; None for a project without images."""
    folders = sorted(path.parent.name for path in (project.root / "containers").glob("*/Dockerfile"))
    return "pytorch" if "pytorch" in folders else next(iter(folders), None)


def _arguments(options: Sequence[Option]) -> Iterator[str]:
    """Flags, lists and positions are words; hyperparameters cannot write them."""
    others = [option for option in options if not option.is_hyperparameter]
    if not others:
        return
    yield "# arguments = []                # words as they are, before the hyperparameters:"
    for option in others:
        default = "" if option.default is None else f", default {option.default}"
        needed = ", required" if option.required else ""
        yield f"#   {option.name} ({option.kind}, line {option.line}{default}{needed})"


def _tables(name: str, found: Script) -> Iterator[str]:
    for channel in found.channels:
        yield from ("", f"[channels.{channel}]", f's3 = "{name}/{channel}/"')
    known = [option for option in found.options if option.is_hyperparameter]
    if known:
        yield ""
        yield "[hyperparameters]               # each becomes --name value; the script's own defaults as comments"
    for option in known:
        key, value = option.name.removeprefix("--"), option.default
        if isinstance(value, bool | int | float | str):
            yield f"# {key} = {json.dumps(value)}  # line {option.line}"
        else:
            said = "required" if option.required else "its default is only known when it runs"
            yield f"# {key} =   # line {option.line}: {said}"


def _to_do(project: Project, name: str, code: Path, found: Script) -> Iterator[str]:
    for option in found.options:
        if option.required:
            where = "[hyperparameters]" if option.is_hyperparameter else "program.arguments"
            yield f"line {option.line}: {option.name} is required: give it in {where} of jobs/{name}.toml"
    for advice in found.advice:
        yield f"line {advice.line}: {advice.says}"
    missing = _missing(project, code, found.packages)
    if missing:
        yield f"its image does not list {', '.join(missing)}: name them in {code.parent.name}/requirements.txt"
    for channel in found.channels:
        yield f"its channel {channel!r} is empty: yard data put FOLDER --job {name} --channel {channel}"


def _missing(project: Project, code: Path, packages: Sequence[str]) -> list[str]:
    """What neither the image's list nor one beside the script names."""
    own = _image_folder(project)
    image = project.root / "containers" / own if own is not None else product_root() / "containers" / "pytorch"
    lists = [path for path in (code.parent / "requirements.txt", image / "requirements.txt") if path.is_file()]
    listed = b"\n".join(names_packages(path.read_bytes()) for path in lists).decode()
    has = {re.split(r"[^\w.-]", line)[0].lower().replace("_", "-") for line in listed.splitlines()}
    return [package for package in packages if package.lower().replace("_", "-") not in has]
