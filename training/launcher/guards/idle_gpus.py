"""GPUs that bill and that the container does not see: the job is refused before anything of it runs."""

import os
from collections.abc import Sequence

from contract.variables import WITHOUT_GPUS
from training.launcher import network
from training.launcher.endings import failure


def refuse(instance_types: Sequence[str]) -> None:
    """For a container that sees no GPU; of several types, any of which it may run on, each must have GPUs.

    Without this the program would run on the processors, and the GPUs would bill.
    """
    if os.environ.get(WITHOUT_GPUS) == "1":
        return
    counts = [network.gpus(instance_type) for instance_type in instance_types]
    if counts and all(counts):
        instance_type, has = instance_types[0], counts[0]
        raise failure.LaunchRefused(
            f"{instance_type} has {has} GPU{'s' if has > 1 else ''}, and this container sees none: its image must set "
            "NVIDIA_VISIBLE_DEVICES=all and NVIDIA_DRIVER_CAPABILITIES=compute,utility, or come from one that does; "
            "or take an instance type without GPUs; to train on its processors: without_gpus = true in [program]"
        )
