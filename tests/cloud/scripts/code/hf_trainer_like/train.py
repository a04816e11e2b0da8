"""In the style of a Trainer whose arguments are a dataclass and whose log is a dictionary per report."""

import argparse
import os
from dataclasses import dataclass, field, fields

import torch
import torch.distributed as dist


@dataclass
class TrainingArguments:
    output_dir: str = field(default_factory=lambda: os.environ["SM_MODEL_DIR"])
    num_train_epochs: float = 2.0
    per_device_train_batch_size: int = 16
    learning_rate: float = 5e-2
    logging_steps: int = 4
    seed: int = 42


def parse_args_into_dataclass(kind):
    parser = argparse.ArgumentParser()
    for one in fields(kind):
        parser.add_argument(f"--{one.name}", type=one.type, default=None)
    given = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    return kind(**given)


args = parse_args_into_dataclass(TrainingArguments)
world, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
if world > 1:
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
torch.manual_seed(args.seed)
words = torch.randint(100, (384, 8))
labels = (words.sum(1) % 2).long()
model = torch.nn.Sequential(torch.nn.Embedding(100, 16), torch.nn.Flatten(), torch.nn.Linear(128, 2))
wrapped = torch.nn.parallel.DistributedDataParallel(model) if world > 1 else model
optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate)
size = args.per_device_train_batch_size
per_epoch = len(words) // (size * world)
last = int(args.num_train_epochs * per_epoch)
for step in range(1, last + 1):
    start = ((step - 1) % per_epoch * world + rank) * size
    loss = torch.nn.functional.cross_entropy(wrapped(words[start : start + size]), labels[start : start + size])
    optimizer.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % args.logging_steps == 0 and rank == 0:
        rate = args.learning_rate * (1 - step / last)
        shown = {
            "loss": round(loss.item(), 4),
            "grad_norm": norm.item(),
            "learning_rate": rate,
            "epoch": step / per_epoch,
        }
        print(shown, flush=True)
if rank == 0:
    print(
        {"train_runtime": 1.5, "train_samples_per_second": 250.1, "train_loss": loss.item(), "epoch": 2.0}, flush=True
    )
    torch.save(model.state_dict(), os.path.join(args.output_dir, "pytorch_model.bin"))
