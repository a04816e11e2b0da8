"""Faults of every kind, one per run, compared with an undisturbed run: steps redone, time lost, differences.

    python -m benchmarks.faults [--seed 1] [--only kill-rank,link-cut-4s] [--weather pessimistic]

Checkpoints are restored from an embedded cloud's S3 and copied there as SageMaker does, in fair and in pessimistic
weather. Link cuts, in whose networks there is no S3, and damaged files, which a copy would mend, do without, once.
Link cuts need root (two network namespaces) and the full disk needs a tmpfs; without root they are left out, and said.
"""

import argparse
import itertools
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks._report import Figure, report
from benchmarks.fault_rounds.carriage import Carriage
from benchmarks.fault_rounds.cluster import Cluster, two_networks
from benchmarks.fault_rounds.kinds import FAULTS, STEPS, Round
from benchmarks.fault_rounds.program import INTERVAL
from embedded import lifecycle
from embedded.weather import forecast

WITHOUT_S3 = ("link", "truncated", "flipped", "deleted")
"""Faults with which the weather has nothing to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The result of one round."""

    fault: str
    recovery_seconds: float
    """The longest time without progress after the disturbance, until a step that is new to both ranks."""
    redone_steps: int
    allowed_steps: int
    differing_losses: int
    goodput: float
    """The fraction of the run's time, from its first step on, that undisturbed steps would have taken."""
    problems: tuple[str, ...]


def play(
    fault: str,
    chance: random.Random,
    folder: Path,
    carriage: Carriage | None,
    expected: dict[int, str],
    digest: str,
    step_seconds: float,
) -> Outcome:
    """Run once with a fault and compare."""
    cluster = Cluster(folder=folder, steps=STEPS, carriage=carriage)
    this = Round(cluster=cluster, random=chance, fault=fault)
    action = FAULTS[fault][0]
    try:
        if fault.startswith("link"):
            with two_networks() as networks:
                cluster.networks, cluster.addresses = networks, ("10.77.0.1", "10.77.0.2")
                _run(cluster, action, this)
        elif fault == "full-disk":
            with SmallDisk(cluster.base(1) / "checkpoints"):
                _run(cluster, action, this)
        else:
            _run(cluster, action, this)
    except (TimeoutError, subprocess.TimeoutExpired, StopIteration, OSError) as error:
        this.problems.append(f"{type(error).__name__}: {error}")
    finally:
        cluster.kill()
    if not this.problems and cluster.digest() != digest:
        this.problems.append("the final weights differ from the undisturbed run's")
    return _judge(this, expected, step_seconds)


def _run(cluster: Cluster, action: Callable[[Round], None], this: Round) -> None:
    cluster.start()
    action(this)
    codes = cluster.end()
    if codes != [0, 0]:
        this.problems.append(f"not Completed: the launchers ended with {codes}")


class SmallDisk:
    """A tmpfs of eight megabytes: room for the checkpoints that are kept, and for no ballast."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        self.folder.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(self.folder)], check=True)

    def __exit__(self, *error: object) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False)


def _judge(this: Round, expected: dict[int, str], step_seconds: float) -> Outcome:
    lines = [this.cluster.lines(rank) for rank in range(2)]
    differing = sum(loss != expected.get(step) for rank in lines for step, loss, _ in rank)
    redone = max((len(rank) - len({step for step, _, _ in rank}) for rank in lines), default=0)
    begun = min((rank[0][2] for rank in lines if rank), default=0.0)
    ended = max((rank[-1][2] for rank in lines if rank), default=1.0)
    allowed = INTERVAL * (1 + this.lost_saves)
    if redone > allowed:
        this.problems.append(f"{redone} steps redone, {allowed} allowed")
    if differing:
        this.problems.append(f"{differing} losses differ")
    return Outcome(
        fault=this.fault,
        recovery_seconds=_longest_stand_still(lines, this.broken_at),
        redone_steps=redone,
        allowed_steps=allowed,
        differing_losses=differing,
        goodput=min(1.0, (STEPS - 1) * step_seconds / max(ended - begun, 1e-9)),
        problems=tuple(this.problems),
    )


def _longest_stand_still(lines: list[list[tuple[int, str, float]]], since: float) -> float:
    first = [{step: at for step, _, at in reversed(rank)} for rank in lines]
    progress = sorted(max(rank[step] for rank in first) for step in set(first[0]) & set(first[1]))
    moments = [since, *(at for at in progress if at > since)]
    return max((later - earlier for earlier, later in itertools.pairwise(moments)), default=float("nan"))


def undisturbed(folder: Path) -> tuple[dict[int, str], str, float]:
    """The losses by step, the digest of the weights, and the usual time of a step."""
    cluster = Cluster(folder=folder, steps=STEPS)
    try:
        cluster.start()
        codes = cluster.end()
    finally:
        cluster.kill()
    digest = cluster.digest()
    if codes != [0, 0] or digest is None:
        raise SystemExit(f"the undisturbed run failed: {codes}; see {folder}")
    lines = cluster.lines(0)
    times = [later[2] - earlier[2] for earlier, later in itertools.pairwise(lines)]
    return {step: loss for step, loss, _ in lines}, digest, statistics.median(times)


def plan_rounds(only: str | None, weathers: Sequence[str]) -> list[tuple[str, str]]:
    """The weather and the fault of each round, in the table's order."""
    chosen = [name for name in FAULTS if only is None or any(name.startswith(part) for part in only.split(","))]
    if not chosen:
        raise SystemExit(f"no fault begins with {only}; there are {', '.join(FAULTS)}")
    if os.geteuid() != 0:
        left_out = [name for name in chosen if name.startswith(("link", "full"))]
        print(f"left out without root: {', '.join(left_out)}" if left_out else "", flush=True)
        chosen = [name for name in chosen if name not in left_out]
    return [
        (weather, name)
        for weather in weathers
        for name in chosen
        if not name.startswith(WITHOUT_S3) or weather == weathers[0]
        for _ in range(FAULTS[name][1])
    ]


def summarise(outcomes: list[Outcome], weather: str) -> list[Figure]:
    """The figures over all rounds in one weather, and the recovery time of each fault."""
    recoveries = sorted(one.recovery_seconds for one in outcomes if one.recovery_seconds == one.recovery_seconds)
    figures = [
        Figure(name="rounds", value=len(outcomes), unit=""),
        Figure(name="rounds with any problem", value=sum(bool(one.problems) for one in outcomes), unit="", at_most=0),
        Figure(name="losses that differ", value=sum(one.differing_losses for one in outcomes), unit="", at_most=0),
        Figure(
            name="steps redone beyond what is allowed",
            unit="",
            at_most=0,
            value=sum(max(0, one.redone_steps - one.allowed_steps) for one in outcomes),
        ),
        Figure(name="goodput, mean", value=100 * statistics.mean(one.goodput for one in outcomes), unit="%"),
    ]
    if len(recoveries) > 1:
        figures += [
            Figure(name="recovery p50", value=statistics.median(recoveries), unit="s"),
            Figure(name="recovery p95", value=statistics.quantiles(recoveries, n=20)[-1], unit="s"),
        ]
    for fault in dict.fromkeys(one.fault for one in outcomes):
        seconds = [one.recovery_seconds for one in outcomes if one.fault == fault]
        redone = max(one.redone_steps for one in outcomes if one.fault == fault)
        figures.append(
            Figure(name=f"recovery after {fault} (at most {redone} redone)", value=statistics.median(seconds), unit="s")
        )
    return [replace(figure, name=f"{weather}: {figure.name}") for figure in figures]


def main() -> int:
    """All rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="beginnings of faults' names, with commas between them")
    parser.add_argument("--keep", type=Path, help="keep the folders of rounds with problems here")
    parser.add_argument("--weather", choices=(forecast.FAIR, forecast.PESSIMISTIC), help="only this one")
    options = parser.parse_args()
    weathers = [forecast.FAIR, forecast.PESSIMISTIC] if options.weather is None else [options.weather]
    outcomes: dict[str, list[Outcome]] = {weather: [] for weather in weathers}
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, embedded_cloud(Path(folder) / "cloud") as cloud:
        reference = Path(folder) / "undisturbed"
        reference.mkdir()
        expected, digest, step_seconds = undisturbed(reference)
        for number, (weather, fault) in enumerate(plan_rounds(options.only, weathers)):
            forecast.change(weather, {})
            home = Path(folder) / f"{number:02d}-{fault}"
            home.mkdir()
            carriage = None if fault.startswith(WITHOUT_S3) else Carriage(cloud, Path(folder) / "cloud", home.name)
            chance = random.Random(f"{options.seed} {number} {fault}")
            outcome = play(fault, chance, home, carriage, expected, digest, step_seconds)
            outcomes[weather].append(outcome)
            verdict = "; ".join(outcome.problems) if outcome.problems else "completed, equal bit by bit"
            print(
                f"{number + 1:3d} {weather:<11} {fault:<16} back after {outcome.recovery_seconds:6.2f} s, "
                f"{outcome.redone_steps:2d} steps redone: {verdict}",
                flush=True,
            )
            if outcome.problems and options.keep is not None:
                shutil.copytree(home, options.keep / home.name, dirs_exist_ok=True)
            shutil.rmtree(home, ignore_errors=True)
    notes = (
        f"seed {options.seed}, {STEPS} steps, a save every {INTERVAL}; a damaged newest save costs one interval more"
    )
    figures = [figure for weather, played in outcomes.items() for figure in summarise(played, weather)]
    return report("faults", figures, notes=notes)


@contextmanager
def embedded_cloud(folder: Path) -> Iterator[lifecycle.CloudState]:
    """A cloud of the benchmark's own, for its S3."""
    yield lifecycle.up(folder)
    lifecycle.down(folder)


if __name__ == "__main__":
    sys.exit(main())
