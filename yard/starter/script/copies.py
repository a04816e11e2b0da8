"""Whether the nodes of a job would each train the same, as far as its source tells."""

import re
from pathlib import Path

from shardyard.spec.errors import SpecError
from shardyard.spec.jobs.code.files import source_files
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec

_KNOWS_OTHERS = re.compile(
    rb"init_process_group|Accelerator|Trainer|Fabric|Strategy|TF_CONFIG|mpi4py|horovod|deepspeed|jax\.distributed|"
    rb"torchrun|torch\.distributed|\bRANK\b|NODE_RANK|WORLD_SIZE|MASTER_ADDR|SM_HOSTS|SM_CURRENT_HOST|resourceconfig|"
    rb"current_host|rabit|collective|\bray\b|\bdask\b|GROUP_NUMBER|SM_RESOURCE_CONFIG|SM_TRAINING_ENV"
)
"""What source writes that tells its node from others, or lets a library do so."""


def copies_said(root: Path, spec: LaunchedSpec) -> str | None:
    """One sentence if several nodes would do the same work; None where they do not, or where that is not known."""
    if not isinstance(spec, JobSpec) or spec.source is None or spec.program is None:
        return None
    count = sum(count for _, count in spec.compute.alternatives[0])
    is_dealt_out = any(channel.distribution == "ShardedByS3Key" for channel in spec.channels.values())
    if count < 2 or spec.program.launcher != "plain" or is_dealt_out or not spec.program.entry.endswith(".py"):
        return None
    words = "\0".join([*spec.program.arguments, *map(str, spec.hyperparameters.values())]).encode()
    try:
        files = source_files(root, spec.source.dir).files
        code = [words, *(path.read_bytes() for path in files.values() if path.suffix in (".py", ".sh"))]
    except (SpecError, OSError):
        return None  # whoever checks or uploads the code says what is wrong with it
    if any(map(_KNOWS_OTHERS.search, code)):
        return None
    return (
        f"{count} instances run {spec.program.entry} from beginning to end, and nothing in {spec.source.dir} tells one "
        f"from another: {count} identical copies will run and bill. Leave compute.count = 1, or make them ranks of a "
        'group (program.launcher = "torchrun").'
    )
