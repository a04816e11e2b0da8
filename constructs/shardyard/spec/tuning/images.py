"""Which images of a folder the launches of a job run: those of its attempts and, of a job with a search, its trials."""

from collections.abc import Iterable, Mapping

from shardyard.spec.catalogue.cost import attempts
from shardyard.spec.catalogue.variants import choose
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.tuning.trials import kinds, searched


def launched_on(spec: LaunchedSpec) -> tuple[LaunchedSpec, ...]:
    """The job on each set of machines that one image is chosen for when it is launched."""
    searching = searched(spec)
    return attempts(spec) if searching is None else tuple(kind.together for kind in kinds(searching))


def needed_variants(spec: LaunchedSpec, bases: Mapping[str, str] | Iterable[str]) -> set[str]:
    """The variants that a job needs, by itself and in its search; one that is not there is left out."""
    there = list(bases)
    chosen = {choose(one, there) for one in (*attempts(spec), *launched_on(spec))}
    return {name for name in chosen if name is not None}
