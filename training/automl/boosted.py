"""XGBoost with classes by their names: its own scikit-learn estimator takes numbers from 0 on alone."""

from typing import Any

import numpy as np
import xgboost
from sklearn.base import BaseEstimator
from sklearn.preprocessing import LabelEncoder

from training.automl.table import Problem


class Boosted(BaseEstimator):
    """Gradient-boosted trees of the package XGBoost."""

    def __init__(self, problem: Problem = "classification", rate: float = 0.1, depth: float = 5, strength: float = 1.0):
        self.problem, self.rate, self.depth, self.strength = problem, rate, depth, strength

    def fit(self, matrix: Any, values: Any) -> "Boosted":
        """Learn."""
        kind = xgboost.XGBClassifier if self.problem == "classification" else xgboost.XGBRegressor
        self.model_ = kind(
            n_estimators=200, learning_rate=self.rate, max_depth=int(self.depth), reg_lambda=self.strength, n_jobs=1
        )
        if self.problem == "classification":
            self.labels_ = LabelEncoder().fit(values)
            self.classes_ = self.labels_.classes_
            values = self.labels_.transform(values)
        self.model_.fit(matrix, values)
        return self

    def predict_proba(self, matrix: Any) -> Any:
        """The probability of each class."""
        return self.model_.predict_proba(matrix)

    def predict(self, matrix: Any) -> Any:
        """The most probable class, or the value."""
        if self.problem == "classification":
            return self.classes_[np.argmax(self.predict_proba(matrix), axis=1)]
        return self.model_.predict(matrix)
