"""In the style of a module and a Trainer that owns the loop: hooks, a progress bar, ranks found by the environment."""

import os
import sys

import torch
import torch.distributed as dist


class Module(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(28, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4))

    def training_step(self, batch, _):
        x, y = batch
        loss = torch.nn.functional.cross_entropy(self.layers(x), y)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-2)

    def log(self, name, value):
        self.logged = {name: float(value)}


class Trainer:
    def __init__(self, max_epochs, strategy="auto"):
        self.max_epochs = max_epochs
        self.ranks = int(os.environ.get("WORLD_SIZE", 1)) if strategy in ("auto", "ddp") else 1
        self.rank = int(os.environ.get("RANK", 0))

    def fit(self, module, batches):
        if self.ranks > 1:
            dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        optimizer = module.configure_optimizers()
        for epoch in range(self.max_epochs):
            mine = batches[self.rank :: self.ranks]
            for number, batch in enumerate(mine, 1):
                optimizer.zero_grad()
                module.training_step(batch, number).backward()
                for weight in module.parameters() if self.ranks > 1 else ():
                    dist.all_reduce(weight.grad)
                    weight.grad /= self.ranks
                optimizer.step()
                if self.rank == 0:
                    share, loss = number / len(mine), module.logged["train_loss"]
                    bar = "█" * int(10 * share)
                    end = f"{number}/{len(mine)} [00:00<00:00, 99.9it/s, v_num=0, train_loss={loss:.3f}]"
                    print(f"\rEpoch {epoch}: {share:4.0%}|{bar:<10}| {end}", end="", file=sys.stderr, flush=True)
        print(f"\n`Trainer.fit` stopped: `max_epochs={self.max_epochs}` reached.", file=sys.stderr)


torch.manual_seed(0)
data = torch.randn(24, 32, 28)
model = Module()
Trainer(max_epochs=3).fit(model, [(x, x[:, :4].argmax(1)) for x in data])
if int(os.environ.get("RANK", 0)) == 0:
    torch.save(model.state_dict(), os.path.join(os.environ["SM_MODEL_DIR"], "last.ckpt"))  # changed: where to
