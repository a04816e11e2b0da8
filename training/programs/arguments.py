"""The options that all entry points share. Hyperparameters arrive as `--name value`, names with underscores."""

import argparse
import math

from contract.hyperparameters import as_switch


def switch(text: str) -> bool:
    """Read true or false, in any case."""
    value = as_switch(text)
    if value is None:
        raise argparse.ArgumentTypeError(f"{text!r} must be true or false")
    return value


def positive(text: str) -> int:
    """A whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number above 0")
    return int(text)


def whole(text: str) -> int:
    """A whole number, 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number, 0 or more")
    return int(text)


def above_zero(text: str) -> float:
    """A number above 0; neither nan nor inf is one."""
    number = _finite(text)
    if number is None or number <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number above 0")
    return number


def not_negative(text: str) -> float:
    """A number, 0 or more."""
    number = _finite(text)
    if number is None or number < 0:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number, 0 or more")
    return number


def _finite(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def add_common(
    parser: argparse.ArgumentParser, *, batch_size: int, learning_rate: float, timeout_seconds: float
) -> None:
    """Add the options that depend neither on the model nor on the framework."""
    add = parser.add_argument
    add("--batch_size", type=positive, default=batch_size, help="samples of one step on one rank")
    add("--learning_rate", type=above_zero, default=learning_rate, help="peak learning rate")
    add("--max_steps", type=positive, default=None, help="stop after this many steps (None: as --epochs says)")
    add("--seed", type=whole, default=1, help="seed of the model's start values, the order of the data and dropout")
    add("--log_steps", type=positive, default=10, help="steps from one metric line to the next")
    add("--checkpoint_steps", type=positive, default=None, help="steps from one save to the next (None: not by steps)")
    add("--checkpoint_seconds", type=above_zero, default=60.0, help="seconds from one save to the next")
    add(
        "--checkpoint_folder", default=None, help="s3://bucket/prefix/ saves straight to S3 (None: /opt/ml/checkpoints)"
    )
    add("--checkpoint_keep", type=positive, default=3, help="complete checkpoints that are kept")
    add(
        "--timeout_seconds",
        type=above_zero,
        default=timeout_seconds,
        help="a collective that takes longer has lost a rank",
    )
