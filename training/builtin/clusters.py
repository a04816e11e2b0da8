"""K-Means, by scikit-learn."""

import joblib
import numpy as np
from sklearn.cluster import KMeans

from training.builtin.job import Job, UserError
from training.builtin.scores import say

FILE = "kmeans.joblib"


def train(job: Job) -> None:
    """Find the centres, and say how far from them the rows are."""
    count = job.whole("k", low=2)
    rows = np.nan_to_num(job.read("train", labelled=False).matrix)
    width = job.whole("feature_dim", low=1)
    if rows.shape[1] != width:
        raise UserError(f"feature_dim is {width}, and the rows of the channel train have {rows.shape[1]}")
    if len(rows) < count:
        raise UserError(f"k is {count}, and the channel train has {len(rows)} rows")
    start = job.text("init_method", "random", choices=("random", "kmeans++"))
    given = job.text("local_lloyd_num_trials", "auto")
    trials = 3 if given == "auto" else job.whole("local_lloyd_num_trials", low=1)
    model = KMeans(
        n_clusters=count,
        init="k-means++" if start == "kmeans++" else "random",
        n_init=trials,
        max_iter=job.whole("local_lloyd_max_iter", 300, low=1),
        tol=job.number("local_lloyd_tol", 0.0001, low=0, high=1),
        random_state=0,
    ).fit(rows)
    say("train", "msd", float(model.inertia_) / len(rows), is_loss=True)
    if job.has("test"):
        test = np.nan_to_num(job.read("test", labelled=False).matrix)
        distances = float((model.transform(test).min(axis=1) ** 2).sum())
        say("test", "ssd", distances, is_loss=True)
        say("test", "msd", distances / len(test), is_loss=True)
    joblib.dump(model, job.model / FILE)
