"""What AutoML's program and whoever launches it agree on: the families of models, their settings, and the metrics."""

from collections.abc import Mapping
from dataclasses import dataclass

ENTRY = "training.automl.program"
"""The program's module."""
OBJECTIVE = "validation:loss"
"""What candidates are compared by, to be minimised: log loss, or the root of the mean squared error."""
METRICS: Mapping[str, str] = {
    name: rf"automl {name}=([-+0-9.e]+)" for name in (OBJECTIVE, "validation:accuracy", "validation:r2")
}
"""The metrics of a run, by the regular expressions that find them in its log."""
CANDIDATES = "candidates"
"""The channel with the candidates' archives, where a run only stacks what others have trained."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One setting of a family, with the range that is searched."""

    name: str
    low: float
    high: float
    is_whole: bool = False
    is_logarithmic: bool = True


_STRENGTH = Setting(name="strength", low=1e-3, high=100.0)
_LEAF = Setting(name="leaf", low=1, high=20, is_whole=True)
_SHARE = Setting(name="share", low=0.1, high=1.0, is_logarithmic=False)
_RATE = Setting(name="rate", low=0.02, high=0.3)

FAMILIES: Mapping[str, tuple[Setting, ...]] = {
    "linear": (_STRENGTH,),
    "kernel": (Setting(name="strength", low=1e-2, high=10.0),),
    "neighbours": (Setting(name="count", low=1, high=40, is_whole=True),),
    "boosting": (_RATE, Setting(name="leaves", low=4, high=64, is_whole=True), _STRENGTH),
    "extra-trees": (_LEAF, _SHARE),
    "forest": (_LEAF, _SHARE),
    "xgboost": (_RATE, Setting(name="depth", low=2, high=9, is_whole=True), _STRENGTH),
}
"""In the order in which they are tried."""
