"""The rounds of TensorFlow: equal workers, four of them too, and parameter servers with who they serve."""

from benchmarks.fault_rounds.cluster import Framework
from benchmarks.fault_rounds.kinds import (
    Kind,
    cut_link,
    damage,
    delete,
    fill_disk,
    flip,
    interrupt,
    kill_agent,
    kill_rank,
    kill_task,
    stop_rank,
    take,
    truncate,
)

FAULTS: dict[str, Kind] = {
    "kill-rank-0": Kind(act=kill_rank(0), rounds=2),
    "kill-rank-1": Kind(act=kill_rank(1), rounds=2),
    "kill-agent-0": Kind(act=kill_agent(0)),
    "kill-agent-1": Kind(act=kill_agent(1)),
    "sigterm": Kind(act=interrupt, rounds=2),
    "taken": Kind(act=take, rounds=2),
    "sigstop-rank-0": Kind(act=stop_rank(0)),
    "sigstop-rank-1": Kind(act=stop_rank(1)),
    "truncated-file": Kind(act=damage(truncate)),
    "flipped-bit": Kind(act=damage(flip)),
    "deleted-file": Kind(act=damage(delete)),
    "full-disk": Kind(act=fill_disk),
    "link-cut-4s": Kind(act=cut_link(4)),
    "link-cut-25s": Kind(act=cut_link(25)),
    "four-kill-rank-3": Kind(act=kill_rank(3), processes=2),
    "four-sigterm": Kind(act=interrupt, processes=2),
    "four-taken": Kind(act=take, processes=2),
    "served-kill-chief": Kind(act=kill_rank(0), servers=1),
    "served-kill-server": Kind(act=kill_task(1, "ps-0"), servers=1),
    "served-kill-worker": Kind(act=kill_task(1, "worker-1"), servers=1),
    "served-sigterm": Kind(act=interrupt, servers=1),
}


def framework(python: str) -> Framework:
    """How the launcher is called, with the Python that has TensorFlow."""
    return Framework(
        program="benchmarks.fault_rounds.tensorflow_program",
        launcher="tensorflow",
        host="tensorflow-host",
        python=python,
        variables={
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "CUDA_VISIBLE_DEVICES": "",
            "TF_NUM_INTRAOP_THREADS": "1",
            "TF_NUM_INTEROP_THREADS": "2",
        },
    )
