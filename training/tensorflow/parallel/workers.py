"""This process among all: alone, one of many equal workers, or the coordinator of workers and parameter servers."""

import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf
from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
from tensorflow.python.eager import context

from contract.world import World
from training.saves.peers import Peers
from training.tensorflow.cluster import Cluster
from training.tensorflow.hardware import local_gpus, prepare_devices
from training.tensorflow.parallel.joining import limited
from training.tensorflow.parallel.lost import TaskLost, blamed, describe, is_loss
from training.tensorflow.parallel.messages import Messages
from training.tensorflow.parallel.servers import coordinate, serve

TIMEOUT_SECONDS = 60.0
"""A collective that takes longer has lost a worker. Raise it for models whose single step takes that long."""
JOIN_SECONDS = 300.0
"""How long the tasks of one start may be apart: TensorFlow itself takes seconds to import, from a cold disk more."""
LEAVE_SECONDS = 10.0
"""How long a worker that is done waits for the others."""
ROLL_CALL_SECONDS = 3.0
"""How long the others have to say that they are there, when a collective has failed and names nobody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workers:
    """What a program needs to know of the processes that train together."""

    strategy: Any
    """The `tf.distribute.Strategy` in whose scope variables are made."""
    peers: Peers = field(default_factory=Peers)
    coordinator: Any = None
    """The `ClusterCoordinator` that steps are given to, where there are parameter servers."""
    workers: int = 1
    """How many processes compute steps."""

    @property
    def world(self) -> World:
        """This process among those that have data and checkpoints."""
        return self.peers.world

    @property
    def is_first(self) -> bool:
        """Whether this process prints, and writes what is written once."""
        return self.peers.is_first

    @property
    def replicas_here(self) -> int:
        """How many copies of the model this process feeds: one per GPU, or one."""
        return max(1, int(self.strategy.num_replicas_in_sync) // self.world.world_size)

    def gather(self, number: int) -> list[int]:
        """One number of each worker, in their order: how they learn of each other's data."""
        return [int(one) for one in self.peers.gather(number)]


@contextmanager
def connect(*, timeout_seconds: float = TIMEOUT_SECONDS, environ: Mapping[str, str] = os.environ) -> Iterator[Workers]:
    """Join the tasks that TF_CONFIG names, leave them at the end; a single process without it.

    A parameter server, and a worker beside one, serve inside of this call and end with it. It comes before anything
    that makes TensorFlow look for devices.
    """
    cluster = Cluster.from_environ(environ)
    prepare_devices(environ)
    if cluster is not None and cluster.has_servers:
        if cluster.me.type != "chief":
            sys.exit(serve(cluster, join_seconds=JOIN_SECONDS))
        with coordinate(cluster, join_seconds=JOIN_SECONDS) as coordinator:
            yield Workers(strategy=coordinator.strategy, coordinator=coordinator, workers=len(cluster.of("worker")))
        return
    if cluster is None or len(cluster.equals) == 1:
        yield Workers(strategy=tf.distribute.MirroredStrategy() if local_gpus() > 1 else tf.distribute.get_strategy())
        return
    strategy = _join(cluster, timeout_seconds)
    rank = cluster.equals.index(cluster.me)
    messages = Messages(cluster.equals, rank, timeout_seconds)
    try:
        world = _find_neighbours(messages, rank, len(cluster.equals), environ)
        peers = Peers(world=world, gather=messages.gather, ballot=messages.vote)
        yield Workers(strategy=strategy, peers=peers, workers=len(cluster.equals))
    except Exception as error:
        if is_loss(error):
            raise _named(error, cluster, messages) from error
        raise


def _join(cluster: Cluster, timeout_seconds: float) -> Any:
    """The strategy, with a limit to every wait: without them TensorFlow waits an hour, or for ever."""
    counts = {type_: len(cluster.of(type_)) for type_ in ("chief", "worker") if cluster.of(type_)}
    first = cluster.equals[0]
    context.context().configure_coordination_service(
        service_type="standalone",
        service_leader=f"/job:{first.type}/replica:0/task:{first.index}",
        cluster_register_timeout_in_ms=int(JOIN_SECONDS * 1000),
        # A process that stands still answers no heartbeat, and TensorFlow then ends the collectives of all others
        heartbeat_timeout_in_ms=int(timeout_seconds * 500),
        shutdown_barrier_timeout_in_ms=int(LEAVE_SECONDS * 1000),
        coordinated_jobs=[
            coordination_config_pb2.CoordinatedJob(name=type_, num_tasks=count) for type_, count in counts.items()
        ],
    )
    options = tf.distribute.experimental.CommunicationOptions(timeout_seconds=timeout_seconds)
    try:
        with limited(JOIN_SECONDS):
            return tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    except tf.errors.OpError as error:
        if is_loss(error):
            message = describe(error, blamed(error, cluster), cluster)
            raise TaskLost(f"{message} (the tasks of a cluster have {JOIN_SECONDS:g} s to come together)") from error
        raise


def _find_neighbours(messages: Messages, rank: int, world_size: int, environ: Mapping[str, str]) -> World:
    """Which workers sit on the same node, and so see the same disk."""
    here = (environ.get("SM_CURRENT_HOST", ""), socket.gethostname())
    hosts = messages.gather(here)
    neighbours = [other for other, host in enumerate(hosts) if host == here]
    nodes = list(dict.fromkeys(hosts))
    return World(
        rank=rank,
        world_size=world_size,
        local_rank=neighbours.index(rank),
        local_world_size=len(neighbours),
        group_rank=nodes.index(here),
    )


def _named(error: Exception, cluster: Cluster, messages: Messages) -> TaskLost:
    """The loss with the name of who is lost: TensorFlow's message has it, or the missing one answers no roll call."""
    lost = blamed(error, cluster) or messages.call_the_roll(ROLL_CALL_SECONDS)
    message = describe(error, lost, cluster)
    print(message, file=sys.stderr, flush=True)
    return TaskLost(message)
