"""A program for tests of torchrun: steps that are agreed by all ranks, a file for each, and a stop at SIGTERM."""

import time

from tests.support.training.launching import Node

LOOP = """
import os, signal, sys, time
from datetime import timedelta
import torch, torch.distributed as dist

stop = [False]
signal.signal(signal.SIGTERM, lambda *_: stop.__setitem__(0, True))
dist.init_process_group("gloo", timeout=timedelta(seconds=20))
rank, world, attempt = dist.get_rank(), dist.get_world_size(), int(os.environ["SHARDYARD_ATTEMPT"])
steps = int(sys.argv[1])
path = os.path.join(os.environ["SAGEMAKER_BASE_DIR"], "checkpoints", f"step-{rank}")
start = torch.tensor(int(open(path).read()) if os.path.exists(path) else 0)
dist.all_reduce(start, op=dist.ReduceOp.MIN)
print(f"begin rank={rank} world={world} attempt={attempt} pid={os.getpid()} start={int(start)}", flush=True)
for step in range(int(start), steps):
    flag = torch.tensor([1 if stop[0] else 0])
    dist.all_reduce(flag, op=dist.ReduceOp.MAX)
    # Renamed into place: a rank that is killed in between leaves no empty file
    open(path + ".new", "w").write(str(step))
    os.replace(path + ".new", path)
    if flag.item():
        print(f"saved rank={rank} step={step}", flush=True)
        dist.destroy_process_group()
        sys.exit(75)
    if step == int(start):
        print(f"step rank={rank} attempt={attempt} step={step} at={time.time()}", flush=True)
    time.sleep(0.02)
dist.barrier()
dist.destroy_process_group()
print(f"done rank={rank}", flush=True)
"""


def pid_of(node: Node, rank: int, attempt: int = 0) -> int:
    """The process of a rank."""
    return int(node.wait_for(rf"begin rank={rank} .*attempt={attempt} pid=(\d+)")[1])


def started(node: Node, rank: int, attempt: int) -> float:
    """When a rank had done its first step."""
    return float(node.wait_for(rf"step rank={rank} attempt={attempt} .*at=([\d.]+)")[1])


def wait_for_step(node: Node, rank: int, step: int, seconds: float = 120) -> None:
    """Wait until a rank has done a step."""
    path = node.base / "checkpoints" / f"step-{rank}"
    deadline = time.monotonic() + seconds
    while not path.exists() or int(path.read_text()) < step:
        assert time.monotonic() < deadline, f"rank {rank} did not come to step {step}:\n{node.output}"
        time.sleep(0.01)
