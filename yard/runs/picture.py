"""The view of a run as one screen of any width."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shardyard.spec.units import format_duration
from yard.runs.view import TRAINING, Node, View, in_order

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.table import Table

_BAR = 30
_BETWEEN = "  "


@dataclass(frozen=True, slots=True)
class Picture:
    """The view as a rich renderable."""

    view: View

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        from rich.text import Text

        yield Text("\n".join(_head(self.view, options.max_width)))
        yield _nodes(self.view)
        # The cursor waits on a line of its own: behind a full one, the ^C of a person would push it to the next
        yield Text("")


def _head(view: View, width: int) -> Iterator[str]:
    facts = [view.job, f"run {view.run_id}", view.phase, format_duration(view.training_seconds)]
    if view.attempt > 1:
        facts.append(f"attempt {view.attempt}")
    if view.cost_usd is not None:
        facts.append(f"{'at most ' if view.is_spot else ''}{view.cost_usd:.2f} USD so far")
    yield from _lines(facts, width)
    progress = view.progress()
    if progress is not None:
        done, left = progress
        bar = "#" * round(done * _BAR)
        facts = [f"[{bar:<{_BAR}}] {done:4.0%}", f"step {view.step:.0f} of {view.total_steps:.0f}"]
        if left is not None and view.phase == TRAINING:
            facts.append(f"{format_duration(left)} to go")
        yield from _lines(facts, width)
    if view.began_again is not None:
        yield f"began again at step {view.began_again:.0f}"
    if view.began_anew:
        yield view.began_anew
    if view.warning:
        yield f"warning, {view.warning}"
    yield from _lines([f"{name} {value:.5g}" for name, value in view.others().items()], width)
    if view.not_finite:
        yield f"the loss was nan or infinite {view.not_finite} time{'' if view.not_finite == 1 else 's'}"


def _lines(facts: Sequence[str], width: int) -> Iterator[str]:
    """Facts one after the other, none of them divided between two lines."""
    line = ""
    for fact in facts:
        if line and len(line) + len(_BETWEEN) + len(fact) > width:
            yield line
            line = ""
        line = f"{line}{_BETWEEN if line else ''}{fact}"
    if line:
        yield line


def _nodes(view: View) -> "Table":
    from rich.table import Table
    from rich.text import Text

    names = ("node", "step", "loss", "per second", "cpu", "gpu", "last line")
    rows = [(host, *_cells(view.nodes[host])) for host in sorted(view.nodes, key=in_order)]
    # Only the last line gives way to a narrow window, and a column without any value to all others
    shown = [n for n in range(len(names)) if n in (0, len(names) - 1) or any(row[n] != "-" for row in rows)]
    table = Table(box=None, pad_edge=False, header_style="bold", expand=True, show_header=bool(rows))
    for number in shown:
        is_last = number == len(names) - 1
        table.add_column(names[number], no_wrap=True, overflow="ellipsis", ratio=1 if is_last else None)
    for row in rows:
        table.add_row(*(Text(row[number]) for number in shown))
    return table


def _cells(node: Node) -> tuple[str, ...]:
    metrics = node.metrics
    rate = metrics.get("tokens_per_second", metrics.get("samples_per_second"))
    return (
        f"{metrics['step']:.0f}" if "step" in metrics else "-",
        f"{metrics['loss']:.4f}" if "loss" in metrics else "-",
        f"{rate:,.0f}" if rate is not None else "-",
        _percent(node, "CPUUtilization"),
        _percent(node, "GPUUtilization"),
        node.line,
    )


def _percent(node: Node, name: str) -> str:
    return f"{node.utilisation[name]:.0f}%" if name in node.utilisation else "-"
