"""The processing job's definition: everything that its file in jobs/ can set, as frozen dataclasses."""

from dataclasses import dataclass
from typing import Literal

from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.processing.inputs import Input
from shardyard.spec.jobs.processing.outputs import Encryption, ProcessingOutput
from shardyard.spec.jobs.program import ENTRY
from shardyard.spec.tree import setting

_EXPERIMENT = r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,119}"
_EXPERIMENT_SAYS = "1 to 120 letters, digits and hyphens, no hyphen first or last"


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessingProgram:
    """The launcher starts the program once on each instance."""

    entry: str = setting(
        doc="A module (`training.processing.digits`) or a script (`prepare.py`).",
        pattern=ENTRY,
        says="a module such as training.processing.digits, or a script such as prepare.py",
    )
    without_gpus: bool = setting(
        False, "Run on the processors where an instance type's GPUs are not visible; otherwise the launcher refuses."
    )
    arguments: tuple[str, ...] = setting((), "Its arguments, as they are.", unit="words")


@dataclass(frozen=True, kw_only=True, slots=True)
class Spark:
    """Spark runs one application over all instances: `smspark-submit`, as in AWS's container."""

    application: str = setting(
        doc="The application in the job's [source]: a script.",
        pattern=r"(?=.{1,200}\Z)(?!/)(?!(.*/)?\.\.(/|\Z))[\w./-]+\.(py|jar)",
        says="a .py or .jar file in the job's code, such as events.py",
    )
    main_class: str | None = setting(
        None, "The class of a .jar.", pattern=r"[A-Za-z_$][\w$.]{0,199}", says="a class such as com.example.Main"
    )
    arguments: tuple[str, ...] = setting((), "The application's arguments.", unit="words")
    py_files: tuple[str, ...] = setting((), "Inputs by name: Python files and zips for every executor.")
    jars: tuple[str, ...] = setting((), "Inputs by name: jars for the driver and every executor.")
    files: tuple[str, ...] = setting((), "Inputs by name: files for every executor's working folder.")
    event_logs: bool = setting(True, "Write event logs, which `yard spark-ui` opens; they are an output of the run.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """SageMaker Experiments files the job under an experiment."""

    name: str | None = setting(None, "The experiment.", pattern=_EXPERIMENT, says=_EXPERIMENT_SAYS)
    trial: str | None = setting(None, "The trial.", pattern=_EXPERIMENT, says=_EXPERIMENT_SAYS)
    display_name: str | None = setting(
        None, "The name that Studio shows for the job.", pattern=_EXPERIMENT, says=_EXPERIMENT_SAYS
    )
    run_name: str | None = setting(None, "The experiment's run.", pattern=_EXPERIMENT, says=_EXPERIMENT_SAYS)

    def to_request(self) -> dict[str, str]:
        """The `ExperimentConfig` of a request."""
        made = {
            "ExperimentName": self.name,
            "TrialName": self.trial,
            "TrialComponentDisplayName": self.display_name,
            "RunName": self.run_name,
        }
        return {name: value for name, value in made.items() if value is not None}


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessingSpec(LaunchedSpec):
    """One processing job, as its author defined it."""

    kind: Literal["processing"] = setting(doc="What the job is: `processing`.")
    program: ProcessingProgram | None = setting(None, "What the launcher starts.")
    spark: Spark | None = setting(None, "A Spark application instead of a program.")
    inputs: dict[str, Input] = setting(doc="Inputs by name.", factory=dict)
    outputs: dict[str, ProcessingOutput] = setting(doc="Outputs by name.", factory=dict)
    output: Encryption = setting(doc="How outputs are encrypted.", factory=Encryption)
    experiment: Experiment | None = setting(None, "Where SageMaker Experiments files the job.")
    tags: dict[str, str] = setting(doc="Tags of the processing job.", factory=dict)

    @property
    def without_gpus(self) -> bool:
        """Whether its program says that it runs on the processors of machines with GPUs."""
        return self.program is not None and self.program.without_gpus
