"""What a competition's notebook calls: the trained model answers its questions."""

import csv
from pathlib import Path

import torch
from digits import make_net  # type: ignore[import-not-found]


def predict(model_dir: str, data_dir: str, submission: str) -> None:
    """Read the model and the competition's `test.csv`, write the submission."""
    net = make_net()
    net.load_state_dict(torch.load(Path(model_dir) / "model.pt"))
    with open(Path(data_dir) / "test.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    pixels = torch.tensor([[int(one) for one in row[1:]] for row in rows]) / 255
    with torch.no_grad():
        answers = net(pixels).argmax(1).tolist()
    with open(submission, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "digit"])
        writer.writerows(zip((row[0] for row in rows), answers, strict=True))
