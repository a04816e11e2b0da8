"""The variables that one side of a container's wall sets and another reads."""

PREFIX = "SHARDYARD_"
"""What they all begin with: a job may set no variable of such a name."""

ENTRY = "SHARDYARD_ENTRY"
"""The module, script or executable that each rank runs."""

ARGUMENTS = "SHARDYARD_ARGUMENTS"
"""A JSON list: the program's fixed arguments, before its hyperparameters."""

LAUNCHER = "SHARDYARD_LAUNCHER"
"""The strategy that starts the ranks."""

PROCESSES_PER_NODE = "SHARDYARD_PROCESSES_PER_NODE"
"""How many ranks each node runs, where the launcher is not to count accelerators."""

CPUS = "SHARDYARD_CPUS"
"""A node's share of the processors, where several nodes share one machine."""

RUN_ID = "SHARDYARD_RUN_ID"
"""The logical run that checkpoints belong to."""

REQUIREMENTS_SHA256 = "SHARDYARD_REQUIREMENTS_SHA256"
"""The list of the code's packages that are there already, so that the launcher need not install them."""

SOURCE_SHA256 = "SHARDYARD_SOURCE_SHA256"
"""The sha256 that the code channel's zip must have."""

ATTEMPT = "SHARDYARD_ATTEMPT"
"""Which start of the ranks this is within one training job; the launcher counts."""

HOST_ADDRESSES = "SHARDYARD_HOST_ADDRESSES"
"""JSON, host to address: replaces name resolution where several nodes share one machine without namespaces."""

JOB = "SHARDYARD_JOB"
"""The job file's name."""

CHECKPOINT_DIR = "SHARDYARD_CHECKPOINT_DIR"
"""The folder for checkpoints, where it is not /opt/ml/checkpoints."""

CHECKPOINT_S3 = "SHARDYARD_CHECKPOINT_S3"
"""The place in S3 to which SageMaker copies that folder: what must outlive the instance is looked up and sent there."""

TENSORBOARD_DIR = "SHARDYARD_TENSORBOARD_DIR"
"""The folder for TensorBoard's event files outside of SageMaker."""

HOST_WAIT_SECONDS = "SHARDYARD_HOST_WAIT_SECONDS"
"""How long the launcher waits for the other nodes, first for their names."""

STOP_GRACE_SECONDS = "SHARDYARD_STOP_GRACE_SECONDS"
"""How long the program may take to save after SIGTERM."""

MAX_RESTARTS = "SHARDYARD_MAX_RESTARTS"
"""How often torchrun restarts all ranks after a failure."""

FORK = "SHARDYARD_FORK"
"""`0` starts each rank as a new Python: for a program that cannot live in a fork."""

RENDEZVOUS_PORT = "SHARDYARD_RENDEZVOUS_PORT"
"""The port on the first node at which torchrun's agents meet."""

WITHOUT_GPUS = "SHARDYARD_WITHOUT_GPUS"
"""`1` where no instance has the GPUs of its type, as in the embedded cloud; anywhere else that is an error."""

MPI_SOCKET = "SHARDYARD_MPI_SOCKET"
"""Where a node's launcher listens for what mpirun starts on it."""

SECRET = "SHARDYARD_SECRET"
"""Followed by `_` and a variable's name: where in Secrets Manager that variable's value lies."""

LONGEST_SILENCE = "SHARDYARD_LONGEST_SILENCE"
"""For how many seconds no rank may print and no result be written, until the run is ended; 0: for ever."""

LONGEST_STEP = "SHARDYARD_LONGEST_STEP"
"""For how many seconds the step that is printed may stay the same, until the run is ended; 0: for ever."""

STOP_ON_NAN = "SHARDYARD_STOP_ON_NAN"
"""`1` ends the run, by a save where the program saves on SIGTERM, when it prints a loss that is nan or infinite."""
