"""What a training container is called."""

import random

from embedded.weather.condition import Choice, Source

HOSTNAMES = Choice(
    "hostnames",
    fair="algo",
    pessimistic="random",
    about="whether a container's own host name is its algo-N, or one that no other node can resolve",
    source=Source(
        text="aws/deep-learning-containers, Dockerfile.cuda: 'hostname workaround' and start_with_right_hostname.sh, "
        "which Open MPI and NCCL need there",
        date="2026-08-21",
    ),
)


def hostname(host: str) -> str:
    """The host name of a node; each node draws its own."""
    if HOSTNAMES.value == HOSTNAMES.fair:
        return host
    return f"ip-10-{'-'.join(str(random.randrange(256)) for _ in range(3))}.ec2.internal"
