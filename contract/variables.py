"""The variables that one side of a container's wall sets and another reads."""

ENTRY = "SHARDYARD_ENTRY"
"""The module, script or executable that each rank runs."""

ARGUMENTS = "SHARDYARD_ARGUMENTS"
"""A JSON list: the program's fixed arguments, before its hyperparameters."""

LAUNCHER = "SHARDYARD_LAUNCHER"
"""The strategy that starts the ranks."""

PROCESSES_PER_NODE = "SHARDYARD_PROCESSES_PER_NODE"
"""How many ranks each node runs, where the launcher is not to count accelerators."""

RUN_ID = "SHARDYARD_RUN_ID"
"""The logical run that checkpoints belong to."""

SOURCE_SHA256 = "SHARDYARD_SOURCE_SHA256"
"""The sha256 that the code channel's zip must have."""

ATTEMPT = "SHARDYARD_ATTEMPT"
"""Which start of the ranks this is within one training job; the launcher counts."""

HOST_ADDRESSES = "SHARDYARD_HOST_ADDRESSES"
"""JSON, host to address: replaces name resolution where several nodes share one machine without namespaces."""
