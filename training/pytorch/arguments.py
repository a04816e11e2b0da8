"""The options that all entry points share. Hyperparameters arrive as `--name value`, names with underscores."""

import argparse
from collections.abc import Sequence


def switch(text: str) -> bool:
    """true or false, in any case: hyperparameters are text."""
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"{text!r} must be true or false")
    return text.lower() == "true"


def positive(text: str) -> int:
    """A whole number above 0."""
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number above 0")
    return int(text)


def make_parser(description: str | None, *, batch_size: int, learning_rate: float) -> argparse.ArgumentParser:
    """A parser with the options that do not depend on the model."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("--batch_size", type=positive, default=batch_size, help="samples of one step on one rank")
    add("--learning_rate", type=float, default=learning_rate, help="peak learning rate")
    add("--max_steps", type=positive, default=None, help="stop after this many steps (None: as --epochs says)")
    add("--seed", type=int, default=1, help="seed of the model's start values, the order of the data and dropout")
    add("--log_steps", type=positive, default=10, help="print a metric line every so many steps")
    add("--checkpoint_steps", type=positive, default=None, help="save every so many steps (None: not by steps)")
    add("--checkpoint_seconds", type=float, default=60.0, help="save every so many seconds")
    add(
        "--checkpoint_folder", default=None, help="s3://bucket/prefix/ saves straight to S3 (None: /opt/ml/checkpoints)"
    )
    add("--checkpoint_keep", type=positive, default=3, help="complete checkpoints that are kept")
    add("--backend", choices=("gloo", "nccl", "smddp"), default=None, help="None: nccl on GPUs, gloo on CPUs")
    add("--timeout_seconds", type=float, default=30.0, help="a collective that takes longer has lost a rank")
    return parser


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse, and check what concerns more than one option."""
    options = parser.parse_args(arguments)
    for name in ("learning_rate", "timeout_seconds", "checkpoint_seconds"):
        value = getattr(options, name)
        if value is not None and value <= 0:
            parser.error(f"--{name} is {value} and must be above 0")
    return options
