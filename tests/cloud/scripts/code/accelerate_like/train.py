"""In the style of a loop of one's own wrapped by an accelerator: prepare, backward, gather, print on the first."""

import argparse
import os

import torch
import torch.distributed as dist


class Accelerator:
    def __init__(self):
        self.num_processes = int(os.environ.get("WORLD_SIZE", 1))
        self.process_index = int(os.environ.get("RANK", 0))
        self.is_main_process = self.process_index == 0
        if self.num_processes > 1:
            dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")

    def prepare(self, model, batches):
        if self.num_processes > 1:
            model = torch.nn.parallel.DistributedDataParallel(model)
        return model, batches[self.process_index :: self.num_processes]

    def gather(self, tensor):
        if self.num_processes == 1:
            return tensor
        parts = [torch.zeros_like(tensor) for _ in range(self.num_processes)]
        dist.all_gather(parts, tensor)
        return torch.cat(parts)

    def print(self, *words):
        if self.is_main_process:
            print(*words, flush=True)


def training_function(config):
    accelerator = Accelerator()
    torch.manual_seed(config["seed"])
    sets = [torch.randn(32, 12) for _ in range(16)]
    net = torch.nn.Linear(12, 3)
    model, batches = accelerator.prepare(net, [(x, x[:, :3].argmax(1)) for x in sets])
    optimizer = torch.optim.SGD(model.parameters(), lr=config["lr"])
    for epoch in range(config["num_epochs"]):
        right = []
        for inputs, targets in batches:
            outputs = model(inputs)
            loss = torch.nn.functional.cross_entropy(outputs, targets)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            right.append(accelerator.gather(outputs.argmax(1).eq(targets).float()).mean())
        accelerator.print(
            f"epoch {epoch}:", {"accuracy": round(torch.stack(right).mean().item(), 4), "loss": loss.item()}
        )
    if accelerator.is_main_process:
        torch.save(net.state_dict(), os.path.join(os.environ["SM_MODEL_DIR"], "model.pt"))


parser = argparse.ArgumentParser(description="Simple example of training script.")
parser.add_argument("--num_epochs", type=int, default=4)
parser.add_argument("--lr", type=float, default=0.5)
training_function({"seed": 42, **vars(parser.parse_args())})
