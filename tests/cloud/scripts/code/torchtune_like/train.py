"""In the style of a recipe: a YAML file of settings, key=value behind it, a bar per step."""

import os
import sys
from types import SimpleNamespace

import torch
import torch.distributed as dist
import yaml


def parse(arguments):
    place = arguments.index("--config")
    with open(arguments[place + 1]) as file:
        config = yaml.safe_load(file)
    for word in arguments[place + 2 :]:
        key, _, value = word.partition("=")
        config[key] = yaml.safe_load(value)
    return SimpleNamespace(**config)


class FullFinetuneRecipe:
    def __init__(self, config):
        self.config = config
        self.world, self.rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))

    def setup(self):
        if self.world > 1:
            dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        torch.manual_seed(self.config.seed)
        self.tokens = torch.randint(50, (256, 9))
        self.core = torch.nn.Sequential(torch.nn.Embedding(50, self.config.dim), torch.nn.Linear(self.config.dim, 50))
        self.model = torch.nn.parallel.DistributedDataParallel(self.core) if self.world > 1 else self.core
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=float(self.config.lr))

    def train(self):
        size, steps = self.config.batch_size, self.config.max_steps_per_epoch
        for step in range(1, steps + 1):
            first = ((step * self.world + self.rank) * size) % (len(self.tokens) - size)
            batch = self.tokens[first : first + size]
            loss = torch.nn.functional.cross_entropy(self.model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            if self.rank == 0:
                bar = f"{step / steps:4.0%}|{'█' * (10 * step // steps):<10}| {step}/{steps} [00:01<00:00, 9.50it/s"
                print(f"\r1|{step}|Loss: {loss.item():.4f}: {bar}]", end="", file=sys.stderr, flush=True)

    def save_checkpoint(self):
        if self.rank == 0:
            torch.save(
                self.core.state_dict(), os.path.join(os.environ["SM_MODEL_DIR"], "model_0.pt")
            )  # changed: where to


recipe = FullFinetuneRecipe(parse(sys.argv[1:]))
recipe.setup()
recipe.train()
recipe.save_checkpoint()
