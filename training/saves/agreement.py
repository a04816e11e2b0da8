"""What all ranks decide together after each step, at the cost of one small message that overlaps the next step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from training.saves.manifest import Save
from training.saves.peers import Ballot

MOST_SAVES = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What one rank says, or what all have agreed on."""

    save: bool
    """Save now: any rank's wish is enough."""
    stop: bool
    """Save and leave: any rank's wish is enough."""
    durable: tuple[Save, ...]
    """The saves whose bytes are on the disk: agreed when every rank says so."""
    carried: tuple[Save, ...] = ()
    """The complete saves that are in S3: agreed when every rank says so of its part."""


class Agreement:
    """Each exchange sends this rank's wishes and returns what was agreed on one exchange ago, the same on all ranks."""

    def __init__(self, ballot: Ballot | None) -> None:
        self._ballot = ballot
        self._sent: tuple[Sequence[Save], Sequence[Save], Callable[[], list[bool]]] | None = None
        self._has_saved = False

    def exchange(self, mine: Wishes, saves: Sequence[Save], complete: Sequence[Save]) -> Wishes:
        """`saves` are those begun and not yet agreed to be durable, `complete` those that may be in S3.

        All ranks name the same ones.
        """
        if self._ballot is None:
            return mine
        agreed = self.settle()
        saves, complete = list(saves)[-MOST_SAVES:], list(complete)
        votes = [not mine.save, not mine.stop, *(save in mine.durable for save in saves)]
        votes += [save in mine.carried for save in complete]
        self._sent, self._has_saved = (saves, complete, self._ballot(votes)), False
        return agreed

    def note_save(self) -> None:
        """A save has begun: what is still on its way asks for none that would be another one."""
        self._has_saved = True

    def settle(self) -> Wishes:
        """What the last exchange agreed on; nothing at all before the first."""
        if self._sent is None:
            return Wishes(save=False, stop=False, durable=())
        (saves, complete, result), self._sent = self._sent, None
        save, stop, *votes = result()
        agreed = [one for one, vote in zip([*saves, *complete], votes, strict=True) if vote]
        return Wishes(
            save=not (save or self._has_saved),
            stop=not stop,
            durable=tuple(one for one in agreed if one in saves),
            carried=tuple(one for one in agreed if one in complete),
        )

    def exchange_now(self, mine: Wishes, saves: Sequence[Save], complete: Sequence[Save]) -> Wishes:
        """The same without the delay."""
        if self._ballot is None:
            return mine
        self.exchange(mine, saves, complete)
        return self.settle()
