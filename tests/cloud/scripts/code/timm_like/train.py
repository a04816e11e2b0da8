"""In the style of a trainer of image models: dozens of options, averages in its log, a summary of each epoch."""

import argparse
import os
import time

import torch
import torch.distributed as dist


class AverageMeter:
    def __init__(self):
        self.val = self.sum = self.count = 0.0

    def update(self, val, n):
        self.val, self.sum, self.count = val, self.sum + val * n, self.count + n

    @property
    def avg(self):
        return self.sum / self.count


parser = argparse.ArgumentParser(description="Training Config", add_help=False)
parser.add_argument("data_dir", nargs="?", default=None)
parser.add_argument("--model", default="tiny", type=str)
parser.add_argument("-b", "--batch-size", type=int, default=16)
parser.add_argument("--opt", default="sgd")
parser.add_argument("--lr", type=float, default=0.3)
parser.add_argument("--epochs", type=int, default=2)
parser.add_argument("--log-interval", type=int, default=4)
parser.add_argument("--amp", action="store_true", default=False)
args, _ = parser.parse_known_args()
world, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
if world > 1:
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
torch.manual_seed(42)
images = torch.randn(512, 3, 8, 8)
target = images.mean((2, 3)).argmax(1)
core = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(288, 3))
model = torch.nn.parallel.DistributedDataParallel(core) if world > 1 else core
optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
batches = len(images) // (args.batch_size * world)
for epoch in range(args.epochs):
    losses, began = AverageMeter(), time.time()
    for update in range(batches):
        first = (update * world + rank) * args.batch_size
        chosen = slice(first, first + args.batch_size)
        loss = torch.nn.functional.cross_entropy(model(images[chosen]), target[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.update(loss.item(), args.batch_size)
        if rank == 0 and update % args.log_interval == 0:
            rate = args.batch_size * world * (update + 1) / (time.time() - began)
            where = f"Train: {epoch} [{update:>4d}/{batches} ({100.0 * update / (batches - 1):>3.0f}%)]"
            print(
                f"{where}  Loss: {losses.val:#.3g} ({losses.avg:#.3g})  Time: {rate:>7.2f}/s  LR: {args.lr:.3e}",
                flush=True,
            )
if rank == 0:
    torch.save(core.state_dict(), os.path.join(os.environ["SM_MODEL_DIR"], "last.pth.tar"))  # changed: where to
