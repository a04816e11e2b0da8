"""Runs for notebooks and scripts, by the code of the command.

from yard import train

run = train("mnist-ddp", hyperparameters={"epochs": 2}, name="short")
run            # in a notebook: how it goes, with its curves
run.wait()
run.metrics()  # a list of dicts; run.frame() where pandas is installed
"""

import html
import importlib.util
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yard.aws import Aws, use_embedded_cloud
from yard.errors import Exit, UserError
from yard.launches import launching
from yard.project import find_project
from yard.runs import about, runs
from yard.runs.logs import Line, Tail

if TYPE_CHECKING:
    from yard.plots.series import By
    from yard.runs.comparison import Curve

_LOOK_SECONDS = 1.0
_DRAW_SECONDS = 5.0


class RunFailedError(UserError):
    """A run that was waited for did not succeed."""


class TrainingRun:
    """One run, from any time of its life. Whatever is asked is read anew."""

    def __init__(self, aws: Aws, run: runs.Run) -> None:
        self._aws, self._run = aws, run
        self._tail, self._lines = Tail(aws, run.run_id, log_group=run.of.log_group), list[Line]()

    @property
    def job(self) -> str:
        """The job's name."""
        return self._run.job

    @property
    def run_id(self) -> str:
        """The id by which every command knows it."""
        return self._run.run_id

    @property
    def status(self) -> str:
        """running, succeeded, failed, aborted or timed_out."""
        self._run, _ = runs.refresh(self._aws, self._run)
        return self._run.status.lower()

    def wait(self, *, timeout_seconds: float | None = None, check: bool = True) -> "TrainingRun":
        """Wait for its end; in a notebook, show it meanwhile. With `check`, one that did not succeed is an error."""
        began, shown, drawn = time.monotonic(), _shown(self), 0.0
        while self.status == "running":
            now = time.monotonic()
            if timeout_seconds is not None and now - began > timeout_seconds:
                raise TimeoutError(f"The run {self.run_id} of {self.job} still runs after {timeout_seconds:g} s.")
            if shown is not None and now - drawn > _DRAW_SECONDS:
                shown.update(self)
                drawn = now
            time.sleep(_LOOK_SECONDS)
        if shown is not None:
            shown.update(self)
        if check and self._run.status != "SUCCEEDED":
            _, execution = runs.refresh(self._aws, self._run)
            cause = execution.get("cause") or execution.get("error") or ""
            raise RunFailedError(
                f"The run {self.run_id} of {self.job} {runs.ended(self._run)}. {cause}".rstrip(),
                f"Its logs: yard logs {self.run_id}",
                Exit.JOB_STOPPED if self._run.status == "ABORTED" else Exit.JOB_FAILED,
            )
        return self

    def logs(self, *, node: int | None = None) -> list[str]:
        """The lines of its nodes so far, of all attempts, each behind its node's name."""
        names = [attempt["TrainingJobName"] for attempt in runs.attempts(self._aws, self._run)]
        self._lines.extend(self._tail.lines(names))
        host = None if node is None else f"algo-{node}"
        return [f"{line.host}  {line.text}" for line in self._lines if host in (None, line.host)]

    def metrics(self) -> list[dict[str, float]]:
        """A row per step: `step`, `seconds` since the first one, and every metric that its program printed."""
        return [{**point.metrics, "step": point.step, "seconds": point.seconds} for point in self._curve().points]

    def frame(self) -> Any:
        """The same as a DataFrame of pandas."""
        if importlib.util.find_spec("pandas") is None:
            raise UserError("There is no pandas here.", "pip install pandas; or use metrics(), a list of dicts.")
        pandas = importlib.import_module("pandas")

        return pandas.DataFrame(self.metrics())

    def model(self, to: str | Path = "models") -> Path:
        """Download its model and unpack it; returns the folder."""
        from yard.runs import artifacts

        folder = Path(to) / self.run_id
        artifacts.fetch(self._aws, artifacts.model(self._aws, self._run), folder)
        return folder

    def receipt(self) -> dict[str, Any]:
        """What it did and what it cost, once it has ended."""
        return runs.receipt(self._aws, self.run_id)

    def stop(self) -> None:
        """Stop it; its program has two minutes to save."""
        launching.stop(self._aws, self._run)

    def note(self, text: str) -> None:
        """Add a note to what is said about it."""
        checked = about.checked_note(text)
        about.change(self._aws, self.run_id, lambda found: about.with_words(found, note=checked))

    def plot(self, *metrics: str, by: "By | None" = None, smooth: float = 0.0) -> "Html":
        """These metrics or all, by step, time or epoch, as a notebook shows them."""
        from yard.plots.page import STYLE, charts, fragment

        shown = list(charts([self._curve()], metrics=metrics, by=by, smooth=smooth))
        return Html(f"<style>{_inside(STYLE)}</style><div class='shardyard'>{fragment(shown)}</div>")

    def __repr__(self) -> str:
        return f"<run {self.run_id} of {self.job}, {self._run.status.lower()}>"

    def _repr_html_(self) -> str:
        head = f"{self.job}, run {self.run_id}: {self.status}"
        return f"<p>{html.escape(head)}</p>{self.plot()._repr_html_()}"

    def _curve(self) -> "Curve":
        from yard.runs.comparison import read_curve

        return read_curve(self._aws, self._run)


class Html:
    """What a notebook shows."""

    def __init__(self, text: str) -> None:
        self._text = text

    def _repr_html_(self) -> str:
        return self._text


def train(
    job: str,
    *,
    hyperparameters: Mapping[str, Any] | None = None,
    name: str | None = None,
    tags: Mapping[str, str] | Sequence[str] = (),
    embedded: bool = False,
    **overrides: Any,
) -> TrainingRun:
    """Launch a job as `yard train` does, without a question: a cap on its cost is `cap_usd=5`.

    Other keywords are those of the execution's input: instance_type, instance_count, spot, max_runtime_seconds,
    arguments, environment, volume. With `embedded`, this process talks to the embedded cloud from now on.
    """
    from shardyard.spec.jobs.overrides import LaunchInput

    aws = _account(embedded)
    words = (
        [key if not value else f"{key}={value}" for key, value in tags.items()] if isinstance(tags, Mapping) else tags
    )
    named, tagged = about.checked_name(name), about.read_tags(words)
    given = LaunchInput.from_dict(overrides).to_dict()
    local = aws.project.job(job)
    launch = launching.launch_input(local, given, hyperparameters or {})
    launching.plan_of(aws, job, launch)
    launching.refuse_wrong_code(aws, local)
    return TrainingRun(aws, launching.start(aws, job, launch, name=named, tags=tagged))


def find(run: str, *, embedded: bool = False) -> TrainingRun:
    """A run by its id, or a job's newest run by the job's name."""
    aws = _account(embedded)
    return TrainingRun(aws, runs.find(aws, run))


def _account(embedded: bool) -> Aws:
    project = find_project()
    if embedded:
        use_embedded_cloud(project)
    return Aws(project)


def _shown(run: TrainingRun) -> Any:
    """A place of the notebook that can be drawn again; None outside of one."""
    if importlib.util.find_spec("IPython") is None:
        return None
    ipython = importlib.import_module("IPython")
    shell = ipython.get_ipython()
    return ipython.display.display(run, display_id=True) if shell is not None else None


def _inside(style: str) -> str:
    """The page's style for what is inside of our own element only: a notebook has one of its own."""
    rules = [rule for rule in style.strip().splitlines() if rule.startswith((".charts", "fig", "svg", "text"))]
    return "".join(f".shardyard {rule}" for rule in rules)
