"""The time of `python app.py`: cold, warm compared with a bare CDK app, and what each further job adds.

Between the two stands the plainest app of the same resources, their properties read from templates that are there
already: what no app that makes them one by one can fall below, whatever it computes itself.

The marginal cost is the slope between 10 and 60 more jobs, so that what every synth costs drops out of it. Each
figure is the fastest of several runs in turns: a busy machine only ever adds time. Processor time stands beside the
wall clock, because it hardly depends on what else runs.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks._report import Figure, report

ROOT = Path(__file__).parent.parent
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
TEMPLATE = ROOT / "jobs" / "mnist-ddp.toml"
JOBS_A_STACK = 30
"""Below what one stack's budgets allow."""


BARE = """
import os
os.environ["CDK_VALIDATION"] = "false"
import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
app = cdk.App()
s3.CfnBucket(cdk.Stack(app, "One"), "Bucket")
app.synth()
"""
"""The smallest CDK app in Python: one stack with one bucket."""

PLAINEST = """
import gc, json, os, sys
from pathlib import Path
gc.disable()
os.environ["CDK_VALIDATION"] = "false"
import aws_cdk as cdk
app = cdk.App()
for path in sorted(Path(sys.argv[1]).glob("*.template.json")):
    stack = cdk.Stack(app, path.name.partition(".")[0], suppress_template_indentation=True)
    for name, resource in json.loads(path.read_text())["Resources"].items():
        cdk.CfnResource(stack, name, type=resource["Type"], properties=resource.get("Properties", {}))
app.synth()
"""
"""One call for each resource of an earlier synth; no parameters, no outputs, no assets, no references."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The times of one synth."""

    wall: float
    """Seconds on the clock."""
    processor: float
    """Seconds of processor time, including Node's."""


def synth(folder: Path, *, jobs: Path | None = None, home: Path | None = None) -> Taken:
    """Run the app once."""
    context = {} if jobs is None else {"training.jobs": os.path.relpath(jobs, ROOT)}
    environment = {**os.environ, "CDK_OUTDIR": str(folder), "CDK_CONTEXT_JSON": json.dumps(context)}
    environment.pop("CDK_VALIDATION", None)
    if home is not None:
        environment["HOME"] = str(home)
    return _run(["app.py"], environment)


def bare(folder: Path) -> Taken:
    """Run an app of one bucket."""
    return _run(["-c", BARE], {**os.environ, "CDK_OUTDIR": str(folder)})


def plainest(folder: Path, resources_of: Path) -> Taken:
    """Run an app of the resources that another app's templates have."""
    return _run(["-c", PLAINEST, str(resources_of)], {**os.environ, "CDK_OUTDIR": str(folder)})


def _run(arguments: list[str], environment: dict[str, str]) -> Taken:
    # without our bytecode every run would compile the app, and none the bare one
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before, started = _processor(), time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)
    taken = Taken(time.perf_counter() - started, _processor() - before)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return taken


def _processor() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def more_jobs(folder: Path, count: int) -> Path:
    """A folder with the jobs that ship and this many more, in their own stacks."""
    folder.mkdir()
    for path in (ROOT / "jobs").glob("*.toml"):
        (folder / path.name).write_bytes(path.read_bytes())
    text = TEMPLATE.read_text(encoding="utf-8")
    for number in range(count):
        stack = f'stack = "more-{number // JOBS_A_STACK}"\n'
        (folder / f"more-{number:02}.toml").write_text(stack + text, encoding="utf-8")
    return folder


def fastest(runs: list[Taken]) -> Taken:
    """The least of both clocks."""
    return Taken(min(run.wall for run in runs), min(run.processor for run in runs))


def main() -> int:
    """Measure, print, write."""
    build = ROOT / "build"  # a folder of jobs lies in the project
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="synth-", dir=build) as name:
        place = Path(name)
        ten, sixty = more_jobs(place / "ten", 10), more_jobs(place / "sixty", 60)
        (place / "home").mkdir()
        cold = synth(place / "out-cold", home=place / "home")
        rows: dict[str, list[Taken]] = {"bare": [], "plainest": [], "warm": [], "ten": [], "sixty": []}
        for number in range(ROUNDS):
            rows["bare"].append(bare(place / f"out-bare-{number}"))
            rows["plainest"].append(plainest(place / f"out-plainest-{number}", resources_of=place / "out-cold"))
            rows["warm"].append(synth(place / f"out-{number}"))
            rows["ten"].append(synth(place / f"out-ten-{number}", jobs=ten))
            rows["sixty"].append(synth(place / f"out-sixty-{number}", jobs=sixty))
    return report("synth", _figures(cold, rows), notes=NOTES)


def _figures(cold: Taken, rows: dict[str, list[Taken]]) -> list[Figure]:
    warm, with_ten, with_sixty = (fastest(rows[row]) for row in ("warm", "ten", "sixty"))
    return [
        Figure(name="cold synth, jsii's cache empty", value=cold.wall, unit="s"),
        Figure(name="warm synth of the default app", value=warm.wall, unit="s", at_most=3.0),
        Figure(
            name="warm synth / a bare CDK app with one bucket",
            value=_ratio(rows, "warm").wall,
            unit="ratio",
            at_most=1.5,
        ),
        Figure(name="plainest app of the same resources / bare", value=_ratio(rows, "plainest").wall, unit="ratio"),
        Figure(name="warm synth / bare, processor time", value=_ratio(rows, "warm").processor, unit="ratio"),
        Figure(
            name="plainest app of the same resources / bare, processor time",
            value=_ratio(rows, "plainest").processor,
            unit="ratio",
        ),
        Figure(name="warm synth of the default app, processor time", value=warm.processor, unit="s"),
        Figure(name="warm synth with 60 jobs more than ship", value=with_sixty.wall, unit="s", at_most=3.0),
        Figure(
            name="each further job, slope from 10 to 60",
            value=(with_sixty.wall - with_ten.wall) / 50 * 1000,
            unit="ms",
            at_most=15.0,
        ),
        Figure(
            name="each further job, processor time",
            value=(with_sixty.processor - with_ten.processor) / 50 * 1000,
            unit="ms",
        ),
    ]


def _ratio(rows: dict[str, list[Taken]], row: str) -> Taken:
    """A row's times over the bare app's, the median of both clocks over all rounds."""
    pairs = list(zip(rows[row], rows["bare"], strict=True))
    return Taken(
        statistics.median(ours.wall / least.wall for ours, least in pairs),
        statistics.median(ours.processor / least.processor for ours, least in pairs),
    )


NOTES = "python app.py without CDK's own validator, as the app does by default"


if __name__ == "__main__":
    sys.exit(main())
