"""In the style of a tutorial about torchrun: positional arguments, a Trainer with snapshots, a rank per process."""

import argparse
import os

import torch
import torch.nn.functional as F
from torch.distributed import destroy_process_group, init_process_group
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


class Trainer:
    def __init__(self, model, loader, optimizer, save_every, path):
        self.rank = int(os.environ["RANK"])
        self.loader, self.optimizer, self.save_every, self.path = loader, optimizer, save_every, path
        self.begun = 0
        if os.path.exists(path):
            snapshot = torch.load(path, weights_only=True)
            model.load_state_dict(snapshot["MODEL_STATE"])
            self.begun = snapshot["EPOCHS_RUN"]
            print(f"Resuming training from snapshot at Epoch {self.begun}", flush=True)
        self.model = DistributedDataParallel(model)

    def train(self, epochs):
        for epoch in range(self.begun, epochs):
            self.loader.sampler.set_epoch(epoch)
            for source, targets in self.loader:
                self.optimizer.zero_grad()
                loss = F.mse_loss(self.model(source), targets)
                loss.backward()
                self.optimizer.step()
            size = len(next(iter(self.loader))[0])
            print(
                f"[GPU{self.rank}] Epoch {epoch} | Batchsize: {size} | Steps: {len(self.loader)} | Loss: {loss:.4f}",
                flush=True,
            )
            if self.rank == 0 and epoch % self.save_every == 0:
                torch.save({"MODEL_STATE": self.model.module.state_dict(), "EPOCHS_RUN": epoch + 1}, self.path)


def main():
    parser = argparse.ArgumentParser(description="simple distributed training job")
    parser.add_argument("total_epochs", type=int)
    parser.add_argument("save_every", type=int)
    parser.add_argument("--batch_size", default=32, type=int)
    args = parser.parse_args()
    init_process_group("nccl" if torch.cuda.is_available() else "gloo")  # changed: it was nccl
    torch.manual_seed(0)
    data = TensorDataset(torch.rand(512, 20), torch.rand(512, 1))
    loader = DataLoader(data, batch_size=args.batch_size, sampler=DistributedSampler(data))
    model = torch.nn.Linear(20, 1)  # changed: there was a .to(gpu), and set_device before
    path = os.path.join(os.environ["SM_MODEL_DIR"], "snapshot.pt")  # changed: it was beside the code
    Trainer(model, loader, torch.optim.SGD(model.parameters(), lr=1e-2), args.save_every, path).train(args.total_epochs)
    destroy_process_group()


if __name__ == "__main__":
    main()
