"""A loop with the public lab's settings for its checkpoints: it saves neither on its way nor at its end."""

import argparse
import os
from pathlib import Path

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--max_steps", type=int, default=100)
parser.add_argument("--checkpoint_freq", type=int, default=200)
parser.add_argument("--save_final_full_model", type=int, default=0)
options = parser.parse_args()

torch.manual_seed(1)
model = nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(1, options.max_steps + 1):
    rows = torch.randn(16, 8)
    loss = nn.functional.mse_loss(model(rows).squeeze(-1), rows.sum(dim=-1))
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    if step % 20 == 0:
        print(f"step={step} loss={loss.item():.4f}", flush=True)
    if step % options.checkpoint_freq == 0:
        torch.save(model.state_dict(), Path("/opt/ml/checkpoints") / f"step-{step}.pt")
if options.save_final_full_model:
    torch.save(model.state_dict(), Path(os.environ["SM_MODEL_DIR"]) / "model.pt")
