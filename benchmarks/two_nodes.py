"""Two nodes of the embedded cloud against the same two ranks started by hand, one thread each, in turns.

The script times its own steps after a warm-up, so that neither's start counts. By hand the ranks run in the image's own
environment, as the nodes do.
"""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

from benchmarks._newcomer import Newcomer, newcomer
from benchmarks._report import Figure, report
from embedded.nodes.image_environment import environment_folder

JOB = "pair"
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
_SCRIPT = """\
import os
import time

import torch
import torch.distributed as dist

STEPS, WARM, BATCH = 620, 20, 64
dist.init_process_group("gloo")
torch.manual_seed(0)
wide = [torch.nn.Linear(512, 512), torch.nn.ReLU(), torch.nn.Linear(512, 512), torch.nn.ReLU()]
layers = [*wide, torch.nn.Linear(512, 10)]
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Sequential(*layers))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
x, y = torch.randn(BATCH, 512), torch.randint(10, (BATCH,))
for step in range(1, STEPS + 1):
    if step == WARM + 1:
        dist.barrier()
        began = time.perf_counter()
    loss = torch.nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
dist.barrier()
rate = 2 * BATCH * (STEPS - WARM) / (time.perf_counter() - began)
if dist.get_rank() == 0:
    threads = torch.get_num_threads()
    print(f"metric step={STEPS} loss={loss.item()} samples_per_second={rate} threads={threads}", flush=True)
dist.destroy_process_group()
"""
_RATE = re.compile(r"samples_per_second=([0-9.]+) threads=(\d+)")


def here(who: Newcomer) -> tuple[float, int]:
    """Samples per second and threads of a rank, on two nodes of the cloud."""
    said = who.yard("train", JOB, "--count", "2", "--yes", "--follow")
    return _read(said)


def by_hand(who: Newcomer) -> tuple[float, int]:
    """The same of two processes side by side."""
    python = environment_folder(who.folder / "containers/pytorch/requirements.txt") / "bin/python"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    meeting = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    ranks = [
        subprocess.Popen(
            [str(python), "code/train.py"],
            cwd=who.folder,
            env={**os.environ, **meeting, "RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    said = [rank.communicate(timeout=300)[0] for rank in ranks]
    return _read(said[0])


def _read(said: str) -> tuple[float, int]:
    found = _RATE.search(said)
    if found is None:
        raise RuntimeError(said)
    return float(found[1]), int(found[2])


def prepare(who: Newcomer) -> None:
    """The job, deployed, with its image."""
    code = who.folder / "code/train.py"
    code.parent.mkdir()
    code.write_text(_SCRIPT)
    who.start_cloud()
    who.yard("init", "job", JOB, "--script", str(Path("code/train.py")))
    who.run("npx", "cdk", "bootstrap")
    who.deploy()
    who.yard("image", "push", "pytorch")


def main() -> int:
    """Measure in turns, and compare the best of each: a busy machine only ever slows one down."""
    with newcomer("pair") as who:
        prepare(who)
        turns = [(here(who), by_hand(who)) for _ in range(ROUNDS)]
    ours, theirs = max(turn[0][0] for turn in turns), max(turn[1][0] for turn in turns)
    figures = [
        Figure(name="two ranks by hand, one thread each", value=theirs, unit="samples/s"),
        Figure(name="two nodes of the embedded cloud", value=ours, unit="samples/s"),
        Figure(name="threads of a node's rank", value=turns[0][0][1], unit="threads"),
        Figure(name="two nodes over two ranks by hand", value=ours / theirs, unit="ratio", at_least=0.9),
    ]
    return report("two_nodes", figures, notes=f"the best of {ROUNDS} each, in turns")


if __name__ == "__main__":
    sys.exit(main())
