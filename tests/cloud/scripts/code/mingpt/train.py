"""In the style of a small library for one model: a trainer with callbacks, its settings as an object."""

import os
import time
from collections import defaultdict
from types import SimpleNamespace

import torch
from torch.utils.data import DataLoader, Dataset


class SortDataset(Dataset):
    """Sequences of digits, to be put in order."""

    def __len__(self):
        return 2000

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        digits = torch.randint(3, (6,), generator=generator)
        return digits, digits.sort()[0]


class Trainer:
    def __init__(self, config, model, dataset):
        self.config, self.model, self.dataset = config, model, dataset
        self.callbacks = defaultdict(list)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.iter_num, self.iter_time = 0, time.time()

    def add_callback(self, event, callback):
        self.callbacks[event].append(callback)

    def run(self):
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=self.config.learning_rate)
        loader = iter(DataLoader(self.dataset, batch_size=self.config.batch_size))
        while self.iter_num < self.config.max_iters:
            x, y = next(loader)
            self.loss = torch.nn.functional.cross_entropy(self.model(x).view(-1, 3), y.view(-1))
            self.model.zero_grad(set_to_none=True)
            self.loss.backward()
            optimizer.step()
            for callback in self.callbacks["on_batch_end"]:
                callback(self)
            self.iter_num += 1
            self.iter_dt, self.iter_time = time.time() - self.iter_time, time.time()


def on_batch_end(trainer):
    if trainer.iter_num % 10 == 9:
        print(
            f"iter_dt {trainer.iter_dt * 1000:.2f}ms; iter {trainer.iter_num}: train loss {trainer.loss.item():.5f}",
            flush=True,
        )


if __name__ == "__main__":
    torch.manual_seed(3407)
    net = torch.nn.Sequential(torch.nn.Embedding(3, 24), torch.nn.Flatten(), torch.nn.Linear(144, 18))
    trainer = Trainer(SimpleNamespace(learning_rate=5e-3, batch_size=32, max_iters=60), net, SortDataset())
    print("running on device", trainer.device, flush=True)
    trainer.add_callback("on_batch_end", on_batch_end)
    trainer.run()
    torch.save(net.state_dict(), os.path.join(os.environ["SM_MODEL_DIR"], "model.pt"))  # changed: where to
