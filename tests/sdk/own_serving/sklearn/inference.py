"""A person's own script for SageMaker's container of scikit-learn, as public examples write it."""

import json
import os
from io import StringIO

import joblib
import numpy as np
from flowers import NAMES  # of requirements.txt


def model_fn(model_dir):
    """Deserialize the fitted model."""
    return joblib.load(os.path.join(model_dir, "model.joblib"))


def input_fn(input_data, content_type):
    """Parse the payload; only CSV and JSON are supported."""
    if content_type == "text/csv":
        return np.genfromtxt(StringIO(input_data), delimiter=",").reshape(-1, 4)
    if content_type == "application/json":
        return np.array(json.loads(input_data)["instances"])
    raise ValueError(f"{content_type} not supported by script!")


def predict_fn(input_data, model):
    """Return the class of each row and how sure the model is of it."""
    probabilities = model.predict_proba(input_data)
    return np.column_stack([probabilities.argmax(axis=1), probabilities.max(axis=1)])


def output_fn(prediction, accept):
    """Format the prediction as the client asks for it."""
    rows = [(NAMES[int(label)], round(float(sure), 3)) for label, sure in prediction]
    if accept == "application/json":
        return json.dumps({"predictions": [{"species": name, "probability": sure} for name, sure in rows]})
    if accept == "text/csv":
        return "".join(f"{name},{sure}\n" for name, sure in rows), accept
    raise RuntimeError(f"{accept} accept type is not supported by this script.")
