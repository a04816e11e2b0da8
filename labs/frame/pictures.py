"""The labs' pictures: colours that the colour-blind can tell apart, and files that do not change by themselves."""

from pathlib import Path
from typing import Any

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's palette, the darker ones first: they hold on white paper and in grey."""
_HATCHES = ("", "//", "..", "xx", "\\\\", "++")

_STROKES = ("-", "--", ":", "-.", (0, (1, 1)))


class Picture:
    """A picture on the disk, which a notebook shows."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _repr_svg_(self) -> str:
        return self.path.read_text(encoding="utf-8")


def figure(*, width: float = 7.0, height: float = 3.5, columns: int = 1) -> tuple[Any, Any]:
    """An empty figure and its axes, in the labs' style."""
    pyplot = _pyplot()
    made = pyplot.subplots(1, columns, figsize=(width, height), layout="constrained")
    return made[0], made[1]


def bars(axes: Any, values: dict[str, float], *, unit: str, colours: tuple[str, ...] = COLOURS) -> None:
    """Lying bars with their values: each has a colour and, for who sees none, a hatch."""
    names = list(values)
    for place, name in enumerate(names):
        kind = place % len(colours)
        axes.barh(place, values[name], color=colours[kind], hatch=_HATCHES[kind], edgecolor="white")
        axes.annotate(f" {values[name]:.3g}", (values[name], place), va="center")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    axes.margins(x=0.15)


def curves(axes: Any, values: dict[str, list[float]], *, step: str, unit: str) -> None:
    """Lines over steps that are counted from 1: each has a colour, a stroke and a width of its own."""
    for place, (name, curve) in enumerate(values.items()):
        stroke = {"color": COLOURS[place], "linestyle": _STROKES[place], "linewidth": max(3 - place, 1)}
        axes.plot(range(1, len(curve) + 1), curve, label=name, **stroke)
    axes.set_xlabel(step)
    axes.set_ylabel(unit)
    axes.legend(frameon=False)


def save(made: Any, path: Path) -> Picture:
    """Write the figure as SVG: the same figure makes the same file. Axes without a label are refused."""
    unnamed = [axes for axes in made.axes if axes.axison and not (axes.get_xlabel() and _has_scale(axes))]
    if unnamed:
        raise ValueError(f"{path.name}: every axis needs a label with its unit")
    path.parent.mkdir(parents=True, exist_ok=True)
    made.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    _pyplot().close(made)
    # matplotlib ends lines in blanks, which git calls mistakes
    path.write_text("".join(f"{line.rstrip()}\n" for line in path.read_text(encoding="utf-8").splitlines()))
    return Picture(path)


def _has_scale(axes: Any) -> bool:
    """A scale of names needs no unit."""
    return bool(axes.get_ylabel()) or all(not _is_number(label.get_text()) for label in axes.get_yticklabels())


def _is_number(text: str) -> bool:
    return text.replace("\N{MINUS SIGN}", "").replace(".", "").isdigit()


def _pyplot() -> Any:
    """matplotlib, loaded by who draws: `list` and `check` do without."""
    import matplotlib
    from cycler import cycler

    matplotlib.use("svg")
    matplotlib.rcParams.update(
        {
            "svg.hashsalt": "shardyard",
            "svg.fonttype": "path",
            "font.family": "DejaVu Sans",  # which matplotlib brings along
            "font.size": 9,
            "axes.prop_cycle": cycler(color=COLOURS),
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    )
    from matplotlib import pyplot

    return pyplot
