"""The environment of a tested state, which keeps what the state made of its data on the way."""

from typing import Any

from moto.stepfunctions.parser.asl.component.common.parargs import Arguments, Parameters
from moto.stepfunctions.parser.asl.component.common.path.input_path import InputPath
from moto.stepfunctions.parser.asl.component.common.path.items_path import ItemsPath
from moto.stepfunctions.parser.asl.component.common.path.result_path import ResultPath
from moto.stepfunctions.parser.asl.component.common.result_selector import ResultSelector
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.state_pass.result import Result
from moto.stepfunctions.parser.asl.eval.environment import Environment

from embedded.services.stepfunctions.teststate.mocks import Mock

_KEPT: tuple[tuple[type[EvalComponent], str], ...] = (
    (InputPath, "afterInputPath"),
    (ItemsPath, "afterItemsPath"),
    (Parameters, "afterParameters"),
    (Arguments, "afterArguments"),
    (Result, "result"),
    (ResultSelector, "afterResultSelector"),
    (ResultPath, "afterResultPath"),
)


class Inspection(Environment):  # type: ignore[misc]
    """moto's environment with a mock, a given context object, and what is seen on the way."""

    mock: Mock | None = None
    given_context: dict[str, Any] | None = None
    failed_iterations: int = 0
    """How many iterations of a Map state the test says have failed."""
    seen: dict[str, Any]
    stands_for: Any = None
    """The component in whose place the mock is put, where that is not a task."""

    @classmethod
    def as_frame_of(cls, env: "Inspection", event_history_frame_cache: Any = None) -> "Inspection":
        """A frame with the same variables; moto's own forgets the class."""
        return cls.as_inner_frame_of(env, env.variable_store, event_history_frame_cache)

    @classmethod
    def as_inner_frame_of(cls, env: "Inspection", *arguments: Any, **named: Any) -> "Inspection":
        """A frame of the same test."""
        frame: Inspection = super().as_inner_frame_of(env, *arguments, **named)
        frame.mock, frame.given_context, frame.stands_for = env.mock, env.given_context, env.stands_for
        frame.seen, frame.failed_iterations = env.seen, env.failed_iterations
        return frame

    def keep(self, component: EvalComponent) -> None:
        """Take down what a component has left on the stack."""
        name = next((name for kind, name in _KEPT if isinstance(component, kind)), None)
        if name is not None and self.stack:
            self.seen[name] = self.stack[-1]
