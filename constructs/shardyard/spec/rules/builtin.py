"""Rules about SageMaker's built-in algorithms: what each takes, before it fails minutes after its start."""

from collections.abc import Iterator, Mapping

from contract.hyperparameters import Scalar, bare, encode
from shardyard.spec.catalogue.builtin import Algorithm, builtin_of, unknown_version
from shardyard.spec.errors import Problem, nearest
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.tuning.ranges import Range
from shardyard.spec.rules.base import Facts, known_types, rule
from shardyard.spec.tuning.trials import kinds

_PAGES = "constructs/shardyard/spec/catalogue/data/builtin.json, dated, with the pages of the developer guide"


@rule("builtin-brings-its-own", reason="Nothing of it would be used.", source=_PAGES)
def brings_its_own(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A built-in algorithm takes no program, code, metrics, entry point or secrets of Shardyard's."""
    algorithm = builtin_of(spec)
    if algorithm is None:
        return
    given = {
        "program": spec.program is not None,
        "source": spec.source is not None,
        "metrics": bool(spec.metrics),
        "secrets": bool(spec.secrets),
        "image.entrypoint": bool(spec.image.entrypoint),
        "image.arguments": bool(spec.image.arguments),
    }
    for where in (where for where, is_given in given.items() if is_given):
        yield Problem(where, f"the algorithm {algorithm.name} brings its own (remove it)")


@rule("builtin-version", reason="The image would not be found when the job starts.", source=_PAGES)
def version(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A built-in algorithm's version is one that the dated list knows."""
    algorithm = builtin_of(spec)
    said = None if algorithm is None else unknown_version(algorithm, spec.image.version)
    if said is not None:
        yield Problem("image.version", said)


@rule("builtin-channels", reason="The algorithm fails at its start, or reads nothing of it.", source=_PAGES)
def channels(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A built-in algorithm has the channels that it needs, and no others."""
    algorithm = builtin_of(spec)
    if algorithm is None:
        return
    for name in algorithm.required_channels:
        if name not in spec.channels:
            yield Problem(f"channels.{name}", f"missing; {algorithm.name} reads it")
    for name in spec.channels:
        if name not in algorithm.channels:
            yield Problem(f"channels.{name}", f"{algorithm.name} does not read it ({', '.join(algorithm.channels)})")


@rule("builtin-data", reason="The algorithm fails when it reads its first object.", source=_PAGES)
def data(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A channel of a built-in algorithm has a mode and a content type that it takes."""
    algorithm = builtin_of(spec)
    if algorithm is None:
        return
    for name, channel in spec.channels.items():
        if channel.mode not in algorithm.modes:
            message = f"{algorithm.name} does not take {channel.mode} ({', '.join(algorithm.modes)})"
            yield Problem(f"channels.{name}.mode", message)
        kind = None if channel.content_type is None else channel.content_type.partition(";")[0].strip()
        if kind is not None and kind not in algorithm.content_types:
            message = f"{algorithm.name} does not read {kind} ({', '.join(algorithm.content_types)})"
            yield Problem(f"channels.{name}.content_type", message)


@rule("builtin-hyperparameters", reason="The algorithm fails at its start.", source=_PAGES)
def hyperparameters(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A built-in algorithm has the hyperparameters that it needs, with values that it knows."""
    algorithm = builtin_of(spec)
    if algorithm is None:
        return
    searched = [set(kind.ranges) | set(kind.spec.hyperparameters) for kind in kinds(spec)]
    for name in algorithm.required:
        if name not in spec.hyperparameters and not (searched and all(name in known for known in searched)):
            yield Problem(f"hyperparameters.{name}", f"missing; {algorithm.name} needs it")
    for need in algorithm.required_with:
        value = spec.hyperparameters.get(need.where)
        if value in need.values and not any(need.name in known for known in (spec.hyperparameters, *searched)):
            yield Problem(f"hyperparameters.{need.name}", f"missing; {algorithm.name} needs it for {value}")
    for where, values in _tables(spec):
        for name, value in values.items():
            allowed = _instead(algorithm, name, bare(value))
            if allowed is not None:
                yield Problem(f"{where}.{name}", f"{bare(value)!r} is not allowed ({allowed})")


def _tables(spec: JobSpec) -> Iterator[tuple[str, Mapping[str, Scalar]]]:
    """The job's hyperparameters, and those that a search lays over them."""
    yield "hyperparameters", spec.hyperparameters
    if spec.tuning is not None:
        for number, one in enumerate(spec.tuning.definitions):
            yield f"tuning.definitions[{number}].hyperparameters", one.hyperparameters
        yield "tuning.retrain.hyperparameters", spec.tuning.retrain.hyperparameters


def _instead(algorithm: Algorithm, name: str, text: str) -> str | None:
    """What is allowed in place of a value that is not."""
    values, numbers = algorithm.choices.get(name), algorithm.numbers.get(name)
    if values is not None and text.lower() not in (value.lower() for value in values):
        return ", ".join(values)
    return numbers.says if numbers is not None and not numbers.takes(text) else None


@rule("builtin-ranges", reason="SageMaker refuses the search.", source=_PAGES)
def ranges(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A search of a built-in algorithm chooses hyperparameters that can be tuned, each with a range of its type."""
    algorithm = builtin_of(spec)
    if algorithm is None:
        return
    tuned = [(f"{kind.where}.ranges.{name}", name, one) for kind in kinds(spec) for name, one in kind.ranges.items()]
    for where, name, one in tuned:
        known = algorithm.tunable.get(name)
        if known is None:
            yield Problem(where, f"{algorithm.name} cannot tune it; {nearest(name, list(algorithm.tunable))}")
        elif one.type not in (known.type, "auto", "categorical"):
            yield Problem(f"{where}.type", f"{one.type} is not allowed ({known.type})")
        elif known.type == "categorical":
            allowed = [encode(value) for value in known.values]
            unknown = [text for text in one.texts if text.lower() not in (value.lower() for value in allowed)]
            for text in unknown:
                yield Problem(f"{where}.values", f"{text} is not allowed ({', '.join(allowed)})")
        else:
            for end, text in _ends(one):
                instead = _instead(algorithm, name, text)
                if instead is not None:
                    yield Problem(f"{where}.{end}", f"{text!r} is not allowed ({instead})")


def _ends(one: Range) -> Iterator[tuple[str, str]]:
    """The values that a range names, by their keys; one that autotune makes names none."""
    if one.type == "categorical":
        yield from (("values", text) for text in one.texts)
    elif one.type != "auto":
        yield from zip(("min", "max"), one.bounds, strict=True)


@rule("builtin-objective", reason="SageMaker refuses the search, or looks for the worst.", source=_PAGES)
def objective(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A search of a built-in algorithm is for one of its metrics, in that metric's direction."""
    algorithm = builtin_of(spec)
    if algorithm is None:
        return
    for kind in kinds(spec):
        where = "tuning.objective" if kind.name is None else f"{kind.where}.objective"
        metric, goal = kind.objective.metric, kind.objective.goal
        known = algorithm.metrics.get(metric)
        if known is None:
            message = f"{algorithm.name} has no metric {metric!r}; {nearest(metric, list(algorithm.metrics))}"
            yield Problem(f"{where}.metric", message)
        elif known != goal:
            yield Problem(f"{where}.goal", f"{goal} would look for the worst {metric} ({known})")


@rule(
    "builtin-instances",
    reason="The algorithm fails, or uses one of the instances that bill.",
    source=_PAGES,
    by_type=True,
)
def instances(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A built-in algorithm runs on as many instances as it can use, with GPUs only if it uses them."""
    algorithm = builtin_of(spec)
    if algorithm is None:
        return
    if spec.compute.most_instances > 1 and not algorithm.several_instances:
        yield Problem("compute.count", f"{algorithm.name} trains on one instance (1)")
    for where, instance in known_types(spec):
        if instance.gpus and not algorithm.gpu:
            yield Problem(where, f"{instance.name} has GPUs, which {algorithm.name} does not use")
