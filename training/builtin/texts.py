"""BlazingText's classifier: a text is the mean of the vectors of its words and word n-grams, as in fastText."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.builtin.fasttext_file import END, Vectors, hash_of, ngrams, write
from training.builtin.job import Job, Matrix, UserError

FILE = "model.bin"
_PREFIX = "__label__"
_READ = ("text/plain", "application/jsonlines")
_MOST_BUCKETS = 50_000
"""AWS's two million rows would make every model 800 MB; fewer only mean that more n-grams share one."""
_BATCH = 32

Example = tuple[list[str], list[str]]
"""The words of a text, and its labels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoded:
    """Texts as the rows of the vectors that they are made of, one after another."""

    rows: Sequence[Matrix]
    targets: Matrix
    """Of each text the share of each label."""


def train(job: Job) -> None:
    """Train, keep the best epoch where there is a validation channel, and write fastText's own model file."""
    mode = job.text("mode")
    if mode != "supervised":
        raise UserError(f"mode is {mode!r}; the stand-in trains the classifier alone (supervised)")
    parts = ["train", *(["validation"] if job.has("validation") else [])]
    examples = {part: list(_examples(job, part)) for part in parts}
    is_patient = job.text("early_stopping", "False", choices=("True", "False", "true", "false")).lower() == "true"
    if is_patient and "validation" not in examples:
        raise UserError("early_stopping needs the channel validation")
    model = _model(job, examples["train"])
    encoded = {part: _encode(model, found) for part, found in examples.items()}
    _epochs(job, model, encoded, patience=job.whole("patience", 4, low=1) if is_patient else None)
    for part, found in encoded.items():
        print(f"#{part}_accuracy: {_accuracy(model, found):.4f}", flush=True)
        print(f"Number of {part} examples: {len(found.rows)}", flush=True)
    write(job.model / FILE, model)


def _examples(job: Job, channel: str) -> Iterator[Example]:
    kind = job.kind(channel, "text/plain")
    if kind not in _READ:
        raise UserError(f"the channel {channel} has the content type {kind!r}; it can be {', '.join(_READ)}")
    for path in job.files(channel):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if not line.strip():
                continue
            words, labels = _parsed(line) if kind == "application/jsonlines" else plain(line)
            if not labels:
                raise UserError(f"line {number} of {path.name} has no label ({_PREFIX}NAME, then the words)")
            yield words, labels


def plain(line: str) -> Example:
    """A line's words, and those that are labels."""
    labels = [word for word in line.split() if word.startswith(_PREFIX)]
    return [word for word in line.split() if not word.startswith(_PREFIX)], labels


def _parsed(line: str) -> Example:
    """A line of an augmented manifest: `source` is the text, `label` a number or several."""
    entry = json.loads(line)
    labels = entry.get("label", [])
    given = labels if isinstance(labels, list) else [labels]
    return str(entry.get("source", "")).split(), [f"{_PREFIX}{label}" for label in given]


def _model(job: Job, examples: Sequence[Example]) -> Vectors:
    least = job.whole("min_count", 5, low=0)
    longest = job.whole("word_ngrams", 2, low=1)
    buckets = min(job.whole("buckets", 2_000_000, low=1), _MOST_BUCKETS) if longest > 1 else 0
    if buckets == _MOST_BUCKETS:
        print(f"The stand-in keeps the vectors of word n-grams in {buckets} buckets.", flush=True)
    counted = Counter(word for words, _ in examples for word in [*words, END])
    words = {word: count for word, count in counted.most_common() if count >= least}
    labels = dict(Counter(label for _, found in examples for label in found).most_common())
    if len(labels) < 2:
        raise UserError(f"the channel train has the label {next(iter(labels))} only: there is nothing to tell apart")
    width = job.whole("vector_dim", 100, low=1)
    dice = np.random.default_rng(0)
    return Vectors(
        words=words,
        labels=labels,
        ngrams=longest,
        buckets=buckets,
        epochs=job.whole("epochs", 5, low=1),
        least_count=least,
        inputs=dice.uniform(-1 / width, 1 / width, (len(words) + buckets, width)).astype(np.float32),
        outputs=np.zeros((len(labels), width), dtype=np.float32),
    )


def _encode(model: Vectors, examples: Sequence[Example]) -> Encoded:
    places = {word: place for place, word in enumerate(model.words)}
    labels = {label: place for place, label in enumerate(model.labels)}
    targets = np.zeros((len(examples), len(labels)), dtype=np.float32)
    for row, (_, found) in zip(targets, examples, strict=True):
        for label in found:
            if label in labels:
                row[labels[label]] = 1
    rows = [rows_of(model, places, words) for words, _ in examples]
    return Encoded(rows=rows, targets=targets / np.maximum(targets.sum(axis=1, keepdims=True), 1))


def rows_of(model: Vectors, places: Mapping[str, int], words: Sequence[str]) -> Matrix:
    """The rows of a text's vectors: of its words, by their places, and of its n-grams."""
    said = [*words, END]
    known = [places[word] for word in said if word in places]
    if model.buckets:
        hashes = [hash_of(word) for word in said]
        known += [len(model.words) + found % model.buckets for found in ngrams(hashes, model.ngrams)]
    return np.array(known, dtype=np.int64)


def _epochs(job: Job, model: Vectors, encoded: Mapping[str, Encoded], patience: int | None) -> None:
    rate, least = job.number("learning_rate", 0.05, low=0), job.whole("min_epochs", 5, low=1)
    dice = np.random.default_rng(0)
    best, waited = -1.0, 0
    kept = (model.inputs.copy(), model.outputs.copy())
    for epoch in range(model.epochs):
        _epoch(model, encoded["train"], dice, rate * (1 - epoch / model.epochs), rate / model.epochs)
        print(f"-------------- End of epoch: {epoch + 1}", flush=True)
        if "validation" not in encoded:
            continue
        accuracy = _accuracy(model, encoded["validation"])
        print(f"Validation accuracy: {accuracy:.6f}", flush=True)
        waited = 0 if accuracy > best else waited + 1
        if waited == 0:
            best, kept = accuracy, (model.inputs.copy(), model.outputs.copy())
            print("Validation accuracy improved! Storing best weights...", flush=True)
        elif patience is not None and epoch + 1 >= least and waited >= patience:
            print(f"Validation accuracy has not improved for {patience} epochs.", flush=True)
            break
    if "validation" in encoded:
        model.inputs[:], model.outputs[:] = kept


def _epoch(model: Vectors, learn: Encoded, dice: np.random.Generator, rate: float, fall: float) -> None:
    """One pass in which the rate falls from `rate` by `fall`."""
    order = [place for place in dice.permutation(len(learn.rows)) if len(learn.rows[place])]
    for start in range(0, len(order), _BATCH):
        chosen = order[start : start + _BATCH]
        now = rate - fall * start / len(order)
        hidden, flat, counts = hidden_of(model, [learn.rows[place] for place in chosen])
        error = shares_of(hidden @ model.outputs.T) - learn.targets[chosen]
        back = (error @ model.outputs) / counts[:, None]
        model.outputs[:] -= now * (error.T @ hidden)
        np.add.at(model.inputs, flat, -now * np.repeat(back, counts, axis=0))


def hidden_of(model: Vectors, rows: Sequence[Matrix]) -> tuple[Matrix, Matrix, Matrix]:
    """The mean vector of each text, with the rows that it is made of and how many they are."""
    counts = np.array([len(one) for one in rows])
    flat = np.concatenate(rows)
    sums = np.add.reduceat(model.inputs[flat], np.concatenate([[0], np.cumsum(counts)[:-1]]))
    return sums / counts[:, None], flat, counts


def shares_of(raw: Matrix) -> Matrix:
    """How likely each label is."""
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _accuracy(model: Vectors, found: Encoded) -> float:
    """The share of texts whose likeliest label is one of theirs."""
    places = [place for place, rows in enumerate(found.rows) if len(rows)]
    if not places:
        return 0.0
    hidden, _, _ = hidden_of(model, [found.rows[place] for place in places])
    said = (hidden @ model.outputs.T).argmax(axis=1)
    return float((found.targets[places, said] > 0).sum()) / len(found.rows)
