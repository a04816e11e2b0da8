"""The one sentence about Keras 3's fit, with stand-ins for Keras and its strategies."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from training.tensorflow import guards

TRAINER = """
class TensorFlowTrainer:
    distribute_strategy = None

    def fit(self, *given, **named):
        return given, named
"""


class ParameterServerStrategyV2:
    extended = SimpleNamespace()


def several(workers: int) -> Any:
    return SimpleNamespace(extended=SimpleNamespace(_num_workers=workers))


@pytest.fixture
def trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Keras's module, found by the import system, guarded before it is imported."""
    folder = tmp_path / "keras" / "src" / "backend" / "tensorflow"
    folder.mkdir(parents=True)
    for package in (folder, *folder.parents[:3]):
        (package / "__init__.py").touch()
    (folder / "trainer.py").write_text(TRAINER)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "keras"]:
        monkeypatch.delitem(sys.modules, name)
    guards.install()
    guards.install()
    from keras.src.backend.tensorflow import trainer

    yield trainer.TensorFlowTrainer()
    for name in [name for name in sys.modules if name.partition(".")[0] == "keras"]:
        del sys.modules[name]


@pytest.mark.parametrize("strategy", [several(2), ParameterServerStrategyV2()])
def test_fit_on_several_workers_is_refused_in_one_sentence(
    trainer: Any, strategy: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer.distribute_strategy = strategy
    with pytest.raises(SystemExit) as left:
        trainer.fit([1])
    assert left.value.code == 78
    assert capsys.readouterr().err.splitlines() == [f"error: {guards.SENTENCE}"]


@pytest.mark.parametrize("strategy", [None, several(1), SimpleNamespace(extended=SimpleNamespace())])
def test_fit_on_one_worker_is_what_it_was(trainer: Any, strategy: Any) -> None:
    trainer.distribute_strategy = strategy
    assert trainer.fit(1, epochs=2) == ((1,), {"epochs": 2})


def test_what_is_imported_already_is_guarded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("trainer")
    exec(TRAINER, module.__dict__)
    monkeypatch.setitem(sys.modules, "keras.src.backend.tensorflow.trainer", module)
    guards.install()
    first = module.TensorFlowTrainer.fit
    guards.install()
    assert module.TensorFlowTrainer.fit is first
