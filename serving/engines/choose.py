"""Which engine serves a folder, and which one a model that the user's code has loaded."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from contract.variables import SERVING_RANKS
from serving.engines.errors import Unservable
from serving.engines.ranks import Place
from serving.engines.tokens import TokenHandler
from serving.handler import ArrayHandler, Engine, Handler

Served = Handler | TokenHandler
"""What a worker can serve with."""

_KNOWN = (
    "what this repository's programs save, TorchScript (*.pt) and exported programs (*.pt2), SavedModels, *.keras, "
    "scikit-learn (*.joblib, *.pkl), XGBoost (xgboost-model, *.ubj, *.xgb), *.onnx, and folders of Hugging Face"
)


def load(folder: Path, *, accept: str, slots: int, place: Place | None = None) -> Served:
    """The handler of a folder that has no code of its own."""
    if not folder.is_dir():
        raise Unservable(f"there is no model: {folder} does not exist")
    found = list(_found(folder, accept=accept, slots=slots, place=place))
    if not found:
        names = sorted(path.name for path in folder.iterdir())
        raise Unservable(
            f"no model is known by the files {', '.join(names[:10]) if names else '(none)'}. Served without code: "
            f"{_KNOWN}. For anything else write code/inference.py with model_fn and predict_fn"
        )
    if len(found) > 1:
        raise Unservable(
            f"the folder holds several models, {', '.join(label for label, _ in found)}: keep one, or write "
            "code/inference.py"
        )
    served = found[0][1]()
    if place is not None and not isinstance(served, TokenHandler):
        raise Unservable(f"{found[0][0]} is served whole: {SERVING_RANKS} splits the GPT of training.pytorch alone")
    return served


def _found(folder: Path, *, accept: str, slots: int, place: Place | None) -> Iterator[tuple[str, Callable[[], Served]]]:
    """Each model of a folder with what loads it; a SavedModel stands for the .keras file beside it."""

    def handler(engine: Engine) -> Served:
        return ArrayHandler(engine=engine, accept=accept)

    # Each engine is imported where it is used: none needs another's framework
    saved = _saved_model(folder)
    if saved is not None:
        from serving.engines import tensorflow

        yield saved.name, lambda: handler(tensorflow.load_saved_model(saved))
        return
    if (folder / "config.json").is_file() and any(folder.glob("*.safetensors")):
        from serving.engines import hugging_face

        yield "config.json", lambda: hugging_face.load(folder)
        return
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        loader = _loader(path, folder, accept=accept, slots=slots, place=place)
        if loader is not None:
            yield path.name, loader


def _loader(path: Path, folder: Path, *, accept: str, slots: int, place: Place | None) -> Callable[[], Served] | None:
    def arrays(load_engine: Callable[[Path], Engine]) -> Callable[[], Served]:
        return lambda: ArrayHandler(engine=load_engine(path), accept=accept)

    suffix = path.suffix
    if suffix in (".pt", ".pth", ".pt2"):
        from serving.engines import gpt, torch

        about = torch.read_about(folder)
        if gpt.is_ours(about):
            return lambda: gpt.load(path, about, slots=slots, tokenizer=folder / "tokenizer.json", place=place)
        return arrays(lambda path: torch.load_torch(path, about))
    if suffix in (".joblib", ".pkl"):
        from serving.engines import tables

        return arrays(tables.load_sklearn)
    if path.name in ("xgboost-model", "xgboost-model.json") or suffix in (".ubj", ".xgb"):
        from serving.engines import tables

        return arrays(tables.load_xgboost)
    if suffix == ".onnx":
        from serving.engines import onnx

        return arrays(onnx.load_onnx)
    if suffix == ".keras":
        from serving.engines import tensorflow

        return arrays(tensorflow.load_keras)
    return None


def _saved_model(folder: Path) -> Path | None:
    """The SavedModel's folder: this one, or of several numbered ones the latest, as TensorFlow Serving takes it."""
    if (folder / "saved_model.pb").is_file():
        return folder
    versions = [path.parent for path in folder.glob("*/saved_model.pb") if path.parent.name.isdecimal()]
    versions += [path.parent for path in folder.glob("*/*/saved_model.pb") if path.parent.name.isdecimal()]
    return max(versions, key=lambda path: int(path.name), default=None)


def wrap(model: Any) -> Engine | None:
    """The engine of a model that the user's `model_fn` has made; None where its kind is not known."""
    kinds = {base.__module__.partition(".")[0] for base in type(model).__mro__}
    if "torch" in kinds and hasattr(model, "eval"):
        from serving.engines.torch import TorchEngine

        return TorchEngine(model.eval())
    if "xgboost" in kinds and hasattr(model, "inplace_predict"):
        from serving.engines.tables import XGBoostEngine

        return XGBoostEngine(model)
    if "keras" in kinds and hasattr(model, "inputs"):
        from serving.engines.tensorflow import wrap_keras

        return wrap_keras(model)
    if "onnxruntime" in kinds and hasattr(model, "get_inputs"):
        from serving.engines.onnx import OnnxEngine

        return OnnxEngine(model, "the model")
    if hasattr(model, "predict"):
        from serving.engines.tables import SklearnEngine

        return SklearnEngine(model)
    return None
