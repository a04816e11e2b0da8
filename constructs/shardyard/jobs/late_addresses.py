"""Addresses that only the deploy knows, as placeholders in a definition that stands in a state machine."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from shardyard.jobs.launched_kind import LaunchedKind
from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.code.project_files import misread_texts
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec

TOKEN = "${Token["
"""How CDK writes a value that only the deploy knows; asking CDK itself would be a call for each channel."""


class KindWithInputs(LaunchedKind):
    """A kind whose data stand in tables with an address each, as every kind's but training's."""

    tables: Mapping[str, str] = {"inputs": "Input"}
    """The tables, and what the placeholders of their addresses begin with."""

    def embeddable(self) -> dict[str, Any]:
        late = self._late()
        placed: dict[str, Any] = {}
        early: dict[str, Any] = {}
        for table in self.tables:
            rows: Mapping[str, Any] = getattr(self.spec, table)
            early[table] = {name: row for name, row in rows.items() if (table, name) not in late}
            placed[table] = {
                name: row if name in early[table] else replace(row, s3=f"${{{late[table, name]}}}")
                for name, row in rows.items()
            }
        refuse_misread(replace(self.spec, **early))
        return replace(self.spec, **placed).to_dict()

    def late_addresses(self) -> dict[str, str]:
        late = self._late().items()
        return {placeholder: str(getattr(self.spec, table)[name].s3) for (table, name), placeholder in late}

    def _late(self) -> dict[tuple[str, str], str]:
        """The placeholder of every address that only the deploy knows, by its table and its name."""
        found: dict[tuple[str, str], str] = {}
        for table, word in self.tables.items():
            late = [name for name, row in getattr(self.spec, table).items() if TOKEN in str(row.s3)]
            found |= {(table, name): f"{word}{number}" for number, name in enumerate(late)}
        return found


def late_addresses(spec: JobSpec) -> dict[str, str]:
    """The addresses of channels and checkpoints that hold a token, by their placeholders' names."""
    found = {placeholder: str(spec.channels[name].s3) for name, placeholder in _late_channels(spec)}
    if TOKEN in str(spec.checkpoints.s3):
        found["Checkpoints"] = str(spec.checkpoints.s3)
    return found


def embeddable(spec: JobSpec) -> dict[str, Any]:
    """The definition as it may stand in a state machine, with a placeholder for each address known late."""
    placed = {
        name: replace(spec.channels[name], s3=f"${{{placeholder}}}") for name, placeholder in _late_channels(spec)
    }
    early = {name: channel for name, channel in spec.channels.items() if name not in placed}
    late = TOKEN in str(spec.checkpoints.s3)
    known = replace(spec, channels=early, checkpoints=replace(spec.checkpoints, s3=None) if late else spec.checkpoints)
    refuse_misread(known)
    checkpoints = replace(spec.checkpoints, s3="${Checkpoints}") if late else spec.checkpoints
    return replace(spec, channels={**spec.channels, **placed}, checkpoints=checkpoints).to_dict()


def refuse_misread(known: LaunchedSpec) -> None:
    """Refuse a definition with a text that a state machine would take for something else."""
    problems = [Problem(f"job {known.name!r}", problem.message) for problem in misread_texts(known)]
    if problems:
        raise SpecError(problems)


def _late_channels(spec: JobSpec) -> Iterator[tuple[str, str]]:
    late = (name for name, channel in spec.channels.items() if TOKEN in str(channel.s3))
    return ((name, f"Channel{number}") for number, name in enumerate(late))
