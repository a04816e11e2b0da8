"""torch's c10d rendezvous for a fixed set of nodes in a fixed order, and the store that it lives in."""

import contextlib
import os
import time
from datetime import timedelta
from typing import Any

import torch.distributed as dist
from torch.distributed.elastic.rendezvous import RendezvousConnectionError, dynamic_rendezvous
from torch.distributed.elastic.rendezvous.c10d_rendezvous_backend import C10dRendezvousBackend

from training.launcher.forking.order import REJOIN_SECONDS, Order

_GOODBYE_SECONDS = 10.0


class Rendezvous(dynamic_rendezvous.DynamicRendezvousHandler):  # type: ignore[misc]
    """torch's c10d rendezvous for a fixed set of nodes in a fixed order."""

    attempt = 0
    """The number of this attempt, the same on every node: elastic's own count is each agent's."""

    @property
    def use_agent_store(self) -> bool:
        """No: rank 0 of each attempt hosts a new store."""
        return False

    def next_rendezvous(self) -> Any:
        """Join the next round; a dead agent of this same node does not keep the place."""
        self._forget_predecessors()
        info = super().next_rendezvous()
        self.attempt = self._state_holder.state.round
        # The first round waits for machines that start minutes apart; afterwards all of them are there
        self._settings.timeout._join = timedelta(seconds=REJOIN_SECONDS)
        return info

    def num_nodes_waiting(self) -> int:
        """How many nodes want a new round; a store that cannot be reached is no reason to stop healthy ranks."""
        try:
            return int(super().num_nodes_waiting())
        except RendezvousConnectionError:
            return 0

    def present(self) -> set[int]:
        """The node ranks that take part or wait."""
        state = self._state_holder.state
        return {int(node.addr.partition("/")[0]) for node in (*state.participants, *state.wait_list)}

    def _forget_predecessors(self) -> None:
        holder = self._state_holder
        while True:
            holder.sync()
            state = holder.state
            known = {*state.participants, *state.wait_list, *state.redundancy_list}
            stale = {node for node in known if node.addr == self._this_node.addr and node != self._this_node}
            if not stale:
                return
            for node in stale:
                state.participants.pop(node, None)
                state.last_heartbeats.pop(node, None)
                state.wait_list.discard(node)
                state.redundancy_list.discard(node)
            dynamic_rendezvous._remove_participant_epilogue(state, self._settings)
            holder.mark_dirty()
            holder.sync()


def connect(order: Order) -> Any:
    """This node's connection to the store; a single node's agent hosts it itself."""
    return _tcp_store(order, is_master=order.nodes == 1)


def run_store(order: Order) -> None:
    """Host the rendezvous store: on the first node only, and apart from its agent, whose death it survives."""
    store = _tcp_store(order, is_master=True)
    while store is not None:
        time.sleep(3600)


def make_rendezvous(order: Order, store: Any) -> Rendezvous:
    """The rendezvous of this node's agent."""
    # A second between two looks, as torch has it, is most of a restart; many nodes must not flood the one store
    interval = 0.01 if order.nodes == 1 else 0.05 + order.nodes / 500
    dynamic_rendezvous._delay = lambda seconds: time.sleep(interval)
    # Nobody reads these events, and each one walks the stack and reads source files to find its caller's name
    dynamic_rendezvous.construct_and_record_rdzv_event = lambda **event: None
    dynamic_rendezvous.get_method_name = lambda: ""
    backend = C10dRendezvousBackend(store, order.run_id)
    settings = dynamic_rendezvous.RendezvousSettings(
        run_id=order.run_id,
        min_nodes=order.nodes,
        max_nodes=order.nodes,
        timeout=dynamic_rendezvous.RendezvousTimeout(
            join=timedelta(seconds=order.wait_seconds),
            last_call=timedelta(seconds=1),
            close=timedelta(seconds=5),
            heartbeat=timedelta(seconds=5),
        ),
        keep_alive_interval=timedelta(seconds=1),
        keep_alive_max_attempt=5,
    )
    holder = dynamic_rendezvous._BackendRendezvousStateHolder(backend, settings, cache_duration=interval)
    # Elastic orders nodes by this text: with the number first, algo-10 comes after algo-9
    node = dynamic_rendezvous._NodeDesc(f"{order.node_rank:05d}/{order.host}", os.getpid(), 0)
    return Rendezvous(node, settings, "c10d", store, holder)


def say_goodbye(store: Any, order: Order) -> None:
    """The first node's store must outlive the last question of every other node."""
    if order.nodes == 1:
        return
    with contextlib.suppress(RuntimeError, ValueError):
        store.set(f"shardyard/goodbye/{order.node_rank}", "1")
        deadline = time.monotonic() + _GOODBYE_SECONDS
        keys = [f"shardyard/goodbye/{number}" for number in range(order.nodes)]
        while order.node_rank == 0 and not store.check(keys) and time.monotonic() < deadline:
            time.sleep(0.02)


def _tcp_store(order: Order, *, is_master: bool) -> Any:
    alone = order.nodes == 1
    rejoin = timedelta(seconds=REJOIN_SECONDS)
    store = dist.TCPStore(
        "127.0.0.1" if alone else order.master_address,
        0 if alone else order.port,
        is_master=is_master,
        multi_tenant=True,
        wait_for_workers=False,
        timeout=rejoin if is_master else timedelta(seconds=order.wait_seconds),
    )
    store.set_timeout(rejoin)
    return store
