"""Keras 3's own training loop knows one worker only: found in a job's code before any instance bills."""

import ast
from collections.abc import Iterator

from shardyard.spec.errors import Problem
from shardyard.spec.jobs.code.files import SourceFiles
from shardyard.spec.jobs.job import JobSpec

_SEVERAL = ("MultiWorkerMirroredStrategy", "ParameterServerStrategy")
_KERAS_2 = (b"TF_USE_LEGACY_KERAS", b"tf_keras")
_KERAS_ARGUMENTS = {"loss", "optimizer"}


def keras_fit_problems(code: SourceFiles, spec: JobSpec) -> Iterator[Problem]:
    """A problem for each file that compiles a model and fits it with a strategy of several workers.

    Code that names Keras 2 anywhere, in its files or in the job's environment, is taken to use it.
    """
    if spec.program is None or spec.program.launcher != "tensorflow" or spec.compute.most_instances == 1:
        return
    texts = {name: path.read_bytes() for name, path in code.files.items() if name.endswith(".py")}
    if "TF_USE_LEGACY_KERAS" in spec.environment or any(word in text for text in texts.values() for word in _KERAS_2):
        return
    for name, text in texts.items():
        if not any(strategy.encode() in text for strategy in _SEVERAL):
            continue
        try:
            calls = {line: call for line, call in _calls(ast.parse(text))}
        except (SyntaxError, ValueError):
            # Said by whoever reads it for its syntax
            continue
        if "compile" in calls.values() and "fit" in calls.values():
            line = next(line for line, call in calls.items() if call == "fit")
            yield Problem(
                "source.dir",
                f"{name} calls Keras's fit (line {line}) with a strategy of several workers, which Keras 3 cannot "
                '(TF_USE_LEGACY_KERAS = "1" in [environment] takes tf_keras; or write the loop: docs/do/tensorflow.md)',
            )


def _calls(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Calls of `compile` with Keras's arguments, and of `fit`, by their lines."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        named = {keyword.arg for keyword in node.keywords}
        if node.func.attr == "fit" or (node.func.attr == "compile" and (named & _KERAS_ARGUMENTS or node.args)):
            yield node.lineno, node.func.attr
