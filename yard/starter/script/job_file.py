"""The job file for a script: what its source says is written down, what it does not say is a comment with its line."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from contract.hyperparameters import Scalar
from contract.requirements import names_packages
from shardyard.spec.jobs.launched import JOB_NAME, JOB_NAME_SAYS
from shardyard.spec.product import product_root
from yard.errors import UserError, writing
from yard.project import Project
from yard.starter.files import ON_AWS_IMAGE, TENSORFLOW_ON_AWS_IMAGE
from yard.starter.script.options import Option
from yard.starter.script.reading import Script, read

_RESULTS = re.compile(r"(out|output|save|ckpt|checkpoint|log|logging|result)s?([-_]?(dir|path|folder|root))?")
_KEPT = {
    "log": "/opt/ml/output/data",
    "result": "/opt/ml/output/data",
    "c": "/opt/ml/checkpoints",
    "": "/opt/ml/model",
}
"""Where what an option names is kept, by how its name begins."""
_MODEL_DIRS = ("model_dir", "model-dir")


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
    description = f"{code.name}, as yard init job read it"
    text = definition(
        name, found, description=description, image=image_table(project, found), folder=folder, entry=code.name
    )
    with writing(path):
        path.write_text(text, encoding="utf-8")
    return path, list(_to_do(project, name, code, found))


def definition(
    name: str,
    found: Script,
    *,
    description: str,
    image: str,
    folder: str,
    entry: str,
    places: Mapping[str, str] = MappingProxyType({}),
    values: Mapping[str, Scalar] = MappingProxyType({}),
) -> str:
    """The text of a job's file: `places` are channels that lie elsewhere, `values` hyperparameters that are set."""
    head = _head(found, description=description, image=image, folder=folder, entry=entry)
    return "\n".join([*head, *_tables(name, found, places, values), ""])


def _head(found: Script, *, description: str, image: str, folder: str, entry: str) -> Iterator[str]:
    yield f"description = {json.dumps(description, ensure_ascii=False)}"
    yield ""
    yield image
    yield ""
    yield "[source]"
    yield f"dir = {json.dumps(folder)}"
    yield ""
    yield "[program]"
    yield f"entry = {json.dumps(entry)}"
    if found.strategy is not None and found.tensorflow:
        yield f'launcher = "tensorflow"         # line {found.strategy}: it is a task of a cluster'
    elif found.ranks is not None:
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


def image_table(project: Project, found: Script) -> str:
    """The image that a new job runs: one of the project's, or one of AWS."""
    folder = _image_folder(project, found)
    if folder is not None:
        return f'[image]\nfolder = "{folder}"'
    return TENSORFLOW_ON_AWS_IMAGE if found.tensorflow else ON_AWS_IMAGE


def _image_folder(project: Project, found: Script) -> str | None:
    """The project's image of the script's framework, else its first; None for AWS's own.

    The image for TensorFlow has no CUDA: a script that names GPUs takes AWS's.
    """
    folders = sorted(path.parent.name for path in (project.root / "containers").glob("*/Dockerfile"))
    if found.tensorflow:
        return "tensorflow" if "tensorflow" in folders and found.uses_gpu is None else None
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
        yield f"#   {option.name} ({option.kind}, {_of_line(option)}{default}{needed})"


def _tables(name: str, found: Script, places: Mapping[str, str], values: Mapping[str, Scalar]) -> Iterator[str]:
    for channel in found.channels:
        yield from ("", f"[channels.{channel}]", f"s3 = {json.dumps(places.get(channel, f'{name}/{channel}/'))}")
    known = [option for option in found.options if option.is_hyperparameter]
    if known:
        yield ""
        yield "[hyperparameters]               # each becomes --name value; the script's own defaults as comments"
    for option in known:
        key, value = option.name.removeprefix("--"), option.default
        if key in values:
            yield f"{key} = {json.dumps(values[key], ensure_ascii=False)}"
        elif found.tensorflow and key in _MODEL_DIRS:
            yield f'{key} = "/opt/ml/model"  # line {option.line}: version 2 of the SDK gave it to every script'
        elif isinstance(value, bool | int | float | str):
            yield f"# {key} = {json.dumps(value)}  # {_of_line(option)}"
        elif option.required:
            yield f"# {key} =   # {_of_line(option, 'required')}"
        else:
            said = "its default is only known when it runs" if option.is_computed else "none unless it is given"
            yield f"# {key} =   # {_of_line(option, said)}"


def _of_line(option: Option, *more: str) -> str:
    """Where it stands, and its type or the values that it takes."""
    takes = " or ".join(option.choices) if option.choices else option.type
    said = [*([] if takes is None or option.kind == "flag" else [takes]), *more]
    return f"line {option.line}{': ' if said else ''}{', '.join(said)}"


def _to_do(project: Project, name: str, code: Path, found: Script) -> Iterator[str]:
    for option in found.options:
        if option.required and not (found.tensorflow and option.name.removeprefix("--") in _MODEL_DIRS):
            where = "[hyperparameters]" if option.is_hyperparameter else "program.arguments"
            yield f"line {option.line}: {option.name} is required: give it in {where} of jobs/{name}.toml"
    yield from _lost(found.options)
    for advice in found.advice:
        yield f"line {advice.line}: {advice.says}"
    missing = not_listed(project, code.parent, found, found.packages)
    if missing:
        yield f"its image does not list {', '.join(missing)}: name them in {code.parent.name}/requirements.txt"
    for channel in found.channels:
        yield f"its channel {channel!r} is empty: yard data put FOLDER --job {name} --channel {channel}"


def _lost(options: Sequence[Option]) -> Iterator[str]:
    """Options that name a place for results beside the code."""
    for option in options:
        name, place = option.name.removeprefix("--"), option.default
        about = _RESULTS.fullmatch(name)
        if about is None or not option.is_hyperparameter or not isinstance(place, str):
            continue
        if place and not place.startswith(("/", "~")) and "://" not in place:
            kept = next(folder for begin, folder in _KEPT.items() if about[1].startswith(begin))
            more = ", with [checkpoints] enabled = true" if kept.endswith("checkpoints") else ""
            yield (
                f"line {option.line}: {option.name} is {place!r} beside the code, which is lost with the node: "
                f'{name} = "{kept}" in [hyperparameters]{more}'
            )


def not_listed(
    project: Project, beside: Path, found: Script, packages: Sequence[str], image: str | None = None
) -> list[str]:
    """Which of the packages neither an image's lists name, by default the project's, nor one beside the script."""
    own = _image_folder(project, found) if image is None else image
    ours = product_root() / "containers" / ("tensorflow" if found.tensorflow else "pytorch")
    folder = ours if own is None else project.root / "containers" / own
    named = (beside / "requirements.txt", folder / "requirements.txt", folder / "requirements-alone.txt")
    lists = [path for path in named if path.is_file()]
    lines = b"\n".join(names_packages(path.read_bytes()) for path in lists).decode()
    has = {re.split(r"[^\w.-]", line)[0].lower().replace("_", "-") for line in lines.splitlines()}
    if "tensorflow-cpu" in has:
        has |= {"tensorflow", "keras"}
    return [one for one in packages if one.partition("[")[0].lower().replace("_", "-") not in has]
