"""What is handed in: a data set with the model and its code, and a notebook that makes the submission of them."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shardyard.spec.jobs.code.files import source_files
from shardyard.spec.jobs.job import JobSpec
from yard.errors import UserError, writing
from yard.handin import rules
from yard.handin.rules import Verdict
from yard.notebooks import cells, reading, script
from yard.notebooks.paths import Given
from yard.notebooks.reading import Cell, Findings
from yard.notebooks.writing import write_notebook
from yard.project import Project
from yard.starter.script import reading as script_reading

MARK = "shardyard-model.json"
"""Names the run in the data set, and by it the notebook finds the data set wherever it is mounted."""
_CODE = "infer.py"
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class HandIn:
    """The folders of one hand-in."""

    folder: Path
    slug: str
    """The data set's name."""
    competition: str
    user: str

    @property
    def dataset(self) -> Path:
        """What becomes the data set."""
        return self.folder / "dataset"

    @property
    def notebook(self) -> Path:
        """What becomes the notebook, with its metadata."""
        return self.folder / "notebook"

    @property
    def output(self) -> Path:
        """What the notebook wrote when it ran here."""
        return self.folder / "output"


def check_names(competition: str, user: str) -> None:
    """Refuse what is no name on Kaggle before anything is made."""
    for option, given in (("--competition", competition), ("--user", user)):
        if _SLUG.fullmatch(given.lower()) is None:
            raise UserError(
                f"{option} {given!r} is no name on Kaggle.", "Take it from the page's address, as in titanic."
            )


def prepare(hand_in: HandIn) -> None:
    """Make the folders anew; only a folder that an earlier hand-in made is emptied."""
    folder = hand_in.folder
    if folder.exists() and any(folder.iterdir()) and not (folder / "notebook/kernel-metadata.json").is_file():
        raise UserError(f"{folder} is there already, and is no hand-in.", "Name another folder: --to DIR")
    for one in (hand_in.dataset, hand_in.notebook, hand_in.output):
        with writing(one):
            shutil.rmtree(one, ignore_errors=True)
            one.mkdir(parents=True)
    # It holds a model: neither git nor what packs a job's code shall take it along
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")


def add_dataset(hand_in: HandIn, project: Project, spec: JobSpec, run_id: str) -> None:
    """The job's code and the data set's metadata beside the model, which lies there already."""
    low, high = rules.data()["dataset_title_letters"]
    if spec.source is not None:
        for name, path in source_files(project.root, spec.source.dir).files.items():
            target = hand_in.dataset / "code" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    about = {"job": spec.name, "run": run_id}
    title = f"{hand_in.slug} by shardyard"[:high] if len(hand_in.slug) < low else hand_in.slug[:high]
    metadata = {"title": title, "id": f"{hand_in.user}/{hand_in.slug}", "licenses": [{"name": "other"}]}
    _write_json(hand_in.dataset / MARK, about)
    _write_json(hand_in.dataset / "dataset-metadata.json", metadata)


def add_notebook(hand_in: HandIn, own: Path | None, *, sample: str, file: str, gpu: bool) -> Path:
    """The person's own inference notebook, or one that calls the job's `infer.py`."""
    target = hand_in.notebook / f"{hand_in.slug}-submit.ipynb"
    if own is not None:
        reading.read(own)
        shutil.copy(own, target)
    elif (hand_in.dataset / "code" / _CODE).is_file():
        write_notebook(target, list(_generated(hand_in, sample, file)))
    else:
        raise UserError(
            f"The job's code has no {_CODE}, so there is nothing that makes a submission of its model.",
            f"Write {_CODE} beside its program with `def predict(model_dir, data_dir, submission)`, "
            "or name a notebook of yours: --notebook FILE.ipynb",
        )
    title = target.stem
    _write_json(
        hand_in.notebook / "kernel-metadata.json",
        {
            "id": f"{hand_in.user}/{title}",
            "title": title,
            "code_file": target.name,
            "language": "python",
            "kernel_type": "notebook",
            "is_private": True,
            "enable_gpu": gpu,
            "enable_internet": rules.data()["internet"],
            "dataset_sources": [f"{hand_in.user}/{hand_in.slug}"],
            "competition_sources": [hand_in.competition],
            "kernel_sources": [],
            "model_sources": [],
        },
    )
    return target


def program(notebook: Path, hand_in: HandIn) -> tuple[str, list[Verdict]]:
    """The notebook as a program, and what of it and of the model's code would need the internet."""
    book, findings = reading.read(notebook), Findings()
    text = script.write(book, cells.convert(book, Given(), findings, maps_paths=False))
    needs = [f"{where}: {says}" for where, says in _downloads(text, hand_in)]
    needs += [
        f"pip install {name}: attach its wheel as a data set, and install it with --no-index --find-links"
        for name in findings.packages
    ]
    found = [Verdict(rule="no internet", state="broken", says=says) for says in needs]
    found += [Verdict(rule="notebook", state="broken", says=str(remark)) for remark in findings.refusals]
    return text, found


def _downloads(text: str, hand_in: HandIn) -> Iterator[tuple[str, str]]:
    scripts = {"notebook": text}
    code = hand_in.dataset / "code" / _CODE
    if code.is_file():
        scripts[_CODE] = code.read_text(encoding="utf-8", errors="replace")
    for name, source in scripts.items():
        for line, says in script_reading.downloads(source):
            yield f"{name}, line {line}", says


def _generated(hand_in: HandIn, sample: str, file: str) -> Iterator[Cell]:
    find = "\n".join(
        [
            "import glob",
            "import os",
            "import sys",
            "",
            f'MODEL = os.path.dirname(glob.glob("/kaggle/input/**/{MARK}", recursive=True)[0])',
            f'DATA = os.path.dirname(glob.glob("/kaggle/input/**/{sample}", recursive=True)[0])',
            'sys.path.insert(0, os.path.join(MODEL, "code"))',
        ]
    )
    call = "\n".join(
        [
            "import infer",
            "",
            f'infer.predict(os.path.join(MODEL, "model"), DATA, "/kaggle/working/{file}")',
        ]
    )
    about = f"# {hand_in.slug}\n\nMakes the submission for {hand_in.competition} of a model, by its own `infer.py`."
    yield Cell(number=1, kind="markdown", source=about, tags=frozenset())
    yield Cell(number=2, kind="code", source=find, tags=frozenset())
    yield Cell(number=3, kind="code", source=call, tags=frozenset())


def _write_json(path: Path, content: object) -> None:
    with writing(path):
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
