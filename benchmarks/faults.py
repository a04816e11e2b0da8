"""Faults of every kind, one per run, compared with an undisturbed run: steps redone, time lost, differences.

    python -m benchmarks.faults [--seed 1] [--only kill-rank,link-cut-4s] [--weather pessimistic]

Checkpoints are restored from an embedded cloud's S3 and copied there as SageMaker does, in fair and in pessimistic
weather. Link cuts, in whose networks there is no S3, and damaged files, which a copy would mend, do without, once.
Link cuts need root (two network namespaces) and the full disk needs a tmpfs; without root they are left out, and said.
"""

import sys

from benchmarks.fault_rounds.cluster import PYTORCH
from benchmarks.fault_rounds.command import main
from benchmarks.fault_rounds.kinds import FAULTS

if __name__ == "__main__":
    sys.exit(main("faults", __doc__, PYTORCH, FAULTS))
