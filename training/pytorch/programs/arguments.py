"""The options that PyTorch's entry points share."""

import argparse

from training.programs.arguments import add_common
from training.pytorch.process_group import TIMEOUT_SECONDS


def make_parser(description: str | None, *, batch_size: int, learning_rate: float) -> argparse.ArgumentParser:
    """A parser with the options that do not depend on the model."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add_common(parser, batch_size=batch_size, learning_rate=learning_rate, timeout_seconds=TIMEOUT_SECONDS)
    parser.add_argument(
        "--backend", choices=("gloo", "nccl", "smddp"), default=None, help="None: nccl on GPUs, gloo on CPUs"
    )
    return parser
