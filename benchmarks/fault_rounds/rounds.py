"""Rounds of faults: each a run with one disturbance, compared with a run that nothing happened to."""

import itertools
import os
import random
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks._report import Figure
from benchmarks.fault_rounds.carriage import Carriage
from benchmarks.fault_rounds.cluster import Cluster, Framework, two_networks
from benchmarks.fault_rounds.kinds import Kind, Round
from benchmarks.fault_rounds.sizes import INTERVAL, STEPS
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Undisturbed:
    """A run that nothing happened to."""

    losses: Mapping[int, str]
    digest: str
    step_seconds: float
    """The usual time of a step."""


def play(
    fault: str,
    kind: Kind,
    chance: random.Random,
    cluster: Cluster,
    undisturbed: Undisturbed,
) -> Outcome:
    """Run once with a fault and compare."""
    this = Round(cluster=cluster, random=chance, fault=fault)
    try:
        if fault.startswith("link"):
            with two_networks() as networks:
                cluster.networks, cluster.addresses = networks, ("10.77.0.1", "10.77.0.2")
                _run(cluster, kind.act, this)
        elif fault == "full-disk":
            with SmallDisk(cluster.base(1) / "checkpoints"):
                _run(cluster, kind.act, this)
        else:
            _run(cluster, kind.act, this)
    except (TimeoutError, subprocess.TimeoutExpired, StopIteration, OSError) as error:
        this.problems.append(f"{type(error).__name__}: {error}")
    finally:
        cluster.kill()
    if not this.problems and not cluster.servers and cluster.digest() != undisturbed.digest:
        this.problems.append("the final weights differ from the undisturbed run's")
    return _judge(this, undisturbed)


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


def _judge(this: Round, undisturbed: Undisturbed) -> Outcome:
    lines = [this.cluster.lines(rank) for rank in this.cluster.ranks]
    # What workers beside servers learn from changes under their hands: no two runs are equal
    differing = (
        0
        if this.cluster.servers
        else sum(loss != undisturbed.losses.get(step) for rank in lines for step, loss, _ in rank)
    )
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
        goodput=min(1.0, (STEPS - 1) * undisturbed.step_seconds / max(ended - begun, 1e-9)),
        problems=tuple(this.problems),
    )


def _longest_stand_still(lines: list[list[tuple[int, str, float]]], since: float) -> float:
    first = [{step: at for step, _, at in reversed(rank)} for rank in lines]
    progress = sorted(max(rank[step] for rank in first) for step in set.intersection(*map(set, first)))
    moments = [since, *(at for at in progress if at > since)]
    return max((later - earlier for earlier, later in itertools.pairwise(moments)), default=float("nan"))


def run_undisturbed(cluster: Cluster) -> Undisturbed:
    """Run without a fault, or leave with what went wrong."""
    try:
        cluster.start()
        codes = cluster.end()
    finally:
        cluster.kill()
    digest = cluster.digest()
    if codes != [0, 0] or digest is None:
        raise SystemExit(f"the undisturbed run failed: {codes}; see {cluster.folder}")
    lines = cluster.lines(0)
    times = [later[2] - earlier[2] for earlier, later in itertools.pairwise(lines)]
    return Undisturbed(
        losses={step: loss for step, loss, _ in lines}, digest=digest, step_seconds=statistics.median(times)
    )


def plan_rounds(faults: Mapping[str, Kind], only: str | None, weathers: Sequence[str]) -> list[tuple[str, str]]:
    """The weather and the fault of each round, in the table's order."""
    chosen = [name for name in faults if only is None or any(name.startswith(part) for part in only.split(","))]
    if not chosen:
        raise SystemExit(f"no fault begins with {only}; there are {', '.join(faults)}")
    if os.geteuid() != 0:
        left_out = [name for name in chosen if name.startswith(("link", "full"))]
        print(f"left out without root: {', '.join(left_out)}" if left_out else "", flush=True)
        chosen = [name for name in chosen if name not in left_out]
    return [
        (weather, name)
        for weather in weathers
        for name in chosen
        if not name.startswith(WITHOUT_S3) or weather == weathers[0]
        for _ in range(faults[name].rounds)
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """All rounds of one framework."""

    framework: Framework
    faults: Mapping[str, Kind]
    seed: int = 1
    only: str | None = None
    """Beginnings of faults' names, with commas between them."""
    keep: Path | None = None
    """Where the folders of rounds with problems are kept."""
    weathers: Sequence[str] = (forecast.FAIR, forecast.PESSIMISTIC)

    def play(self) -> list[Figure]:
        """Play, tell of each round, and sum up."""
        outcomes: dict[str, list[Outcome]] = {weather: [] for weather in self.weathers}
        with tempfile.TemporaryDirectory(prefix="faults-") as name, embedded_cloud(Path(name) / "cloud") as cloud:
            folder = Path(name)
            undisturbed: dict[int, Undisturbed] = {}
            for number, (weather, fault) in enumerate(plan_rounds(self.faults, self.only, self.weathers)):
                kind = self.faults[fault]
                if kind.processes not in undisturbed:
                    undisturbed[kind.processes] = run_undisturbed(
                        self._cluster(folder / f"undisturbed-{kind.processes}", kind)
                    )
                forecast.change(weather, {})
                cluster = self._cluster(folder / f"{number:02d}-{fault}", kind)
                if not fault.startswith(WITHOUT_S3):
                    cluster.carriage = Carriage(cloud, folder / "cloud", cluster.folder.name)
                cluster.servers = kind.servers
                chance = random.Random(f"{self.seed} {number} {fault}")
                outcome = play(fault, kind, chance, cluster, undisturbed[kind.processes])
                outcomes[weather].append(outcome)
                _say(number, weather, outcome, "completed" if kind.servers else "completed, equal bit by bit")
                if outcome.problems and self.keep is not None:
                    shutil.copytree(cluster.folder, self.keep / cluster.folder.name, dirs_exist_ok=True)
                shutil.rmtree(cluster.folder, ignore_errors=True)
        return [figure for weather, played in outcomes.items() for figure in summarise(played, weather)]

    def _cluster(self, folder: Path, kind: Kind) -> Cluster:
        folder.mkdir()
        return Cluster(folder=folder, steps=STEPS, framework=self.framework, processes=kind.processes)


def _say(number: int, weather: str, outcome: Outcome, well: str) -> None:
    verdict = "; ".join(outcome.problems) if outcome.problems else well
    print(
        f"{number + 1:3d} {weather:<11} {outcome.fault:<18} back after {outcome.recovery_seconds:6.2f} s, "
        f"{outcome.redone_steps:2d} steps redone: {verdict}",
        flush=True,
    )


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


@contextmanager
def embedded_cloud(folder: Path) -> Iterator[lifecycle.CloudState]:
    """A cloud of the benchmark's own, for its S3."""
    yield lifecycle.up(folder)
    lifecycle.down(folder)
