"""`yard train --watch`: on each saved file of a job's code the run starts again, in the embedded cloud."""

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from shardyard.spec.errors import SpecError
from shardyard.spec.jobs.code.files import source_files
from shardyard.spec.jobs.launched import LaunchedSpec
from yard.aws import Aws
from yard.errors import UserError
from yard.launches import launching
from yard.output import is_terminal, printable, say
from yard.runs import jobs, runs
from yard.runs.logs import Tail, reader_of

LOOK_SECONDS = 0.2
"""How often to look whether a file was saved."""
_ASK_SECONDS = 0.4
"""How often to ask for new lines and for the run's status."""

Files = Mapping[Path, tuple[int, int]]
"""Each file's time of change and its size."""


@dataclass
class Rerun:
    """Runs a job again and again; Ctrl-C ends it, and the run with it."""

    aws: Aws
    job: LaunchedSpec
    launch: Mapping[str, Any]
    name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def forever(self) -> NoReturn:
        """Start, and start again on each change; returns only by Ctrl-C."""
        files, saved_at = self.files(), time.time()
        while True:
            run = launching.start(self.aws, self.job.name, self.launch, name=self.name, tags=self.tags)
            try:
                found = self._until_saved(run, files, saved_at)
            finally:
                self._stop(run)
            files, saved_at = self._until_sound(files, found)

    def files(self) -> Files:
        """The files of the job's code as they are now."""
        if self.job.source is None:
            raise UserError(
                f"The job {self.job.name!r} has no [source], so there is no code of its own to watch.",
                f"Set [source] dir in jobs/{self.job.name}.toml to the folder of its code.",
            )
        found = {}
        for path in source_files(self.aws.project.root, self.job.source.dir).files.values():
            with contextlib.suppress(FileNotFoundError):  # an editor writes another file and moves it here
                at = path.stat()
                found[path] = (at.st_mtime_ns, at.st_size)
        return found

    def _until_saved(self, run: runs.Run, files: Files, saved_at: float) -> Files:
        """Print the run's lines until a file is saved; return the files as they are then."""
        tail = Tail(self.aws, run.run_id, log_group=run.of.log_group)
        asked, is_first, has_ended = 0.0, True, False
        names: list[str] = []
        while True:
            found = self.files()
            if found != files:
                return found
            if time.monotonic() - asked > _ASK_SECONDS and not has_ended:
                asked = time.monotonic()
                run, _ = runs.refresh(self.aws, run)
                names = names or [one["TrainingJobName"] for one in runs.attempts(self.aws, run)]
                is_first = self._print(run, tail, names, saved_at, is_first=is_first)
                has_ended = run.status != "RUNNING"
                if has_ended:
                    say(f"-- {run.status.lower()}; it starts again when a file is saved (Ctrl-C to leave)")
            time.sleep(LOOK_SECONDS)

    def _print(self, run: runs.Run, tail: Tail, names: list[str], saved_at: float, *, is_first: bool) -> bool:
        """Print what is new; says how long the first step took. Returns whether that is still to come."""
        lines = list(tail.lines(names))
        reader = None
        for line in lines:
            print(f"{line.host}  {printable(line.text) if is_terminal() else line.text}", flush=True)
            if is_first:
                if reader is None:
                    reader = reader_of(jobs.describe(self.aws, run, names[-1]))
                if line.metrics(reader):
                    say(f"-- first step {line.at_milliseconds / 1000 - saved_at:.1f} s after the save")
                    is_first = False
        return is_first

    def _until_sound(self, before: Files, now: Files) -> tuple[Files, float]:
        """Wait until the code compiles, telling each save with an error; the files then, and when they were saved."""
        while True:
            changed = {path for path in before.keys() | now.keys() if before.get(path) != now.get(path)}
            say(f"-- saved: {', '.join(sorted(path.name for path in changed))}")
            try:
                launching.refuse_wrong_code(self.aws, self.job)
            except SpecError as error:
                say(str(error))
            else:
                return now, max((now[path][0] / 1e9 for path in changed if path in now), default=time.time())
            before = now
            while (now := self.files()) == before:
                time.sleep(LOOK_SECONDS)

    def _stop(self, run: runs.Run) -> None:
        found, _ = runs.refresh(self.aws, run)
        if found.status == "RUNNING":
            self.aws.client("stepfunctions").stop_execution(
                executionArn=run.execution_arn, error="Stopped", cause="Its code was saved again (yard train --watch)"
            )
