"""What early stopping saves on the learning curves of real networks, and how often it loses the best of them."""

import random
import statistics
import warnings

from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from benchmarks._report import Figure
from embedded.services.sagemaker.tuning.stopping.median import is_hopeless

EPOCHS = 27
NETWORKS = 80
JOBS = 30
AT_ONCE = 4
DRAWS = 20

Curve = list[float]


def figures() -> list[Figure]:
    """Of 20 searches over 30 of the networks each, four at once."""
    curves = learning_curves()
    saved, kept = [], 0
    for seed in range(DRAWS):
        drawn = random.Random(seed).sample(curves, JOBS)
        seen = run(drawn)
        saved.append(1 - sum(map(len, seen)) / (JOBS * EPOCHS))
        best = min(range(JOBS), key=lambda number: drawn[number][-1])
        kept += len(seen[best]) == EPOCHS
    return [
        Figure(
            name="epochs that early stopping saves, median", value=statistics.median(saved), unit="of all", at_least=0.3
        ),
        Figure(name="searches whose best network ran to its end", value=kept, unit=f"of {DRAWS}", at_least=19),
    ]


def learning_curves() -> list[Curve]:
    """The loss on held-out digits after each epoch, of networks with random settings."""
    warnings.simplefilter("ignore")
    images, labels = load_digits(return_X_y=True)
    train, test, train_labels, test_labels = train_test_split(images / 16, labels, test_size=0.3, random_state=0)
    dice, curves = random.Random(0), []
    for number in range(NETWORKS):
        network = MLPClassifier(
            hidden_layer_sizes=(dice.choice([8, 16, 32, 64]),),
            learning_rate_init=10 ** dice.uniform(-3.5, -1),
            alpha=10 ** dice.uniform(-5, 0),
            batch_size=dice.choice([32, 64, 128]),
            solver=dice.choice(["adam", "sgd"]),
            random_state=number,
        )
        curve = []
        for _ in range(EPOCHS):
            network.partial_fit(train, train_labels, classes=list(range(10)))
            curve.append(float(log_loss(test_labels, network.predict_proba(test))))
        curves.append(curve)
    return curves


def run(curves: list[Curve]) -> list[Curve]:
    """What is seen of each curve when its job may be stopped; four jobs run at once, an epoch each in turn."""
    seen: list[Curve] = [[] for _ in curves]
    waiting, running = list(range(len(curves))), list[int]()
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            running.append(waiting.pop(0))
        for number in list(running):
            seen[number].append(curves[number][len(seen[number])])
            whole = [curve for curve in seen if len(curve) == EPOCHS]
            rest = [curve for curve in seen[:number] if len(curve) < EPOCHS]
            if len(seen[number]) == EPOCHS or is_hopeless(seen[number], whole, rest):
                running.remove(number)
    return seen
