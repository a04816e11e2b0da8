"""Until when AWS patches the containers that jobs run, or are built on: dated data, and a warning in time."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta

from shardyard.spec.catalogue.images import DLC_DATE, DLC_IMAGES
from shardyard.spec.catalogue.variants import base_container
from shardyard.spec.jobs.launched import LaunchedSpec

_IN_TIME = timedelta(days=60)


def support_warnings(spec: LaunchedSpec, bases: Mapping[str, str], today: date) -> Iterator[tuple[str, str]]:
    """A name and a sentence for each container of a job that AWS patches no more, or not for long."""
    for framework, version in dict.fromkeys(_containers(spec, bases.values())):
        until = DLC_IMAGES.get(framework, {}).get(version, {}).get("patched_until")
        if until is None or date.fromisoformat(until) - _IN_TIME > today:
            continue
        tense = "has patched" if date.fromisoformat(until) < today else "patches"
        others = [one for one, found in DLC_IMAGES[framework].items() if found.get("patched_until", "") > until]
        instead = f"take {', '.join(others)}" if others else "a newer list may have another"
        yield (
            f"support-{framework}-{version}",
            f"AWS {tense} its container {framework} {version} until {until}, by the list of {DLC_DATE}: {instead}",
        )


def _containers(spec: LaunchedSpec, bases: Iterable[str]) -> Iterator[tuple[str, str]]:
    if spec.image.framework is not None and spec.image.version is not None:
        yield spec.image.framework, spec.image.version
    for base in bases:
        found = base_container(base)
        if found is not None:
            yield found
