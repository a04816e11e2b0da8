"""Two nodes whose files differ in size, and one network for both.

`--loop own` goes over this node's rows and stops where they end, as a loop does that was written for one machine.
`--loop even` lets the ranks agree how many batches an epoch has.
"""

import argparse
import json
import os
from collections.abc import Iterator
from functools import partial

import torch
from network import make_network  # type: ignore[import-not-found]
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from training.programs.digits import divide, find_channel, load_digits
from training.pytorch.process_group import connect, gather
from training.pytorch.random_state import seed_everything

parser = argparse.ArgumentParser()
parser.add_argument("--loop", choices=("own", "even"), default="own")
parser.add_argument("--batch_size", type=int, default=32)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--timeout_seconds", type=float, default=8.0)
options = parser.parse_args()
EPOCHS = 4


def own_batches(rows: int) -> Iterator[torch.Tensor]:
    """Every row that is here, epoch after epoch, whatever the others have."""
    for epoch in range(EPOCHS):
        order = torch.randperm(rows, generator=torch.Generator().manual_seed(options.seed + epoch))
        yield from order.split(options.batch_size)


with connect(timeout_seconds=options.timeout_seconds) as ranks:
    channel = find_channel("train")
    found, digits = load_digits(channel)
    images, labels = torch.from_numpy(found).float() / 255, torch.from_numpy(digits)
    even = divide(
        channel,
        len(images),
        world=ranks.world,
        batch_size=options.batch_size,
        seed=options.seed,
        gather=partial(gather, ranks),
    )
    agreed = (torch.from_numpy(next(even)) for _ in range(EPOCHS * even.per_epoch))
    seed_everything(options.seed)
    network = make_network()
    spread = DistributedDataParallel(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    steps = rows = 0
    for chosen in own_batches(len(images)) if options.loop == "own" else agreed:
        loss = functional.cross_entropy(spread(images[chosen]), labels[chosen])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        steps, rows = steps + 1, rows + len(chosen)
    said = {"rank": ranks.rank, "rows": len(images), "steps": steps, "read": rows}
    print("node", json.dumps(said), flush=True)
    if ranks.is_first:
        print(f"metric step={steps} loss={loss.item():.6g}", flush=True)
        torch.save(network.state_dict(), os.path.join(os.environ["SM_MODEL_DIR"], "model.pt"))
