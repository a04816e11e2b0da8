"""The kinds of faults: how each disturbs a run, and when."""

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.fault_rounds.cluster import Cluster, set_link
from benchmarks.fault_rounds.sizes import INTERVAL, STEPS

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
    """Saves that the fault itself destroyed, or that S3 lacked: the run must go back as many more intervals."""
    problems: list[str] = field(default_factory=list)

    def wait(self) -> None:
        """Let it train until a random step."""
        self.cluster.wait_for_step(self.random.randint(12, STEPS - 20))

    def mark(self) -> None:
        """Mark the beginning of the disturbance."""
        self.broken_at = time.time()


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One fault, and in which cluster it is played how often."""

    act: Callable[[Round], None]
    rounds: int = 1
    processes: int = 1
    """Ranks of each of the two nodes."""
    servers: int = 0
    """Parameter servers."""


def kill_rank(rank: int) -> Callable[[Round], None]:
    """kill -9 of one rank."""

    def fault(this: Round) -> None:
        this.wait()
        this.mark()
        os.kill(this.cluster.pid(rank), signal.SIGKILL)

    return fault


def kill_task(node: int, name: str) -> Callable[[Round], None]:
    """kill -9 of a process that has no steps of its own: a parameter server, a worker beside one."""

    def fault(this: Round) -> None:
        this.wait()
        this.mark()
        os.kill(this.cluster.pid_of(node, name), signal.SIGKILL)

    return fault


def kill_agent(node: int) -> Callable[[Round], None]:
    """kill -9 of what starts the ranks of a node."""

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
    """SIGTERM to both nodes, as in a spot interruption; other machines resume from what S3 has."""
    this.wait()
    this.mark()
    for node in this.cluster.nodes:
        node.terminate()
    codes = this.cluster.end()
    if codes != [INTERRUPTED] * 2:
        this.problems.append(f"after SIGTERM the launchers ended with {codes}, not with {INTERRUPTED}")
    this.cluster.move()
    this.cluster.start()


def take(this: Round) -> None:
    """Both machines go without a word, as a spot interruption may; others resume from what S3 has."""
    this.wait()
    this.mark()
    this.cluster.kill()
    assert this.cluster.carriage is not None
    kept = this.cluster.carriage.newest_whole_step(len(this.cluster.ranks))
    this.lost_saves = (this.cluster.last_step(0) - kept) // INTERVAL
    this.cluster.move()
    this.cluster.start()


def damage(how: Callable[[Path, random.Random], None]) -> Callable[[Round], None]:
    """Both machines die, and a file of the newest complete checkpoint is damaged."""

    def fault(this: Round) -> None:
        this.wait()
        this.mark()
        this.cluster.kill()
        victim = this.random.choice(this.cluster.ranks)
        folder = this.cluster.base(this.cluster.node_of(victim)) / "checkpoints" / "faults"
        saves = sorted(folder.glob(f"step-*/rank-{victim:05d}/manifest.json"))
        complete = [path for path in saves if _is_complete(this.cluster, path.parts[-3])]
        files = sorted(path for path in complete[-1].parent.iterdir() if path.is_file())
        how(this.random.choice(files), this.random)
        this.lost_saves = 1
        this.cluster.start()

    return fault


def _is_complete(cluster: Cluster, save: str) -> bool:
    below = "checkpoints/faults"
    manifests = [
        cluster.base(cluster.node_of(rank)) / below / save / f"rank-{rank:05d}" / "manifest.json"
        for rank in cluster.ranks
    ]
    return all(path.exists() for path in manifests)


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
        # Removed saves free space, so fill it again
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


FAULTS: dict[str, Kind] = {
    "kill-rank-0": Kind(act=kill_rank(0), rounds=4),
    "kill-rank-1": Kind(act=kill_rank(1), rounds=4),
    "kill-agent-0": Kind(act=kill_agent(0), rounds=2),
    "kill-agent-1": Kind(act=kill_agent(1), rounds=2),
    "sigterm": Kind(act=interrupt, rounds=4),
    "taken": Kind(act=take, rounds=4),
    "sigstop-rank-0": Kind(act=stop_rank(0), rounds=2),
    "sigstop-rank-1": Kind(act=stop_rank(1), rounds=2),
    "truncated-file": Kind(act=damage(truncate), rounds=3),
    "flipped-bit": Kind(act=damage(flip), rounds=3),
    "deleted-file": Kind(act=damage(delete), rounds=3),
    "full-disk": Kind(act=fill_disk, rounds=2),
    "link-cut-4s": Kind(act=cut_link(4), rounds=2),
    "link-cut-25s": Kind(act=cut_link(25), rounds=2),
}
