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

PARAMETER_SERVERS = "SHARDYARD_PARAMETER_SERVERS"
"""How many parameter servers a TensorFlow job has; by default none, or one per host of the group below."""

SERVER_GROUP = "SHARDYARD_SERVER_GROUP"
"""The instance group whose hosts run parameter servers and no worker."""

STANDS_IN = "SHARDYARD_STANDS_IN"
"""The sentence that a program says first where it stands in for something of AWS."""

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
"""How often `torchrun` and `tensorflow` start the ranks again after a failure."""

FORK = "SHARDYARD_FORK"
"""`0` starts each rank as a new Python: for a program that cannot live in a fork."""

RENDEZVOUS_PORT = "SHARDYARD_RENDEZVOUS_PORT"
"""The port on the first node at which the nodes of `torchrun` and `tensorflow` meet."""

WITHOUT_GPUS = "SHARDYARD_WITHOUT_GPUS"
"""`1` where no instance has the GPUs of its type, as in the embedded cloud, or the job says so; else an error."""

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

SLOW_RANK = "SHARDYARD_SLOW_RANK"
"""What a rank that is slower than the others brings about, and from which ratio on: `warn:1.5` or `stop:2`."""

SERVING_BATCH = "SHARDYARD_SERVING_BATCH"
"""How many requests a serving worker may answer at once; by default what its handler can."""

SERVING_DRAIN_SECONDS = "SHARDYARD_SERVING_DRAIN_SECONDS"
"""How long requests in flight may take after SIGTERM."""

SERVING_HOST = "SHARDYARD_SERVING_HOST"
"""The address at which a serving process listens outside of a container; inside, every address of its own."""

SERVING_LOAD = "SHARDYARD_SERVING_LOAD"
"""`worker` loads the model in each serving worker; by default it is loaded once and shared where it survives a fork."""

SERVING_MEMORY_MB = "SHARDYARD_SERVING_MEMORY_MB"
"""What all models of a multi-model container may take together; by default most of the memory that it has."""

SERVING_METRICS_SECONDS = "SHARDYARD_SERVING_METRICS_SECONDS"
"""How often a serving container prints its line of metrics; 0: never."""

SERVING_MODULE = "SHARDYARD_SERVING_MODULE"
"""The module of the image whose functions answer, in place of a program in the model's code/ or of its files."""

SERVING_QUEUE = "SHARDYARD_SERVING_QUEUE"
"""How many requests may wait for a serving worker before new ones are refused."""

SERVING_RANKS = "SHARDYARD_SERVING_RANKS"
"""Over how many processes, or GPUs, each serving worker spreads a model that one cannot hold."""

SERVING_RETRIES = "SHARDYARD_SERVING_RETRIES"
"""How often a request is tried again after the death of its worker; `0` for a handler that must not run twice."""

SERVING_SLOTS = "SHARDYARD_SERVING_SLOTS"
"""How many token streams a serving worker advances together, and requests to an async program it has under way."""
