"""A good and a bad job for each rule about a search, with the exact refusal."""

from typing import Any

from shardyard.spec.rules import Facts
from tests.support.spec.rule_cases import Case
from tests.support.spec.spec_tables import over

LR = {"type": "continuous", "min": 1e-5, "max": 0.1, "scaling": "Logarithmic"}
SIZES = {"type": "categorical", "values": [16, 32]}
SEARCH: dict[str, Any] = {
    "objective": {"metric": "validation_loss"},
    "ranges": {"lr": LR},
    "max_jobs": 20,
    "max_parallel": 2,
}


def search(**tables: Any) -> dict[str, Any]:
    """A small search with tables laid over it; None removes a key."""
    return {"tuning": over(SEARCH, tables)}


def _range(**keys: Any) -> dict[str, Any]:
    return search(ranges={"lr": None, "x": keys})


def _named(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, **more}


RANGES = [
    Case(
        rule="tuning-has-ranges",
        good=search(),
        bad=search(ranges=None),
        says="tuning.ranges: missing; a search needs a hyperparameter with a range",
    ),
    Case(
        rule="tuning-or-static",
        good={**search(), "hyperparameters": {"epochs": 1}},
        bad={**search(), "hyperparameters": {"lr": 0.1}},
        says="tuning.ranges.lr: hyperparameters.lr is 0.1 already (give it a range or a value, not both)",
    ),
    Case(
        rule="tuning-range-order",
        good=_range(type="integer", min=1, max=2),
        bad=_range(type="integer", min=2, max=2),
        says="tuning.ranges.x.min: 2 is not less than max = 2",
    ),
    Case(
        rule="tuning-whole-numbers",
        good=_range(type="integer", min=1, max=2),
        bad=_range(type="integer", min=1, max=2.5),
        says='tuning.ranges.x.max: 2.5 is no whole number (or type = "continuous")',
    ),
    Case(
        rule="tuning-scaling",
        good=_range(type="continuous", min=0.5, max=0.999, scaling="ReverseLogarithmic"),
        bad=_range(type="continuous", min=0, max=1, scaling="Logarithmic"),
        says="tuning.ranges.x.scaling: Logarithmic needs min above 0, and it is 0",
    ),
    Case(
        rule="tuning-scaling",
        bad=_range(type="continuous", min=0.5, max=1, scaling="ReverseLogarithmic"),
        says="tuning.ranges.x.scaling: ReverseLogarithmic needs 0 <= x < 1, and the range is 0.5 to 1",
    ),
    Case(
        rule="tuning-scaling",
        bad=_range(type="integer", min=1, max=9, scaling="ReverseLogarithmic"),
        says="tuning.ranges.x.scaling: ReverseLogarithmic is not for integers (Linear or Logarithmic)",
    ),
    Case(
        rule="tuning-categories",
        good=_range(type="categorical", values=list(range(30))),
        bad=_range(type="categorical", values=list(range(31))),
        says="tuning.ranges.x.values: 31 values are not allowed (30 or fewer)",
    ),
    Case(
        rule="tuning-categories",
        bad=_range(type="categorical", values=["adam", "sgd", "adam"]),
        says="tuning.ranges.x.values: adam is given twice",
    ),
    Case(
        rule="tuning-range-names",
        good=search(ranges={"l" * 256: LR}),
        bad=search(ranges={"a=b": LR}),
        says="tuning.ranges.a=b: 'a=b' is not allowed (1 to 256 letters on one line, no equals sign)",
    ),
    Case(
        rule="tuning-range-count",
        good=search(ranges={f"p{number}": LR for number in range(29)}),
        bad=search(ranges={f"p{number}": LR for number in range(30)}),
        says="tuning.ranges: 31 ranges are not allowed (30 or fewer)",
    ),
    Case(
        rule="tuning-range-count",
        bad={**search(), "hyperparameters": {f"p{number}": 1 for number in range(99)}},
        says="tuning.ranges: 100 hyperparameters with the static ones are not allowed (99, SageMaker adds one)",
    ),
]

STRATEGY = [
    Case(
        rule="tuning-hyperband-stops-itself",
        good=search(strategy="Hyperband", hyperband={"max_resource": 9}),
        bad=search(strategy="Hyperband", hyperband={"max_resource": 9}, early_stopping=True),
        says="tuning.early_stopping: Hyperband stops trials by itself (set it to false)",
    ),
    Case(
        rule="tuning-hyperband-resources",
        good={**search(strategy="Hyperband"), "hyperparameters": {"epochs": 9}},
        bad=search(strategy="Hyperband"),
        says="tuning.hyperband.max_resource: missing; no hyperparameter says it either "
        "(one of epochs, numepochs, n-epochs, n_epochs, num_epochs)",
    ),
    Case(
        rule="tuning-hyperband-resources",
        bad=search(strategy="Hyperband", hyperband={"min_resource": 10, "max_resource": 9}),
        says="tuning.hyperband.min_resource: 10 is more than max_resource = 9",
    ),
    Case(
        rule="tuning-hyperband-resources",
        bad=search(strategy="Hyperband", hyperband={"max_resource": 20_001}),
        says="tuning.hyperband.max_resource: 20001 is not allowed (20000 or less)",
    ),
    Case(
        rule="tuning-hyperband-resources",
        bad=search(hyperband={"max_resource": 9}),
        says="tuning.hyperband: it is of the strategy Hyperband, and the strategy is Bayesian",
    ),
    Case(
        rule="tuning-grid-is-categorical",
        good=search(strategy="Grid", max_jobs=None, ranges={"lr": None, "size": SIZES}),
        bad=search(strategy="Grid"),
        says='tuning.ranges.lr.type: continuous is not for a grid (type = "categorical" with values)',
    ),
    Case(
        rule="tuning-grid-size",
        good=search(strategy="Grid", max_jobs=2, ranges={"lr": None, "size": SIZES}),
        bad=search(strategy="Grid", max_jobs=3, ranges={"lr": None, "size": SIZES}),
        says="tuning.max_jobs: 3 is not allowed: the grid has 2 (leave it out)",
    ),
    Case(
        rule="tuning-autotune",
        good=search(autotune=True, ranges={"depth": {"type": "auto", "hint": 4}}),
        bad=search(ranges={"depth": {"type": "auto", "hint": 4}}),
        says="tuning.ranges.depth.type: auto needs tuning.autotune = true (or give a range)",
    ),
    Case(
        rule="tuning-warm-start",
        good=search(warm_start={"parents": ["a", "b", "c", "d", "e"]}),
        bad=search(warm_start={"parents": ["a", "b", "c", "d", "e", "f"]}),
        says="tuning.warm_start.parents: 6 are not allowed (1 to 5)",
    ),
    Case(
        rule="tuning-warm-start",
        bad=search(warm_start={"parents": ["a", "a"]}),
        says="tuning.warm_start.parents: 'a' is given twice",
    ),
    Case(
        rule="tuning-warm-start",
        bad=search(strategy="Grid", max_jobs=None, ranges={"lr": None, "size": SIZES}, warm_start={"parents": ["a"]}),
        says="tuning.warm_start: it is for the strategies Bayesian and Random, and the strategy is Grid",
    ),
    Case(
        rule="tuning-completion",
        good=search(completion={"not_improving_jobs": 19}),
        bad=search(completion={"not_improving_jobs": 20}),
        says="tuning.completion.not_improving_jobs: 20 is not less than the 20 trials",
    ),
]

LIMITS = [
    Case(
        rule="tuning-max-jobs",
        good=search(strategy="Random", max_jobs=10_000),
        bad=search(max_jobs=751),
        says="tuning.max_jobs: 751 trials are not allowed (750 or fewer with the strategy Bayesian)",
    ),
    Case(
        rule="tuning-max-jobs",
        bad=search(max_jobs=None),
        says="tuning.max_jobs: missing; say how many trials the search may have (only a grid knows)",
    ),
    Case(
        rule="tuning-parallel",
        good=search(max_parallel=20),
        bad=search(max_parallel=21),
        says="tuning.max_parallel: 21 at once are more than 20 in all",
    ),
    Case(
        rule="tuning-time",
        good=search(max_runtime="30d"),
        bad=search(max_runtime="31d"),
        says="tuning.max_runtime: 31d is not allowed (30d or less)",
    ),
    Case(
        rule="tuning-time",
        bad={**search(max_runtime="1h"), "limits": {"max_runtime": "2h"}},
        says="tuning.max_runtime: 1h is less than one trial may take (2h); shorten limits.max_runtime",
    ),
    Case(
        rule="tuning-definitions",
        good=search(definitions=[_named("a"), _named("b")]),
        bad=search(definitions=[_named("a"), _named("a")]),
        says="tuning.definitions: 'a' is the name of two (choose another)",
    ),
    Case(
        rule="tuning-definitions",
        bad=search(definitions=[_named(f"d{number}") for number in range(11)]),
        says="tuning.definitions: 11 are not allowed (10 or fewer)",
    ),
    Case(
        rule="tuning-instances",
        good=search(instances=[{"instance_type": "ml.g5.xlarge"}] * 6),
        bad=search(instances=[{"instance_type": "ml.g5.xlarge"}] * 7),
        says="tuning.instances: 7 are not allowed (6 or fewer)",
    ),
    Case(
        rule="tuning-instances",
        bad={
            **search(),
            "compute": {"instance_type": None, "preferences": [{"instance_type": "ml.g5.xlarge"}]},
        },
        says="compute.preferences: trials choose from tuning.instances (list the types there)",
    ),
    Case(
        rule="tuning-metric-count",
        good={**search(), "metrics": [{"name": f"m{number}", "regex": "(1)"} for number in range(20)]},
        bad={**search(), "metrics": [{"name": f"m{number}", "regex": "(1)"} for number in range(21)]},
        says="metrics: 21 are not allowed in a search (20 or fewer)",
    ),
]

TRIALS = [
    Case(
        rule="tuning-objective-known",
        good={**search(objective={"metric": "bleu"}), "metrics": [{"name": "bleu", "regex": "bleu=(.+)"}]},
        bad=search(objective={"metric": "validation_los"}),
        says="tuning.objective.metric: 'validation_los' is no metric of the job; did you mean 'validation_loss'?",
    ),
    Case(
        rule="tuning-objective-known",
        bad=search(definitions=[_named("a"), _named("b", objective={"metric": "accuraci"})]),
        says="tuning.definitions[1].objective.metric: 'accuraci' is no metric of the job; did you mean 'accuracy'?",
    ),
    Case(
        rule="tuning-entry-point",
        good={**search(), "image": {"folder": None, "repository": "own", "tag": "1"}},
        bad={**search(), "image": {"folder": None, "framework": "pytorch", "version": "2.13"}},
        says="image.framework: a search cannot start the launcher in AWS's pytorch container (use image.folder)",
    ),
    Case(
        rule="tuning-entry-point",
        bad={**search(), "image": {"folder": None, "repository": "own", "tag": "1", "entrypoint": ["python"]}},
        says="image.entrypoint: a search does not take it (put it into the image)",
    ),
    Case(
        rule="tuning-lacks",
        good=search(),
        bad={**search(), "tensorboard": {"enabled": True}},
        says="tensorboard.enabled: trials of a search cannot have it "
        "(leave it out, or make a second job of the search)",
    ),
    Case(
        rule="tuning-lacks",
        good={**search(), "spot": {"enabled": True}, "checkpoints": {"enabled": True}},
        bad={**search(), "spot": {"enabled": True, "give_up": "30m"}, "checkpoints": {"enabled": True}},
        says="spot.give_up: trials of a search cannot have it (leave it out, or make a second job of the search)",
    ),
    Case(
        rule="tuning-image",
        good=search(instances=[{"instance_type": "ml.m5.large"}, {"instance_type": "ml.g5.xlarge"}]),
        bad=search(instances=[{"instance_type": "ml.g5.xlarge"}, {"instance_type": "ml.p6e-gb200.36xlarge"}]),
        facts=Facts(image_variants=("cpu", "gpu", "gpu-arm64")),
        says="tuning.instances: all types have one image: containers/pytorch has no image for these instances: "
        "ml.g5.xlarge needs gpu, ml.p6e-gb200.36xlarge needs gpu-arm64, and its variants.toml has cpu, gpu, gpu-arm64 "
        "(take other types, or add a base for that hardware there)",
    ),
    Case(
        rule="tuning-environment",
        good={**search(), "environment": {f"V{number}": "1" for number in range(40)}},
        bad={**search(), "environment": {f"V{number}": "1" for number in range(46)}},
        says="environment: 50 with the 4 that Shardyard adds are not allowed (48 or fewer)",
    ),
    Case(
        rule="tuning-checkpoints",
        good={**search(checkpoints=True), "checkpoints": {"enabled": True}},
        bad=search(checkpoints=True),
        says="tuning.checkpoints: the job has none (set checkpoints.enabled, or leave this out)",
    ),
    Case(
        rule="tuning-definition-entry",
        good=search(definitions=[_named("a", entry="training.pytorch.programs.mnist")]),
        bad={
            **search(definitions=[_named("a", entry="training.pytorch.programs.mnist")]),
            "program": None,
            "image": {"folder": None, "repository": "own", "tag": "1"},
        },
        says="tuning.definitions[0].entry: the job has no [program], so nothing would start it",
    ),
    Case(
        rule="tuning-retrain",
        good=search(retrain={"enabled": True, "hyperparameters": {"all": True}}),
        bad=search(retrain={"hyperparameters": {"all": True}}),
        says="tuning.retrain.hyperparameters: nothing reads it while tuning.retrain.enabled is false",
    ),
    Case(
        rule="tuning-retrain-entry",
        good=search(
            retrain={"enabled": True},
            definitions=[_named("a"), _named("b", entry="training.pytorch.programs.mnist")],
        ),
        bad=search(
            retrain={"enabled": True},
            definitions=[_named("a"), _named("b", entry="training.pytorch.programs.gpt")],
        ),
        says="tuning.definitions[1].entry: the training after the search starts training.pytorch.programs.mnist "
        "(leave tuning.retrain.enabled out)",
    ),
]

CASES = [*RANGES, *STRATEGY, *LIMITS, *TRIALS]
