"""The view of a run as one screen."""

from typing import TYPE_CHECKING

from shardyard.spec.units import format_duration
from yard.runs.view import TRAINING, Node, View, in_order

if TYPE_CHECKING:
    from rich.console import Group


def picture(view: View) -> "Group":
    """The view as a rich renderable."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    head = f"{view.job}  run {view.run_id}  {view.phase}  {format_duration(view.training_seconds)}"
    if view.attempt > 1:
        head += f"  attempt {view.attempt}"
    if view.cost_usd is not None:
        head += f"  {'at most ' if view.is_spot else ''}{view.cost_usd:.2f} USD so far"
    progress = view.progress()
    if progress is not None:
        done, left = progress
        bar = "#" * round(done * 30)
        head += f"\n[{bar:<30}] {done:4.0%}"
        if left is not None and view.phase == TRAINING:
            head += f"  {format_duration(left)} to go"
    if view.began_again is not None:
        head += f"\nbegan again at step {view.began_again:.0f}"
    others = view.others()
    if others:
        head += "\n" + "  ".join(f"{name} {value:.5g}" for name, value in others.items())
    if view.not_finite:
        head += f"\nthe loss was nan or infinite {view.not_finite} time{'' if view.not_finite == 1 else 's'}"
    names = ("node", "step", "loss", "per second", "cpu", "gpu", "last line")
    rows = [(host, *_cells(view.nodes[host])) for host in sorted(view.nodes, key=in_order)]
    # Only the last line gives way to a narrow window, and a column without any value to all others
    shown = [n for n in range(len(names)) if n in (0, len(names) - 1) or any(row[n] != "-" for row in rows)]
    table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    for number in shown:
        is_last = number == len(names) - 1
        table.add_column(names[number], no_wrap=True, overflow="ellipsis", ratio=1 if is_last else None)
    for row in rows:
        table.add_row(*(Text(row[number]) for number in shown))
    return Group(Text(head), table)


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
