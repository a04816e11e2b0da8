"""No framework: a regression in NumPy with a loop of its own, settings from a JSON file, a line of JSON per report."""

import json
import os
import sys
from pathlib import Path

import numpy as np

settings = {"rate": 0.3, "steps": 40, "every": 8, "seed": 0}
if len(sys.argv) > 1:
    settings |= json.loads(Path(sys.argv[1]).read_text())
generator = np.random.default_rng(settings["seed"])
x = generator.normal(size=(400, 12))
wanted = generator.normal(size=12)
y = (x @ wanted > 0).astype(float)
weights = np.zeros(12)
for step in range(1, settings["steps"] + 1):
    chance = 1 / (1 + np.exp(-(x @ weights)))
    weights -= settings["rate"] * x.T @ (chance - y) / len(y)
    if step % settings["every"] == 0:
        near = np.clip(chance, 1e-9, 1 - 1e-9)
        loss = -(y * np.log(near) + (1 - y) * np.log(1 - near)).mean()
        right = ((chance > 0.5) == y).mean()
        print(json.dumps({"step": step, "loss": round(float(loss), 6), "accuracy": float(right)}), flush=True)
np.save(os.path.join(os.environ["SM_MODEL_DIR"], "weights.npy"), weights)  # changed: where to
