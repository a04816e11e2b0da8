"""What an AutoML job learns: one table for each kind of problem that the service takes."""

from dataclasses import dataclass
from typing import Literal

from shardyard.spec.jobs.processing.inputs import PLACE, PLACE_SAYS
from shardyard.spec.tree import setting

COLUMN = r".{1,256}"
COLUMN_SAYS = "a column's name of up to 256 letters"
Algorithm = Literal[
    "xgboost",
    "linear-learner",
    "mlp",
    "lightgbm",
    "catboost",
    "randomforest",
    "extra-trees",
    "nn-torch",
    "fastai",
    "cnn-qr",
    "deepar",
    "prophet",
    "npts",
    "arima",
    "ets",
]
_FREQUENCY = (
    r"1Y|Y|([1-9]|1[0-1])M|M|[1-4]W|W|[1-6]D|D|([1-9]|1[0-9]|2[0-3])H|H|([1-9]|[1-5][0-9])min"  # as botocore has it
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tabular:
    """The job predicts one column of a table from the others."""

    target: str = setting(doc="The column to predict.", pattern=COLUMN, says=COLUMN_SAYS)
    problem: Literal["BinaryClassification", "MulticlassClassification", "Regression"] | None = setting(
        None, "What the target is; SageMaker finds out unless `objective` is given."
    )
    mode: Literal["AUTO", "ENSEMBLING", "HYPERPARAMETER_TUNING"] = setting(
        "AUTO", "How candidates are trained; `AUTO` stacks tables below 100 MB and tunes larger ones."
    )
    algorithms: tuple[Algorithm, ...] = setting((), "The algorithms to choose from; by default all of the mode's.")
    weight: str | None = setting(
        None, "The column with each row's weight.", pattern=r"[a-zA-Z0-9_-]{1,256}", says="letters, digits, _ and -"
    )
    features: str | None = setting(
        None,
        "A JSON file in the data bucket, or at an `s3://` address, that says which columns are learnt from.",
        pattern=PLACE,
        says=PLACE_SAYS,
    )
    definitions_only: bool = setting(False, "Write notebooks with candidates' definitions, and train none.")


@dataclass(frozen=True, kw_only=True, slots=True)
class TextClassification:
    """The job learns which label a sentence has."""

    content: str = setting(doc="The column with the sentences.", pattern=COLUMN, says=COLUMN_SAYS)
    target: str = setting(doc="The column with the labels.", pattern=COLUMN, says=COLUMN_SAYS)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageClassification:
    """The job learns which label an image has: its folder's name, or what a manifest says."""

    enabled: bool = setting(False, "Learn images.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecasting:
    """The job forecasts the values of many series."""

    target: str = setting(doc="The column to forecast, of numbers.", pattern=COLUMN, says=COLUMN_SAYS)
    timestamp: str = setting(doc="The column with the times.", pattern=COLUMN, says=COLUMN_SAYS)
    item: str = setting(doc="The column with the series' names.", pattern=COLUMN, says=COLUMN_SAYS)
    groups: tuple[str, ...] = setting((), "Columns that tell series apart together with `item`.")
    frequency: str = setting(
        doc="A step of the forecast: `1D`, `15min`, `W`.", pattern=_FREQUENCY, says="such as 15min, 1H, D, W, 2M or Y"
    )
    horizon: int = setting(doc="How many steps to forecast.", least=1, most=500)
    quantiles: tuple[str, ...] = setting((), "The quantiles to learn; by default `p10`, `p50` and `p90`.")
    filling: dict[str, dict[str, str]] = setting(
        doc='How gaps are filled, by column: `{ sales = { middlefill = "zero" } }`.', factory=dict
    )
    aggregation: dict[str, str] = setting(
        doc='How values within one step become one, by column: `{ sales = "avg" }`.', factory=dict
    )
    holidays: str | None = setting(
        None, "The country whose holidays count.", pattern=r"[A-Z]{2}", says="two capitals such as DE"
    )
    algorithms: tuple[Algorithm, ...] = setting((), "The algorithms to choose from; by default all for series.")
    features: str | None = setting(
        None,
        "A JSON file in the data bucket, or at an `s3://` address, that says which other columns are used.",
        pattern=PLACE,
        says=PLACE_SAYS,
    )
