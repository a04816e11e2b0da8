"""`yard submit kaggle`: a run's model, packed, checked against the rules, run offline, and uploaded only if asked."""

import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.product import product_root
from yard.aws import Aws
from yard.errors import UserError
from yard.handin import offline, package, rules, submission
from yard.handin.package import HandIn
from yard.handin.rules import Verdict
from yard.output import say
from yard.runs import artifacts, runs


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a person asks for."""

    run: str
    """A job's name, for its newest run, or a run id."""
    competition: str
    user: str
    data: Path
    """The competition's files, as `kaggle competitions download` brings them."""
    sample: str
    """The sample's name in it."""
    file: str
    notebook: Path | None = None
    to: Path | None = None
    python: Path | None = None
    hours: float | None = None
    """The competition's own limit; by default the usual one."""
    hidden_rows: int | None = None
    gpu: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A hand-in and what the rules say of it."""

    hand_in: HandIn
    run_id: str
    verdicts: tuple[Verdict, ...]
    tail: str
    """The last lines of a notebook that failed."""

    @property
    def is_sound(self) -> bool:
        """Whether no rule is broken."""
        return all(verdict.state != "broken" for verdict in self.verdicts)


def prepare(aws: Aws, wanted: Wanted) -> Prepared:
    """Fetch the model, pack it, run the notebook without a network, and check every rule."""
    package.check_names(wanted.competition, wanted.user)
    sample = _sample(wanted)
    run = runs.find(aws, wanted.run)
    spec = aws.project.training_job(run.job)
    folder = aws.project.root / "handin" / run.job if wanted.to is None else wanted.to
    hand_in = HandIn(
        folder=folder, slug=f"{spec.name}-model", competition=wanted.competition.lower(), user=wanted.user.lower()
    )
    package.prepare(hand_in)
    model = artifacts.model(aws, run)
    if not artifacts.fetch(aws, model, hand_in.dataset / "model"):
        raise UserError(artifacts.NO_MODEL.format(run=run.run_id), f"See what it left: yard status {run.run_id}")
    package.add_dataset(hand_in, aws.project, spec, run.run_id)
    notebook = package.add_notebook(hand_in, wanted.notebook, sample=wanted.sample, file=wanted.file, gpu=wanted.gpu)
    verdicts = list(rules.sizes(hand_in.dataset))
    program, problems = package.program(notebook, hand_in)
    verdicts += problems
    if any(verdict.rule == "notebook" for verdict in problems):
        return Prepared(hand_in=hand_in, run_id=run.run_id, verdicts=tuple(verdicts), tail="")
    hours = wanted.hours if wanted.hours is not None else rules.data()["hours"]["gpu" if wanted.gpu else "cpu"]
    environment = _environment(aws, spec, wanted.python)
    say(f"Running {notebook.name} without a network, on the competition's files.")
    outcome = offline.run(
        program,
        {wanted.competition.lower(): wanted.data, hand_in.slug: hand_in.dataset},
        hand_in.output,
        environment=environment,
        seconds=hours * 3600,
    )
    verdicts += _of_run(outcome, wanted, sample, hours, hand_in, is_clean=not problems)
    tail = outcome.tail if outcome.code != 0 else ""
    return Prepared(hand_in=hand_in, run_id=run.run_id, verdicts=tuple(verdicts), tail=tail)


def _of_run(
    outcome: offline.Outcome, wanted: Wanted, sample: Path, hours: float, hand_in: HandIn, *, is_clean: bool
) -> Iterator[Verdict]:
    if outcome.code is None:
        yield Verdict(rule="run time", state="broken", says=f"it was ended after {hours:g} h")
        return
    if outcome.code != 0:
        says = f"it failed with exit code {outcome.code} where nothing of the internet can be reached"
        yield Verdict(rule="notebook", state="broken", says=says)
        return
    if is_clean:
        yield Verdict(rule="no internet", state="ok", says="it ran where nothing of the internet can be reached")
    rows = len(submission.read(sample)[1]) if sample.suffix == ".csv" else None
    yield rules.run_time(outcome.seconds, hours=hours, rows=rows, hidden_rows=wanted.hidden_rows)
    yield from submission.check(hand_in.output / wanted.file, sample)


def _sample(wanted: Wanted) -> Path:
    if not wanted.data.is_dir():
        raise UserError(
            f"{wanted.data} is not a folder.", f"Fetch its files: kaggle competitions download {wanted.competition}"
        )
    sample = wanted.data / wanted.sample
    if not sample.is_file():
        there = ", ".join(sorted(path.name for path in wanted.data.iterdir())[:8]) or "nothing"
        raise UserError(f"There is no {wanted.sample} in {wanted.data} ({there}).", "Name the sample: --sample FILE")
    if sample.suffix == ".csv":
        submission.read(sample)
    return sample


def _environment(aws: Aws, spec: JobSpec, python: Path | None) -> Path:
    """The folder of the Python environment that the notebook runs in: by default that of the job's image."""
    from embedded.nodes import image_environment

    if python is not None:
        folder = python.absolute().parent.parent
        if not (folder / "bin" / "python").exists():
            raise UserError(f"{python} is no Python of a virtual environment.", "Name one: --python .venv/bin/python")
        return folder
    name = spec.image.folder if spec.image.folder is not None else "pytorch"
    requirements = aws.project.root / "containers" / name / "requirements.txt"
    if not requirements.is_file():
        requirements = product_root() / "containers" / "pytorch" / "requirements.txt"
    if not image_environment.is_ready(requirements):
        say(f"Making the environment of {requirements}; this takes a minute once.")
    return image_environment.ensure(requirements)


def uploads(hand_in: HandIn, *, is_new: bool) -> list[list[str]]:
    """The commands of Kaggle's own tool that upload the data set, then the notebook."""
    dataset = str(hand_in.dataset)
    first = ["create", "-p", dataset] if is_new else ["version", "-p", dataset, "-m", "a newer run"]
    return [
        ["kaggle", "datasets", *first, "-r", "zip"],
        ["kaggle", "kernels", "push", "-p", str(hand_in.notebook)],
    ]


def shown(hand_in: HandIn) -> list[str]:
    """The same for a person to copy, for a first upload."""
    return [shlex.join(words) for words in uploads(hand_in, is_new=True)]


def submits(hand_in: HandIn, file: str, run_id: str) -> str:
    """The command that submits what the notebook has written there, once it has run."""
    notebook = next(hand_in.notebook.glob("*.ipynb")).stem
    words = ["kaggle", "competitions", "submit", hand_in.competition, "-f", file, "-k", f"{hand_in.user}/{notebook}"]
    return shlex.join([*words, "-v", "1", "-m", run_id])


def upload(hand_in: HandIn) -> None:
    """Upload with the person's own tool and its own sign-in."""
    if shutil.which("kaggle") is None:
        raise UserError("There is no kaggle command on this machine.", "pip install kaggle, and sign in: kaggle --help")
    status = ["kaggle", "datasets", "status", f"{hand_in.user}/{hand_in.slug}"]
    known = subprocess.run(status, capture_output=True, text=True, check=False)
    for command in uploads(hand_in, is_new=known.returncode != 0):
        _call(command)


def _call(command: Sequence[str]) -> None:
    say(f"$ {shlex.join(command)}")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        for line in process.stdout or ():
            say(line.rstrip("\n"))
    if process.returncode:
        raise UserError(f"`{shlex.join(command)}` ended with exit code {process.returncode}.", "Its own lines say why.")
