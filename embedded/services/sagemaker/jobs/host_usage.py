"""What the processes of one node use: processor time and resident memory, from one look to the next."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from embedded.nodes.cell.processes import descendants

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """One look."""

    cpu_percent: float
    """Processor time since the last look, 100 for each full core."""
    resident_bytes: int

    @property
    def memory_percent(self) -> float:
        """Of the machine's memory."""
        return 100.0 * self.resident_bytes / (os.sysconf("SC_PHYS_PAGES") * _PAGE_BYTES)


class HostUsage:
    """One node's usage."""

    def __init__(self) -> None:
        self._moment = time.monotonic()
        self._seen: dict[int, int] = {}
        """Ticks of each process, so that those of processes that have ended are not lost."""

    def look(self, program: int, tree: Mapping[int, int]) -> Figures | None:
        """What the program and all below it use; `tree` are the machine's processes, None if the program has ended."""
        if program not in tree:
            return None
        return self._figures([program, *descendants(program, tree)])

    def _figures(self, pids: Sequence[int]) -> Figures:
        resident_bytes = 0
        fresh = 0
        for pid in pids:
            try:
                stat = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            ticks = int(stat[11]) + int(stat[12])
            fresh += ticks - self._seen.get(pid, 0)
            self._seen[pid] = ticks
            resident_bytes += int(stat[21]) * _PAGE_BYTES
        now = time.monotonic()
        seconds, self._moment = max(now - self._moment, 0.01), now
        return Figures(cpu_percent=100.0 * fresh / _TICKS_PER_SECOND / seconds, resident_bytes=resident_bytes)


def proportional_bytes(program: int, tree: Mapping[int, int]) -> int:
    """The memory of a program and all below it, with what they share counted once: forked workers share most of it."""
    found = 0
    for pid in (program, *descendants(program, tree)):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            # it has ended, or there is no /proc
            continue
        found += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return found
