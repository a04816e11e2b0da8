"""The network and then the GPT, in one group of ranks: to start a run takes longer than either of them."""

import argparse
from collections.abc import Sequence

import network  # type: ignore[import-not-found]
import overlap  # type: ignore[import-not-found]

from training.programs.entry import reasons_without_traceback
from training.pytorch.process_group import connect
from training.reporting.metrics import Metrics


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--tries", nargs="+", default=["128:0.001:1"], metavar="BATCH:RATE:SEED", help="of the network")
    add("--samples", type=int, default=12288, help="that each try learns from, all ranks together")
    add("--ways", nargs="+", choices=tuple(overlap.BUCKET_MB), default=["many"], help="of the GPT")
    add("--batches", type=int, default=8, help="of each way")
    add("--seed", type=int, default=1, help="of the GPT")
    options = parser.parse_args(arguments)
    with reasons_without_traceback("both"), connect() as ranks, Metrics(ranks) as metrics:
        network.train(options, ranks, metrics)
        overlap.train(options, ranks, metrics)


if __name__ == "__main__":
    main()
