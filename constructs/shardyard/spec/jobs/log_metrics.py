"""The numbers in a program's log lines, however the program writes them.

Known are Shardyard's own `metric step=1 loss=2.3`, dictionaries and JSON (`{'loss': 0.1}`, as the Trainer of Hugging
Face prints them), and pairs in free text: `loss: 0.1`, `loss=0.1`, `iter 10: loss 3.1`, `Train Loss 4.2`, also behind
the progress bars of tqdm, Lightning and Keras. Free text counts only if it says something that is learned.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_METRIC = re.compile(r"(?:^|\] )metric (.+)$")
_OURS = re.compile(r"([A-Za-z_]\w*)=(\S+)")
_LEARNED = re.compile(r"loss|acc(?:uracy)?(?![a-z])|perplexity|\bppl\b|\bf1\b|\bauc\b|\bbleu\b|reward|\bmfu\b", re.I)
_WORDS = ("loss", "acc", "perplexity", "ppl", "f1", "auc", "bleu", "reward", "mfu")
"""Parts of what `_LEARNED` matches: looking for these first takes a hundredth of its time."""
_PAIR = re.compile(
    r"""(?<![\w/.])(?P<quote>['"]?)
    (?P<name>[A-Za-z][\w/-]*(?:\ (?:loss|acc|accuracy|rate|norm))?)(?P=quote)
    (?P<between>\s*[:=]\s*|\s+)\[?['"]?
    (?P<number>[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|nan|inf(?:inity)?))
    (?:\s?/\s?(?P<of>\d+))?(?P<percent>\s?%)?(?!\w|[-.:]\d)""",
    re.I | re.X,
)
_BAR = re.compile(r"(?:^|\||\s)\s*(\d+)/(\d+)\s+(?:\[\d+:\d|[━=>.\[\]]*\s*(?:ETA|\d+m?s\b|[━\[]))")
_EPOCH = re.compile(r"(?:^|\] )Epoch (\d+)/\d+$")
"""Keras names the epoch on a line of its own."""
_NAMELESS_BAR = re.compile(r"^(?:\[rank \d+\])?\s*\d+%\|")

_STEPS = ("step", "global_step", "iter", "iteration", "iters")
_HELD_OUT = ("val", "valid", "eval", "test")
_SYNONYMS = {
    **dict.fromkeys(_STEPS, "step"),
    **dict.fromkeys(("max_steps", "total_steps"), "total_steps"),
    **dict.fromkeys(("train_loss", "training_loss", "train_loss_step"), "loss"),
    **dict.fromkeys(("acc", "train_acc", "train_accuracy", "training_accuracy"), "accuracy"),
    **{f"{held}_loss": "validation_loss" for held in _HELD_OUT},
    **{f"{held}_{acc}": "validation_accuracy" for held in _HELD_OUT for acc in ("acc", "accuracy")},
    **dict.fromkeys(("lr", "learning_rate"), "learning_rate"),
    "train_samples_per_second": "samples_per_second",
}


def standard_name(tag: str) -> str:
    """What the log calls a metric that somebody tags `train/loss` or `Loss/train`; else the tag itself."""
    words = re.split(r"[/_ .-]", tag.lower())
    for name in ("_".join(words), "_".join(reversed(words))):
        if name in _SYNONYMS or name in _SYNONYMS.values() or name in ("loss", "epoch"):
            return _SYNONYMS.get(name, name)
    return tag


@dataclass(frozen=True, kw_only=True, slots=True)
class LogMetrics:
    """Reads the lines of one training job; its own patterns come first."""

    own: Mapping[str, str] = field(default_factory=dict)
    """The job's [[metrics]]: a regular expression with one group by name."""

    def read(self, text: str) -> dict[str, float]:
        """The numbers of one line by name; empty for a line that has none. A value may be nan or infinite."""
        return {**_standard(text), **self._own(text)}

    def _own(self, text: str) -> dict[str, float]:
        found = {name: _first_group(regex, text) for name, regex in self.own.items()}
        numbers = {name: _number(value) for name, value in found.items() if value is not None}
        return {name: number for name, number in numbers.items() if number is not None}


def _standard(text: str) -> dict[str, float]:
    ours = _METRIC.search(text)
    if ours is not None:
        numbers = {name: _number(value) for name, value in _OURS.findall(ours[1])}
        return {name: number for name, number in numbers.items() if number is not None}
    lower = text.lower()
    if not any(word in lower for word in _WORDS):
        epoch = _EPOCH.search(text)
        if epoch is not None:
            return {"epoch": float(epoch[1])}
        return _bar(text) if _NAMELESS_BAR.match(text) else {}
    found = dict(_pairs(text))
    if not any(_LEARNED.search(name) for name in found):
        return {}
    if "train_runtime" in found and "loss" in found:  # the Trainer's last words: the mean of the whole run
        found["train_loss"] = found.pop("loss")
    return {**_bar(text), **found}


def _pairs(text: str) -> Iterator[tuple[str, float]]:
    for match in _PAIR.finditer(text):
        name = re.sub(r"[\s/-]+", "_", match["name"].lower())
        name = _SYNONYMS.get(name, name)
        # "in 10 s" and "of 5" name nothing: without a sign between, a name must be one that is known
        if not match["between"].strip() and name not in ("step", "epoch") and _LEARNED.search(name) is None:
            continue
        value = float(match["number"])
        if match["of"] is not None:
            yield from _fraction(name, value, float(match["of"]))
        elif match["percent"] is not None and _LEARNED.search(name) is not None:
            yield name, value / 100
        else:
            yield name, value


def _fraction(name: str, value: float, of: float) -> Iterator[tuple[str, float]]:
    """`Step [100/600]` is the hundredth of 600 steps, `Accuracy: 9824/10000` a share."""
    if name in ("step", "epoch"):
        yield name, value
        if name == "step":
            yield "total_steps", of
    elif of:
        yield name, value / of


def _bar(text: str) -> dict[str, float]:
    """How far a progress bar has come."""
    match = _BAR.search(text)
    return {} if match is None else {"step": float(match[1]), "total_steps": float(match[2])}


def _first_group(regex: str, text: str) -> str | None:
    """What a pattern finds; a training job that somebody else made may have one that Python does not know."""
    try:
        match = re.search(regex, text)
    except (re.error, RecursionError, OverflowError):
        return None
    return match[1] if match is not None and match.re.groups else None


def _number(text: str) -> float | None:
    try:
        return float(text.strip("'\""))
    except ValueError:
        return None
