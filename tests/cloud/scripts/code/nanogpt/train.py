"""In the style of a small GPT whose settings are globals that --key=value changes, with or without ranks."""

import math
import os
import sys
import time
from ast import literal_eval

import torch
from torch.distributed import destroy_process_group, init_process_group
from torch.nn.parallel import DistributedDataParallel

out_dir = os.environ["SM_MODEL_DIR"]  # changed: it was out
log_interval = 5
batch_size = 8
block_size = 16
n_embd = 32
learning_rate = 1e-2
max_iters = 30
device = "cuda" if torch.cuda.is_available() else "cpu"  # changed: cuda was taken for granted
backend = "nccl" if torch.cuda.is_available() else "gloo"  # changed: it was nccl
for argument in sys.argv[1:]:
    key, _, value = argument.removeprefix("--").partition("=")
    if key not in globals():
        raise ValueError(f"Unknown config key: {key}")
    print(f"Overriding: {key} = {value}", flush=True)
    globals()[key] = literal_eval(value)

ddp = int(os.environ.get("RANK", -1)) != -1
if ddp:
    init_process_group(backend=backend)
master = not ddp or int(os.environ["RANK"]) == 0
torch.manual_seed(1337 + int(os.environ.get("RANK", 0)))
text = torch.arange(4096) % 7
model = torch.nn.Sequential(torch.nn.Embedding(7, n_embd), torch.nn.Linear(n_embd, 7)).to(device)
raw_model = model
if ddp:
    model = DistributedDataParallel(model)
optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
print(f"tokens per iteration will be: {batch_size * block_size:,}", flush=True)
t0 = time.time()
for iter_num in range(max_iters + 1):
    ix = torch.randint(len(text) - block_size - 1, (batch_size,)).tolist()
    x = torch.stack([text[i : i + block_size] for i in ix])
    y = torch.stack([text[i + 1 : i + 1 + block_size] for i in ix])
    loss = torch.nn.functional.cross_entropy(model(x.to(device)).flatten(0, 1), y.to(device).flatten())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    dt, t0 = time.time() - t0, time.time()
    if iter_num % log_interval == 0 and master:
        print(f"iter {iter_num}: loss {loss.item():.4f}, time {dt * 1000:.2f}ms, mfu {-100.0:.2f}%", flush=True)
assert math.isfinite(loss.item())
if master:
    torch.save({"model": raw_model.state_dict(), "iter_num": iter_num}, os.path.join(out_dir, "ckpt.pt"))
if ddp:
    destroy_process_group()
