"""Faults of every kind, one a run, against an undisturbed run: what is redone, how long it takes, what differs.

    python -m benchmarks.faults [--seed 1] [--only kill-rank,link-4s]

Link cuts need root (two network namespaces) and the full disk needs a tmpfs; without root they are left out, and said.
"""

import argparse
import contextlib
import itertools
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks._cluster import Cluster, set_link, two_networks
from benchmarks._faulty import INTERVAL
from benchmarks._report import Figure, report

STEPS = 60
INTERRUPTED = 75


@dataclass(kw_only=True, slots=True)
class Round:
    """One disturbed run."""

    cluster: Cluster
    random: random.Random
    fault: str
    broken_at: float = 0.0
    """When it was disturbed."""
    lost_saves: int = 0
    """Saves that the fault itself destroyed: the run has to go back further by as many intervals."""
    problems: list[str] = field(default_factory=list)

    def wait(self) -> None:
        """Let it train until a step drawn by the seed."""
        self.cluster.wait_for_step(self.random.randint(12, STEPS - 20))

    def mark(self) -> None:
        """The disturbance begins now."""
        self.broken_at = time.time()


def kill_rank(rank: int) -> Callable[[Round], None]:
    """kill -9 of one rank."""

    def fault(this: Round) -> None:
        this.wait()
        this.mark()
        os.kill(this.cluster.pid(rank), signal.SIGKILL)

    return fault


def kill_agent(node: int) -> Callable[[Round], None]:
    """kill -9 of one elastic agent."""

    def fault(this: Round) -> None:
        this.wait()
        agent = this.cluster.agent(node)
        this.mark()
        os.kill(agent, signal.SIGKILL)

    return fault


def stop_rank(rank: int) -> Callable[[Round], None]:
    """SIGSTOP of one rank: it hangs without dying."""

    def fault(this: Round) -> None:
        this.wait()
        this.mark()
        os.kill(this.cluster.pid(rank), signal.SIGSTOP)

    return fault


def interrupt(this: Round) -> None:
    """SIGTERM to both nodes, as a spot interruption; a new job goes on, every other time on the union of the files."""
    this.wait()
    this.mark()
    for node in this.cluster.nodes:
        node.terminate()
    codes = this.cluster.end()
    if codes != [INTERRUPTED] * 2:
        this.problems.append(f"after SIGTERM the launchers ended with {codes}, not with {INTERRUPTED}")
    if this.random.random() < 0.5:
        this.cluster.unite()
    this.cluster.start()


def damage(how: Callable[[Path, random.Random], None]) -> Callable[[Round], None]:
    """Both machines die, and a file of the newest complete checkpoint is not what it was."""

    def fault(this: Round) -> None:
        this.wait()
        this.mark()
        this.cluster.kill()
        node = this.random.randrange(2)
        saves = sorted(
            (this.cluster.base(node) / "checkpoints" / "faults").glob(f"step-*/rank-0000{node}/manifest.json")
        )
        other = this.cluster.base(1 - node) / "checkpoints" / "faults"
        complete = [
            path for path in saves if (other / path.parts[-3] / f"rank-0000{1 - node}" / "manifest.json").exists()
        ]
        files = sorted(path for path in complete[-1].parent.iterdir() if path.is_file())
        how(this.random.choice(files), this.random)
        this.lost_saves = 1
        this.cluster.start()

    return fault


def truncate(path: Path, chance: random.Random) -> None:
    """A part of the file is missing."""
    os.truncate(path, chance.randrange(path.stat().st_size))


def flip(path: Path, chance: random.Random) -> None:
    """One bit is wrong."""
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def delete(path: Path, chance: random.Random) -> None:
    """The file is gone."""
    path.unlink()


def fill_disk(this: Round) -> None:
    """The disk of one node's checkpoints is full for two seconds."""
    this.wait()
    ballast = this.cluster.base(1) / "checkpoints" / ".ballast"
    this.mark()
    with ballast.open("wb", buffering=0) as stream:
        # Saves that are removed make room again, so it is taken again
        while time.time() < this.broken_at + 2:
            for size in (1 << 16, 512):
                with contextlib.suppress(OSError):
                    while True:
                        stream.write(bytes(size))
            time.sleep(0.02)
    ballast.unlink()
    if "No space left on device" not in (this.cluster.folder / "algo-2.log").read_text():
        this.problems.append("no save met the full disk, so nothing was tested")


def cut_link(seconds: float) -> Callable[[Round], None]:
    """The cable between the nodes is pulled for a while."""

    def fault(this: Round) -> None:
        this.wait()
        assert this.cluster.networks is not None
        this.mark()
        set_link(this.cluster.networks[1], "down")
        time.sleep(seconds)
        set_link(this.cluster.networks[1], "up")

    return fault


FAULTS: dict[str, tuple[Callable[[Round], None], int]] = {
    "kill-rank-0": (kill_rank(0), 4),
    "kill-rank-1": (kill_rank(1), 4),
    "kill-agent-0": (kill_agent(0), 2),
    "kill-agent-1": (kill_agent(1), 2),
    "sigterm": (interrupt, 4),
    "sigstop-rank-0": (stop_rank(0), 2),
    "sigstop-rank-1": (stop_rank(1), 2),
    "truncated-file": (damage(truncate), 3),
    "flipped-bit": (damage(flip), 3),
    "deleted-file": (damage(delete), 3),
    "full-disk": (fill_disk, 2),
    "link-cut-4s": (cut_link(4), 2),
    "link-cut-25s": (cut_link(25), 2),
}
"""Each fault and how many rounds it gets."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What one round showed."""

    fault: str
    recovery_seconds: float
    """The longest time without progress from the disturbance on: to a step that both ranks had not done before."""
    redone_steps: int
    allowed_steps: int
    differing_losses: int
    goodput: float
    """The part of the run's time, from its first step on, that undisturbed steps would have taken."""
    problems: tuple[str, ...]


def play(
    fault: str, chance: random.Random, folder: Path, expected: dict[int, str], digest: str, step_seconds: float
) -> Outcome:
    """Run once with a fault and compare."""
    cluster = Cluster(folder=folder, steps=STEPS)
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
    """A tmpfs of eight megabytes: room for all checkpoints that are kept, and for no ballast."""

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


def plan_rounds(only: str | None) -> list[str]:
    """The faults in the order of the table, each as often as it says."""
    chosen = [name for name in FAULTS if only is None or any(name.startswith(part) for part in only.split(","))]
    if os.geteuid() != 0:
        left_out = [name for name in chosen if name.startswith(("link", "full"))]
        print(f"left out without root: {', '.join(left_out)}" if left_out else "", flush=True)
        chosen = [name for name in chosen if name not in left_out]
    return [name for name in chosen for _ in range(FAULTS[name][1])]


def summarise(outcomes: list[Outcome]) -> list[Figure]:
    """The figures over all rounds, and the recovery time of each fault."""
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
    return figures


def main() -> int:
    """All rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="beginnings of faults' names, with commas between them")
    parser.add_argument("--keep", type=Path, help="keep the folders of rounds with problems here")
    options = parser.parse_args()
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        reference = Path(folder) / "undisturbed"
        reference.mkdir()
        expected, digest, step_seconds = undisturbed(reference)
        for number, fault in enumerate(plan_rounds(options.only)):
            home = Path(folder) / f"{number:02d}-{fault}"
            home.mkdir()
            chance = random.Random(f"{options.seed} {number} {fault}")
            outcome = play(fault, chance, home, expected, digest, step_seconds)
            outcomes.append(outcome)
            verdict = "; ".join(outcome.problems) if outcome.problems else "completed, equal bit by bit"
            print(
                f"{number + 1:3d} {fault:<16} back after {outcome.recovery_seconds:6.2f} s, "
                f"{outcome.redone_steps:2d} steps redone: {verdict}",
                flush=True,
            )
            if outcome.problems and options.keep is not None:
                shutil.copytree(home, options.keep / home.name, dirs_exist_ok=True)
            shutil.rmtree(home, ignore_errors=True)
    notes = (
        f"seed {options.seed}, {STEPS} steps, a save every {INTERVAL}; a damaged newest save costs one interval more"
    )
    return report("faults", summarise(outcomes), notes=notes)


if __name__ == "__main__":
    sys.exit(main())
