"""A small interpreter of the Amazon States Language that our machines are written in: for tests of whole launches.

Strict where the service is strict: a path that finds nothing fails the state. It does not wait.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

Task = Callable[[Mapping[str, Any]], Any]


class TaskError(Exception):
    """What a task raises to fail with an error name and a cause."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


class Run:
    """One execution: its result and the states it went through."""

    def __init__(self, definition: str, tasks: Mapping[str, Task], execution: Mapping[str, Any]) -> None:
        self.machine = json.loads(definition)
        self.tasks = tasks
        self.context = {"Execution": execution}
        self.visited: list[str] = []
        self.waited_seconds = 0
        self.status, self.error, self.cause = "RUNNING", "", ""
        self.output: Any = None
        self._go(execution["Input"])

    def _go(self, data: Any) -> None:
        name = self.machine["StartAt"]
        while True:
            assert len(self.visited) < 2000, "the machine goes on for ever"
            self.visited.append(name)
            state = self.machine["States"][name]
            if state["Type"] == "Succeed":
                self.status, self.output = "SUCCEEDED", self.at(state.get("OutputPath", "$"), data)
                return
            if state["Type"] == "Fail":
                self.status = "FAILED"
                self.error, self.cause = self.at(state["ErrorPath"], data), self.at(state["CausePath"], data)
                assert isinstance(self.error, str) and isinstance(self.cause, str)
                return
            name, data = self._step(state, data)

    def _step(self, state: Mapping[str, Any], data: Any) -> tuple[str, Any]:
        if state["Type"] == "Choice":
            return next((c["Next"] for c in state["Choices"] if self._holds(c, data)), state["Default"]), data
        if state["Type"] == "Wait":
            seconds = self.at(state["SecondsPath"], data)
            assert isinstance(seconds, int) and seconds > 0, f"Wait takes a positive whole number, not {seconds!r}"
            self.waited_seconds += seconds
            return state["Next"], data
        if state["Type"] == "Pass":
            value = self.fill(state["Parameters"], data) if "Parameters" in state else self.at(state["InputPath"], data)
            return state["Next"], _put(state["ResultPath"], data, value)
        return self._task(state, data)

    def _task(self, state: Mapping[str, Any], data: Any) -> tuple[str, Any]:
        parameters = self.fill(state["Parameters"], data)
        resource = state["Resource"].rpartition(":::")[2]
        key = parameters["FunctionName"] if resource == "lambda:invoke" else resource
        try:
            answer = self.tasks[key](json.loads(json.dumps(parameters.get("Payload", parameters))))
        except TaskError as failed:
            catch = state["Catch"][0]
            return catch["Next"], _put(catch["ResultPath"], data, {"Error": failed.error, "Cause": failed.cause})
        result = {"Payload": answer, "StatusCode": 200} if resource == "lambda:invoke" else answer
        result = json.loads(json.dumps(result))
        if "ResultSelector" in state:
            result = self.fill(state["ResultSelector"], result)
        merged = data if state.get("ResultPath", "$") is None else _put(state.get("ResultPath", "$"), data, result)
        return state["Next"], self.at(state.get("OutputPath", "$"), merged)

    def _holds(self, choice: Mapping[str, Any], data: Any) -> bool:
        if "IsPresent" in choice:
            try:
                self.at(choice["Variable"], data)
            except LookupError:
                return not choice["IsPresent"]
            return bool(choice["IsPresent"])
        return bool(self.at(choice["Variable"], data) == choice["StringEquals"])

    def fill(self, template: Any, data: Any) -> Any:
        """Fill in a payload template."""
        if not isinstance(template, dict):
            return [self.fill(item, data) for item in template] if isinstance(template, list) else template
        return {
            key.removesuffix(".$"): self.at(value, data) if key.endswith(".$") else self.fill(value, data)
            for key, value in template.items()
        }

    def at(self, path: str, data: Any) -> Any:
        """The value at a reference path; LookupError where there is none."""
        if path.startswith("States.Format("):
            template, *arguments = path.removeprefix("States.Format(").removesuffix(")").split(", $")
            filled = template.strip("'")
            for argument in arguments:
                filled = filled.replace("{}", str(self.at(f"${argument}", data)), 1)
            return filled
        if path.startswith("$$"):
            data, path = self.context, path[1:]
        for part in path.split(".")[1:]:
            if not isinstance(data, dict) or part not in data:
                raise LookupError(f"{path} finds nothing in {json.dumps(data)[:300]}")
            data = data[part]
        return data


def _put(path: str, data: Any, value: Any) -> Any:
    if path == "$":
        return value
    return {**data, path.removeprefix("$."): value}
