"""Listens to the ranks of a node: when they last spoke, which step they are at, whether their loss is a number."""

import contextlib
import os
import re
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from contract.guards import LONGEST_SILENCE_SECONDS
from contract.variables import LONGEST_SILENCE, LONGEST_STEP, STOP_ON_NAN
from training.launcher import variables
from training.launcher.endings import failure
from training.launcher.supervise import Child, Supervisor

_NOT_FINITE = rb"""(?:metric\ .*\b|^|[^A-Za-z_ ]\ ?|\s\s)['"]?(?:train(?:ing)?[ _/])?loss['"]?(?:\ ?[:=]\ ?|\ +)\[?['"]?
    ([-+]?(?:nan|inf(?:inity)?))\b"""
"""A loss that is learned from; that of held-out data is another's affair."""
_STEP = rb"""
    (?:^|[^A-Za-z])(?:global_?)?(?:step|iter(?:ation)?)s?['"]?(?:\ ?[:=]\ ?|\ +)\[?(\d+)|(?:^|\||\s)(\d+)/\d+\s"""
"""`step 10`, `iter 10:`, `'step': 10`, and the `10/100` of a bar."""
DUMP_SIGNAL = signal.SIGRTMIN + 7
"""What makes a forked rank write the stacks of its threads: programs and schedulers use the signals with names."""

DUMPS_STACKS = {"PYTHONFAULTHANDLER": "1"}
"""Has a new Python write the stacks of its threads on SIGABRT, by which it ends."""

_RESULTS = ("checkpoints", "model", "output")


class Limits(NamedTuple):
    """What a job allows; 0 is no limit."""

    silence: float
    step: float
    stop_on_nan: bool

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> "Limits":
        """Read a job's variables."""
        return cls(
            silence=variables.seconds(environ, LONGEST_SILENCE, LONGEST_SILENCE_SECONDS),
            step=variables.seconds(environ, LONGEST_STEP, 0.0),
            stop_on_nan=environ.get(STOP_ON_NAN) == "1",
        )

    def heard(self, supervisor: Supervisor) -> "Limits":
        """The limits that can be held: at a terminal, which a program may rely on, its output does not pass by here."""
        if os.isatty(1):
            return self._replace(silence=0.0, step=0.0)
        supervisor.reads_all = True
        return self

    @property
    def look_seconds(self) -> float:
        """How often to look."""
        return min(max(min(limit for limit in (self.silence, self.step, 600.0) if limit) / 20, 0.1), 10.0)


class Ages(NamedTuple):
    """How long ago something happened, in seconds."""

    heard: float
    """The last output."""

    moved: float
    """The last change of the step; minus 1 where none was ever printed."""


class Watch:
    """What is known of one node's ranks."""

    def __init__(self, limits: Limits, base: Path, *, steps: bool = False) -> None:
        """`steps` has them read although no limit is about them."""
        self.limits = limits
        self.not_finite = ""
        """What to say of a loss that is no number."""

        self._base = base
        self._patterns: tuple[re.Pattern[bytes], re.Pattern[bytes]] | None = None
        if limits.step or limits.stop_on_nan or steps:
            # Compiled only where they are used: every millisecond of a start is measured
            self._patterns = (re.compile(_STEP, re.I | re.X), re.compile(_NOT_FINITE, re.I | re.X))
        self._heard = self._spoke = time.monotonic()
        """When something was last heard, or written, and when it was heard."""

        self._moved: float | None = None
        self._step = self._before = b""
        self._warned = False

    def listen(self, child: Child, lines: list[bytes]) -> None:
        """Some output, and the lines that it ends."""
        self._heard = self._spoke = time.monotonic()
        self._warned = False
        if self._patterns is None:
            return
        step, not_finite = self._patterns
        for line in lines:
            if found := step.search(line):
                self._note_step(found[1] or found[2])
            if self.limits.stop_on_nan and not self.not_finite and (found := not_finite.search(line)):
                at = f" at step {self._step.decode()}" if self._step else ""
                self.not_finite = f"the loss is {found[1].decode().lower()}{at}, as {child.name} printed (stop_on_nan)"

    def restart(self) -> None:
        """Ranks are started again: what was before counts no more."""
        self._before = self._step or self._before
        self._heard, self._moved, self._step, self._warned = time.monotonic(), None, b"", False

    def ages(self) -> Ages:
        """How long ago this node's ranks were heard, or wrote a file of a result, and have moved."""
        now, silence = time.monotonic(), self.limits.silence
        if silence and now - self._heard >= silence / 2 and (written := self._written_ago()) < now - self._heard:
            if now - self._spoke >= silence:
                # The account's watchdog reads the log alone
                failure.say(f"no output for {now - self._spoke:.0f} s, but results are being written: the run goes on")
                self._spoke = now
            self._heard = now - written
        return Ages(heard=now - self._heard, moved=-1.0 if self._moved is None else now - self._moved)

    def overdue(self, ages: Ages) -> str:
        """Why the run is to be ended, by the youngest ages of all nodes; empty while it is not."""
        limits = self.limits
        if limits.silence and ages.heard >= limits.silence:
            return f"no rank has printed anything for {ages.heard:.0f} s (longest_silence)"
        if limits.step and ages.moved >= limits.step:
            step = f"{self._step.decode()} " if self._step else ""
            return f"the step {step}has been the same for {ages.moved:.0f} s (longest_step)"
        if limits.silence and ages.heard >= limits.silence / 2 and not self._warned:
            self._warned = True
            failure.say(f"no output for {ages.heard:.0f} s; longest_silence ends the run at {limits.silence:.0f} s")
        return ""

    def _note_step(self, step: bytes) -> None:
        if self._before:
            before, self._before = self._before, b""
            if int(step) < int(before):
                failure.say(f"the program began again at step {step.decode()}; it had come to {before.decode()}")
        if step != self._step:
            self._step, self._moved = step, time.monotonic()

    def _written_ago(self) -> float:
        """How old the youngest file of a result is, in seconds: who saves is alive, also without a word."""
        youngest = 0.0
        for name in _RESULTS:
            for place, _, files in os.walk(self._base / name):
                for file in files:
                    with contextlib.suppress(OSError):
                        youngest = max(youngest, os.stat(os.path.join(place, file)).st_mtime)
        return max(time.time() - youngest, 0.0)
