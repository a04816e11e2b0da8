"""When to save, what all ranks agree on about it, and which saves stay: the same for every framework."""

import operator
import signal
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from contract.exit_codes import INTERRUPTED
from training import paths
from training.saves.agreement import MOST_SAVES, Agreement, Wishes
from training.saves.in_s3 import InS3, place_of, to_keep
from training.saves.manifest import Manifest, Save
from training.saves.peers import Peers
from training.saves.restoring import Restored
from training.saves.save_files import SaveFiles
from training.saves.store import CheckpointStore
from training.saves.unfit import Unfit
from training.saves.writer import Writer


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What one rank's files are to the others: goes into its manifest."""

    layout: str
    needs: tuple[int, ...]


class Interrupted(SystemExit):
    """SIGTERM ended the training, and everything is saved: neither a success nor a failure."""

    def __init__(self, step: int) -> None:
        super().__init__(INTERRUPTED)
        self.step = step


class SaveFailed(RuntimeError):
    """The last save, the one that was not to be missed, could not be written."""


class Keeper(ABC):
    """Saves and restores one run. All ranks make one, and call its methods at the same steps.

    A framework says how its state is copied and how it is loaded.
    """

    def __init__(
        self,
        *,
        peers: Peers,
        every_steps: int | None,
        every_seconds: float | None,
        keep: int,
        folder: Path | str | None,
        run_id: str | None,
    ) -> None:
        """`folder` is this node's own, /opt/ml/checkpoints by default, or `s3://bucket/prefix/` for all nodes."""
        for name, value in (("every_steps", every_steps), ("every_seconds", every_seconds), ("keep", keep)):
            if value is not None and value <= 0:
                raise Unfit(f"{name} is {value} and must be above 0 (None means never)")
        self.blocked_seconds = 0.0
        """How long training stood still for saves: for the copies, until the save before was written, and until the
        last one is. Not in it: waiting for other ranks, and for what a GPU had still to compute."""
        self._keep = keep
        self._every_steps, self._every_seconds = every_steps, every_seconds
        folder = paths.checkpoint_folder() if folder is None else folder
        self._store = CheckpointStore(folder, paths.run_id() if run_id is None else run_id)
        self._store.storage.prepare()
        place = place_of(folder, self._store.run_id)
        self._is_copied = place is not None
        self._in_s3 = InS3(*place) if place is not None and peers.world.local_rank == 0 else None
        if self._store.storage.is_shared:
            # All ranks see what each one writes, so they share the work as if they sat on one node
            rank, world_size = peers.world.rank, peers.world.world_size
            one_node = replace(peers.world, group_rank=0, local_rank=rank, local_world_size=world_size)
            peers = replace(peers, world=one_node)
        self._peers = peers
        self._writer = Writer(self._store, peers.world.rank)
        self._part: Part | None = None
        self._step = 0
        self._generation: int | None = None
        self._begun: list[Save] = []
        self._complete: list[Save] = []
        self._restored: list[Save] = []
        self._seen: list[Save] = []
        """The newest saves that were ever complete: what stays on the disk while S3 cannot be asked."""
        self._safe: Save | None = None
        """The newest save that is known to be whole in S3."""
        self._agreement = Agreement(peers.ballot)
        self._told_to_stop = threading.Event()
        self._saved_at = time.monotonic()
        self._old_handler: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._old_handler = signal.signal(signal.SIGTERM, self._on_sigterm)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and not self.finish() and self._peers.is_first:
                print(f"warning: step {self._step}, the last, is not saved: {self._what_failed()}", file=sys.stderr)
        finally:
            self._writer.close()
            if self._old_handler is not None:
                # SIGTERM reaches nodes one after the other: a rank that saved because of another's signal gets its own
                # while it leaves, and that must not make a failure of it
                saved = isinstance(error, Interrupted)
                signal.signal(signal.SIGTERM, signal.SIG_IGN if saved else self._old_handler)

    def _on_sigterm(self, number: int, frame: FrameType | None) -> None:
        self._told_to_stop.set()

    def restore(self) -> int:
        """Go back to the newest save that every rank can use; returns its step, 0 for a fresh start."""
        found = self._restore()
        self._step, self._generation, self._complete = found.step, found.newest_generation + 1, found.complete
        self._restored = found.complete
        return found.step

    @abstractmethod
    def _restore(self) -> Restored:
        """Load the state, on all ranks together."""

    @abstractmethod
    def _wait_for_device(self) -> None:
        """Until what was computed is there: to wait for that is no cost of a save."""

    @abstractmethod
    def _divide(self) -> Part:
        """Agree, at the first save, on who writes what."""

    @abstractmethod
    def _copy(self) -> Callable[[SaveFiles], None]:
        """Copy the state; the result writes it, in another thread."""

    def after_step(self, step: int) -> None:
        """Say that a step is done: saves when it is time, raises Interrupted when told to stop and all is saved."""
        self._step = operator.index(step)
        self._this_start()
        if self._in_s3 is not None and len(self._complete) > self._keep:
            self._in_s3.look([save for save in self._complete if self._safe is None or save > self._safe])
        agreed = self._agreement.exchange(self._wishes(), self._begun, self._may_be_copied())
        self._settle(agreed)
        if agreed.stop:
            if not self.finish():
                raise SaveFailed(f"told to stop at step {step} and could not save it: {self._what_failed()}")
            raise Interrupted(step)
        if agreed.save or (self._every_steps is not None and step % self._every_steps == 0):
            self.save()

    def save(self) -> None:
        """Copy the state and have it written while training goes on. Every rank calls this at the same step."""
        save = Save(step=self._step, generation=self._this_start())
        if save in self._begun or save in self._complete:
            return
        if self._part is None:
            self._part = self._divide()
        part = self._part
        self._wait_for_device()
        started = time.monotonic()
        self._writer.wait()
        write = self._copy()
        self._begin(save)
        self._saved_at = time.monotonic()
        self._agreement.note_save()
        self._writer.start(save, lambda folder: self._fill(folder, save, part, write))
        self.blocked_seconds += time.monotonic() - started

    def _begin(self, save: Save) -> None:
        """Record a save. Give up on those incomplete after `MOST_SAVES` later ones: some rank could not write them."""
        self._begun.append(save)
        # The oldest that the ranks vote on may be in the message that is on its way, so one more is kept
        while len(self._begun) > MOST_SAVES + 1:
            self._writer.give_up(self._begun.pop(0))

    def wait(self) -> None:
        """Until this rank has written what it began to write."""
        self._writer.wait()

    def _this_start(self) -> int:
        """Which start of the run this is: no save goes into a folder of an earlier one."""
        if self._generation is None:
            raise RuntimeError("call restore() before the first step: it returns 0 where nothing is to be restored")
        return self._generation

    def finish(self) -> bool:
        """Save the last step if it is not saved yet; whether every rank has it on its disk in the end.

        Leaving the `with` block does this too.
        """
        self._settle(self._agreement.settle())
        if self._step not in {save.step for save in [*self._begun, *self._complete]}:
            self.save()
        started = time.monotonic()
        self._writer.wait()
        self.blocked_seconds += time.monotonic() - started
        self._settle(self._agreement.exchange_now(self._wishes(), self._begun, self._may_be_copied()))
        return self._step in {0, *(save.step for save in self._complete)}

    def _what_failed(self) -> str:
        return "another rank could not write" if self._writer.problem is None else self._writer.problem

    def _wishes(self) -> Wishes:
        due = self._every_seconds is not None and time.monotonic() - self._saved_at >= self._every_seconds
        durable = tuple(save for save in self._begun if save in self._writer.durable)
        copied = self._complete if self._in_s3 is None else self._in_s3.held
        return Wishes(
            save=due or self._writer.wants_retry(),
            stop=self._told_to_stop.is_set(),
            durable=durable,
            carried=tuple(save for save in self._may_be_copied() if save in copied),
        )

    def _may_be_copied(self) -> list[Save]:
        """What the ranks vote on; nothing where nobody copies saves to S3."""
        return self._complete if self._is_copied else []

    def _settle(self, agreed: Wishes) -> None:
        """Note which saves every rank has finished and which are in S3, point to the newest, remove what may go."""
        safe = max([*agreed.carried, *([] if self._safe is None else [self._safe])], default=None)
        if not agreed.durable and safe == self._safe:
            return
        self._safe = safe
        complete = sorted({*self._complete, *agreed.durable}, reverse=True)
        newest = complete[0]
        self._complete = (
            to_keep(complete, self._keep, safe, self._restored) if self._is_copied else complete[: self._keep]
        )
        if agreed.durable:
            self._begun = [save for save in self._begun if save > newest]
            if self._peers.is_first:
                self._writer.tidy(lambda: self._store.point_to(newest, self._peers.world.world_size))
        if self._peers.world.local_rank == 0:
            self._seen = sorted({*self._seen, *complete}, reverse=True)[: 2 * self._keep]
            is_blind = self._in_s3 is not None and self._in_s3.is_blind
            kept = {*self._complete, *(self._seen if is_blind else [])}
            self._writer.tidy(lambda: self._store.keep_only(kept, newest))

    def _fill(self, folder: str, save: Save, part: Part, write: Callable[[SaveFiles], None]) -> Manifest:
        """Write one rank's files; runs in the writer's thread."""
        files = SaveFiles(self._store.storage, folder)
        write(files)
        return Manifest(
            run_id=self._store.run_id,
            step=save.step,
            generation=save.generation,
            rank=self._peers.world.rank,
            world_size=self._peers.world.world_size,
            layout=part.layout,
            needs=part.needs,
            files=files.written,
        )
