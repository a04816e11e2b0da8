"""Rules about the trials: what a training job can and a trial of SageMaker's cannot."""

from collections.abc import Iterator

from shardyard.spec.catalogue.variants import misfit
from shardyard.spec.errors import Problem, nearest
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.metrics import metric_definitions
from shardyard.spec.requests.training import environment
from shardyard.spec.rules.base import Facts, rule
from shardyard.spec.rules.tuning.ranges import TUNING_API
from shardyard.spec.tuning.trials import kinds

_REFUSED = "SageMaker refuses the request."


@rule(
    "tuning-objective-known",
    reason="SageMaker refuses an objective that no metric of the job defines.",
    source="CreateHyperParameterTuningJob: `A metric is required for this hyperparameter tuning job objective`",
)
def objective_known(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """The objective is a metric of the job: a standard one, or one of its own."""
    own = spec.image.algorithm is not None or spec.image.builtin is not None
    if spec.tuning is None or own:  # an algorithm brings its own metrics
        return
    known = [one["Name"] for one in metric_definitions(spec.metrics)]
    for kind in kinds(spec):
        if kind.objective.metric not in known:
            message = f"{kind.objective.metric!r} is no metric of the job; {nearest(kind.objective.metric, known)}"
            yield Problem("tuning.objective.metric" if kind.name is None else f"{kind.where}.objective.metric", message)


@rule(
    "tuning-entry-point",
    reason="A trial runs the image as it is: AWS's containers would not find the launcher.",
    source=f"{TUNING_API}: HyperParameterAlgorithmSpecification has no entry point, arguments or registry access",
)
def entry_point(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A job that is tuned has an image with the launcher in it: image.folder, your repository or an algorithm."""
    if spec.tuning is None:
        return
    if spec.image.framework is not None:
        message = f"a search cannot start the launcher in AWS's {spec.image.framework} container (use image.folder)"
        yield Problem("image.framework", message)
    for name in ("entrypoint", "arguments", "access"):
        if getattr(spec.image, name):
            yield Problem(f"image.{name}", "a search does not take it (put it into the image)")


@rule(
    "tuning-lacks",
    reason="The trials would silently go without it.",
    source=f"{TUNING_API}: HyperParameterTrainingJobDefinition has no such field",
)
def lacks(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """Trials have no debug shell, instance checks, TensorBoard copies, MLflow, session tags or spot.give_up."""
    if spec.tuning is None:
        return
    switched_on = {
        "debug.remote": spec.debug.remote,
        "infra_check.enabled": spec.infra_check.enabled,
        "tensorboard.enabled": spec.tensorboard.enabled,
        "mlflow": spec.mlflow is not None,
        "session.tag_chaining": spec.session.tag_chaining,
        "spot.give_up": spec.spot.enabled and spec.spot.give_up_seconds is not None,
    }
    for where in (where for where, on in switched_on.items() if on):
        yield Problem(where, "trials of a search cannot have it (leave it out, or make a second job of the search)")


@rule(
    "tuning-image",
    reason="Trials on the other types leave GPUs idle, which bill, or fail with `exec format error`.",
    source=f"{TUNING_API}: AlgorithmSpecification has one image for all InstanceConfigs",
)
def image(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """One image of the job's folder of containers/ runs on every type in a list of tuning.instances."""
    if spec.image.folder is None or not facts.image_variants:
        return
    for kind in (kind for kind in kinds(spec) if len(kind.instances) > 1):
        message = misfit(kind.together, facts.image_variants, spec.image.folder)
        if message is not None:
            yield Problem(f"{kind.where}.instances", f"all types have one image: {message}")


@rule(
    "tuning-environment",
    reason=_REFUSED,
    source=f"{TUNING_API}: Environment, at most 48 over all definitions",
)
def environment_count(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """All definitions of a search together have at most 48 environment variables, Shardyard's among them."""
    if spec.tuning is None:
        return
    trials = kinds(spec)
    count = sum(len(environment(kind.spec, "run", checkpoints=None)) for kind in trials)
    if count > 48:
        own = sum(len(kind.spec.environment) for kind in trials)
        yield Problem(
            "environment", f"{count} with the {count - own} that Shardyard adds are not allowed (48 or fewer)"
        )


@rule(
    "tuning-checkpoints",
    reason="Nothing would be kept.",
    source="the job's own [checkpoints]",
)
def checkpoints(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """Trials keep checkpoints where the job has some."""
    if spec.tuning is not None and spec.tuning.checkpoints and not spec.checkpoints.enabled:
        yield Problem("tuning.checkpoints", "the job has none (set checkpoints.enabled, or leave this out)")


@rule(
    "tuning-definition-entry",
    reason="Nothing would start it.",
    source="training.launcher starts what [program] names",
)
def definition_entry(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A definition names another program only where the job has one."""
    if spec.tuning is None or spec.program is not None:
        return
    for number, one in enumerate(spec.tuning.definitions):
        if one.entry is not None:
            yield Problem(f"tuning.definitions[{number}].entry", "the job has no [program], so nothing would start it")


@rule(
    "tuning-retrain",
    reason="Nothing would read them.",
    source="the launch after a search is made only where tuning.retrain.enabled is true",
)
def retrain(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """Values for the training after the search stand beside tuning.retrain.enabled."""
    if spec.tuning is None or spec.tuning.retrain.enabled:
        return
    for name in ("hyperparameters", "environment"):
        if getattr(spec.tuning.retrain, name):
            yield Problem(f"tuning.retrain.{name}", "nothing reads it while tuning.retrain.enabled is false")


@rule(
    "tuning-retrain-entry",
    reason="It would train the job's own program with what was found for another.",
    source="the launch after a search is an ordinary one, whose input has hyperparameters and no program",
)
def retrain_entry(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """The training after a search starts the job's own program, so that no definition names another."""
    if spec.tuning is None or spec.program is None or not spec.tuning.retrain.enabled:
        return
    for number, one in enumerate(spec.tuning.definitions):
        if one.entry not in (None, spec.program.entry):
            message = f"the training after the search starts {spec.program.entry} (leave tuning.retrain.enabled out)"
            yield Problem(f"tuning.definitions[{number}].entry", message)
