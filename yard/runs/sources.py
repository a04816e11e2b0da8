"""Whose lines the log of a run has: its own jobs', or those behind the candidates of an AutoML job."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shardyard.spec.catalogue.behind_automl import Behind, behind, candidates
from shardyard.spec.catalogue.service_jobs import AUTOML, ServiceJob
from yard.aws import Aws
from yard.runs import runs
from yard.runs.logs import Line, Tail


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One of the service's jobs."""

    of: ServiceJob
    """What it is."""
    name: str
    """Its name."""
    part: str | None = None
    """What it is within the run: a `trial` of a search, or of the `candidate` of AutoML."""
    number: int = 0
    """Of that trial or candidate, from 1."""


def of_run(aws: Aws, run: runs.Run) -> list[Source]:
    """The jobs of a run that is no search; a job that several candidates have in common is the first one's."""
    names = [attempt["TrainingJobName"] for attempt in runs.attempts(aws, run)]
    if run.of is not AUTOML:
        return [Source(of=run.of, name=name) for name in names]
    sagemaker = aws.client("sagemaker")
    found: dict[Behind, Source] = {}
    for name in names:
        for number, candidate in enumerate(candidates(sagemaker, name), start=1):
            for job in behind(candidate):
                found.setdefault(job, Source(of=job.of, name=job.name, part="candidate", number=number))
    return list(found.values())


@dataclass(kw_only=True, slots=True)
class Tails:
    """Reads the lines of jobs of several kinds, each line once."""

    aws: Aws
    run_id: str
    node: int | None = None
    since_milliseconds: int = 0
    _tails: dict[str, Tail] = field(default_factory=dict)

    def lines(self, sources: Iterable[Source]) -> list[tuple[Line, Source]]:
        """What has come since the last call, in the order of its times."""
        named: dict[str, dict[str, Source]] = {}
        for source in sources:
            named.setdefault(source.of.log_group, {})[source.name] = source
        found = [pair for group, jobs in named.items() for pair in self._lines(group, jobs)]
        return sorted(found, key=lambda pair: pair[0].at_milliseconds)

    def _lines(self, group: str, jobs: Mapping[str, Source]) -> list[tuple[Line, Source]]:
        if group not in self._tails:
            since = self.since_milliseconds
            self._tails[group] = Tail(self.aws, self.run_id, node=self.node, since_milliseconds=since, log_group=group)
        return [(line, jobs[line.job]) for line in self._tails[group].lines(list(jobs))]
