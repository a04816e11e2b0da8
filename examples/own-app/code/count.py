"""Counts words: the smallest thing that reads a channel and makes a model."""

import json
import os
from collections import Counter
from pathlib import Path

words: Counter[str] = Counter()
for path in sorted(Path(os.environ["SM_CHANNEL_TRAIN"]).rglob("*.txt")):
    words.update(path.read_text().split())
print(f"metric step=1 words={words.total()}", flush=True)
(Path(os.environ["SM_MODEL_DIR"]) / "words.json").write_text(json.dumps(words))
