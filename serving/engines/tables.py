"""Models of tables: scikit-learn's and XGBoost's."""

from pathlib import Path
from typing import Any

import numpy

from serving.codecs.sparse import SparseRows
from serving.engines.errors import Unservable, need
from serving.engines.shapes import only_array, table

_BATCH = 16


class SklearnEngine:
    """Whatever has `predict` and takes an array: scikit-learn's estimators and pipelines, and their like."""

    name = "scikit-learn"
    batch = _BATCH

    def __init__(self, model: Any) -> None:
        self.model = model
        self._columns = getattr(model, "n_features_in_", None)

    def prepare(self, decoded: Any) -> numpy.ndarray:
        """Rows of numbers; of texts, for a pipeline, which may encode categories."""
        if isinstance(decoded, SparseRows):
            return table(decoded, self._columns)
        found = only_array(decoded)
        if found.dtype.kind in "US" and found.ndim and hasattr(self.model, "steps"):
            return found.reshape(1, -1) if found.ndim < 2 else found
        return table(found, self._columns)

    def predict(self, rows: numpy.ndarray) -> Any:
        """What the model says."""
        return numpy.asarray(self.model.predict(rows))


class XGBoostEngine:
    """A Booster, asked without the detour of a DMatrix where the rows are dense."""

    name = "XGBoost"
    batch = _BATCH

    def __init__(self, booster: Any) -> None:
        self.model = booster
        self._columns = booster.num_features() or None

    def prepare(self, decoded: Any) -> numpy.ndarray:
        """Rows of 32 bits, as XGBoost keeps them; what a sparse row leaves out is missing, as when it was trained."""
        return table(decoded, self._columns, numpy.float32, missing=numpy.nan)

    def predict(self, rows: numpy.ndarray) -> Any:
        """What the trees say."""
        return self.model.inplace_predict(rows, validate_features=False)


def load_sklearn(path: Path) -> SklearnEngine:
    """An estimator that joblib or pickle has written."""
    joblib = need("joblib", "scikit-learn", f"{path.name}")
    model = joblib.load(path)
    if not hasattr(model, "predict"):
        raise Unservable(f"{path.name} holds a {type(model).__name__}, which has no predict: write code/inference.py")
    return SklearnEngine(model)


def load_xgboost(path: Path) -> XGBoostEngine:
    """A model that XGBoost has written, in any of its formats."""
    xgboost = need("xgboost", "xgboost-cpu", f"{path.name}")
    booster = xgboost.Booster()
    try:
        booster.load_model(bytearray(path.read_bytes()))
    except xgboost.core.XGBoostError as error:
        said = str(error).splitlines()[0][:200]
        raise Unservable(f"{path.name} is no model that XGBoost {xgboost.__version__} can read: {said}") from error
    return XGBoostEngine(booster)
