"""Changes of a source at the places of its syntax tree: comments, blank lines and quotes stay as they were typed."""

import ast
from dataclasses import dataclass, field


@dataclass(kw_only=True, slots=True)
class Edits:
    """The changes of one source."""

    source: str
    changes: list[tuple[int, int, str]] = field(default_factory=list)
    """Where each begins and ends in the encoded source, and what takes its place."""

    def replace(self, node: ast.expr | ast.stmt, text: str) -> None:
        """Put a text in a node's place."""
        start, end = self.span(node)
        self.changes.append((start, end, text))

    def wrap(self, node: ast.expr, before: str, after: str) -> None:
        """Put texts around a node."""
        start, end = self.span(node)
        self.changes += [(start, start, before), (end, end, after)]

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Where a node begins and ends, in bytes, as the parser counts."""
        lines = self.source.encode().split(b"\n")
        last, column = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset

        def offset(line: int, at: int) -> int:
            return sum(len(one) + 1 for one in lines[: line - 1]) + at

        return offset(node.lineno, node.col_offset), offset(last, column)

    def applied(self) -> str:
        """The source with all changes; of two that overlap the outer one counts."""
        content, done = self.source.encode(), len(self.source.encode()) + 1
        outer = [one for one in self.changes if not any(_holds(other, one) for other in self.changes)]
        # From the end on, so that places before stay true
        for start, end, text in sorted(outer, key=lambda one: (one[0], one[1]), reverse=True):
            assert end <= done or start == end
            content = content[:start] + text.encode() + content[end:]
            done = start
        return content.decode()


def _holds(outer: tuple[int, int, str], inner: tuple[int, int, str]) -> bool:
    """Whether a change lies within a larger one."""
    larger = outer[1] - outer[0] > inner[1] - inner[0]
    return larger and outer[0] <= inner[0] and inner[1] <= outer[1] and not outer[0] == inner[0] == inner[1]
