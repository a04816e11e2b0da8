"""The AutoML job's definition: everything that its file in jobs/ can set, as frozen dataclasses."""

from dataclasses import dataclass
from typing import Literal

from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.automl.data import AutoMLCapacity, AutoMLInput, AutoMLOutput, Candidates, ServiceImage
from shardyard.spec.jobs.automl.problems import Forecasting, ImageClassification, Tabular, TextClassification
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.tree import setting

TRAINING, VALIDATION = "training", "validation"
Metric = Literal[
    "Accuracy",
    "MSE",
    "F1",
    "F1macro",
    "AUC",
    "RMSE",
    "BalancedAccuracy",
    "R2",
    "Recall",
    "RecallMacro",
    "Precision",
    "PrecisionMacro",
    "MAE",
    "MAPE",
    "MASE",
    "WAPE",
    "AverageWeightedQuantileLoss",
]
PROBLEMS = ("tabular", "text_classification", "image_classification", "forecasting")
"""The tables of which a file has exactly one."""
_CANDIDATES = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class AutoMLSpec(LaunchedSpec):
    """One AutoML job, as its author defined it."""

    kind: Literal["automl"] = setting(doc="What the job is: `automl`.")
    image: ServiceImage = setting(doc="None: SageMaker brings its own.", factory=ServiceImage, internal=True)
    compute: AutoMLCapacity = setting(doc="What costs are counted by: [compute] with an instance_type.")
    inputs: dict[str, AutoMLInput] = setting(
        doc="The data: [inputs.training], and [inputs.validation] unless SageMaker is to split it."
    )
    tabular: Tabular | None = setting(None, "A table.")
    text_classification: TextClassification | None = setting(None, "Sentences with labels.")
    image_classification: ImageClassification = setting(doc="Images with labels.", factory=ImageClassification)
    forecasting: Forecasting | None = setting(None, "Series.")
    objective: Metric | None = setting(None, "What candidates are compared by; by default what fits the problem.")
    validation_fraction: float | None = setting(
        None, "The share of the training data that candidates are judged by; by default 0.2.", least=0.01, most=0.99
    )
    candidates: Candidates = setting(doc="How many candidates, and for how long.", factory=Candidates)
    output: AutoMLOutput = setting(doc="Where results go.", factory=AutoMLOutput)
    tags: dict[str, str] = setting(doc="Tags of the AutoML job.", factory=dict)

    def __post_init__(self) -> None:
        given = self._given()
        if len(given) != 1:
            said = f"{' and '.join(given)} exclude each other" if given else "it does not say what is learnt"
            raise SpecError([Problem("", f"{said} (exactly one of {', '.join(PROBLEMS)})")])

    def _given(self) -> list[str]:
        told = (
            self.tabular is not None,
            self.text_classification is not None,
            self.image_classification.enabled,
            self.forecasting is not None,
        )
        return [name for name, given in zip(PROBLEMS, told, strict=True) if given]

    @property
    def problem(self) -> str:
        """The one table that says what is learnt."""
        return self._given()[0]

    @property
    def most_candidates(self) -> int:
        """How many candidates are trained."""
        if self.candidates.count is not None:
            return self.candidates.count
        return _CANDIDATES if self.problem == "tabular" else 1

    @property
    def billed_seconds(self) -> int:
        """Every candidate for its longest time, and one instance beside them all the while."""
        return self.most_candidates * self.candidates.max_runtime_seconds + self.limits.max_runtime_seconds
