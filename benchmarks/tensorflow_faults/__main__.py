"""Faults of every kind while TensorFlow trains, as `benchmarks.faults` has them for PyTorch.

    python -m benchmarks.tensorflow_faults [--seed 1] [--only kill-rank,four] [--weather pessimistic]

Two workers; with `four`, two on each node; with `served`, a chief and two workers beside a parameter server, where no
two runs have equal losses: there only what was redone is compared. Needs the environment of containers/tensorflow.
"""

import sys

from benchmarks.fault_rounds.command import main
from benchmarks.fault_rounds.tensorflow import FAULTS, framework
from benchmarks.tensorflow.interpreter import interpreter

if __name__ == "__main__":
    sys.exit(main("tensorflow_faults", __doc__, framework(interpreter()), FAULTS))
