"""In the style of the public lab on data parallelism: a module, and a trainer that is told how many nodes there are.

SageMaker names the nodes in SM_HOSTS, a list as a text. The public lab takes `len` of that text, which counts letters.
"""

import argparse
import json
import os
from collections.abc import Iterator

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

from training.programs.digits import find_channel, load_digits


class Classifier(nn.Module):
    """784 - 128 - 10, as the public lab has it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))

    def forward(self, images: Tensor) -> Tensor:
        """Images to scores."""
        return self.layers(images)


class Trainer:
    """It divides an epoch among as many ranks as it was told there are."""

    def __init__(self, *, num_nodes: int, devices: int, max_epochs: int) -> None:
        self.num_replicas = num_nodes * devices
        self.max_epochs = max_epochs
        self.rows = 0

    def fit(self, model: Classifier, dataset: TensorDataset, batch_size: int, rate: float) -> None:
        """Train."""
        sampler = DistributedSampler(dataset, num_replicas=self.num_replicas, rank=dist.get_rank())
        loader = DataLoader(dataset, batch_size=batch_size, sampler=sampler)
        spread = DistributedDataParallel(model)
        optimizer = torch.optim.Adam(model.parameters(), lr=rate)
        for epoch in range(self.max_epochs):
            sampler.set_epoch(epoch)
            for images, labels in loader:
                loss = functional.cross_entropy(spread(images), labels)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                self.rows += len(labels)


def tensors(channel: str, *, test: bool) -> Iterator[Tensor]:
    """Images and labels of a channel."""
    images, labels = load_digits(find_channel(channel), test=test)
    yield torch.from_numpy(images).float() / 255
    yield torch.from_numpy(labels)


parser = argparse.ArgumentParser()
parser.add_argument("--nodes", nargs="+", choices=("letters", "hosts"), default=["letters", "hosts"])
parser.add_argument("--epochs", type=int, default=6)
parser.add_argument("--batch_size", type=int, default=32)
parser.add_argument("--learning_rate", type=float, default=1e-3)
options = parser.parse_args()

hosts = json.loads(os.environ["SM_HOSTS"])
devices = int(os.environ["LOCAL_WORLD_SIZE"])
dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
train = TensorDataset(*tensors("train", test=False))
images, labels = tensors("test", test=True)

for counted in options.nodes:
    num_nodes = len(hosts) if counted == "hosts" else len(os.environ["SM_HOSTS"])  # of ["algo-1"] that is 10
    torch.manual_seed(1)
    model = Classifier()
    trainer = Trainer(num_nodes=num_nodes, devices=devices, max_epochs=options.epochs)
    trainer.fit(model, train, options.batch_size, options.learning_rate)
    rows = torch.tensor(float(trainer.rows))
    dist.all_reduce(rows)
    if dist.get_rank() > 0:
        continue
    with torch.no_grad():
        scores = model(images)
    said = {
        "counted": counted,
        "num_nodes": num_nodes,
        "ranks": dist.get_world_size(),
        "read_of_an_epoch": float(rows) / options.epochs / len(train),
        "accuracy": float((scores.argmax(1) == labels).float().mean()),
    }
    print("trap", json.dumps(said), flush=True)
    loss = float(functional.cross_entropy(scores, labels))
    print(f"metric step={options.epochs} loss={loss:.6g} accuracy={said['accuracy']:.6g}", flush=True)
    torch.save(model.state_dict(), os.path.join(os.environ["SM_MODEL_DIR"], "model.pt"))
dist.destroy_process_group()
