"""In the style of the service's own first example: SM_ variables, its hosts as a group of ranks, one process a node."""

import argparse
import json
import logging
import os
import sys

import torch
import torch.distributed as dist

logger = logging.getLogger(__name__)
logger.setLevel(logging.DEBUG)
logger.addHandler(logging.StreamHandler(sys.stdout))


def average_gradients(model):
    for param in model.parameters():
        dist.all_reduce(param.grad.data)
        param.grad.data /= dist.get_world_size()


def train(args):
    is_distributed = len(args.hosts) > 1 and args.backend is not None
    logger.debug("Distributed training - %s", is_distributed)
    if is_distributed:
        os.environ["WORLD_SIZE"] = str(len(args.hosts))
        os.environ["RANK"] = str(args.hosts.index(args.current_host))
        dist.init_process_group(backend=args.backend)
        logger.info("Initialized the distributed environment: rank %d of %d", dist.get_rank(), dist.get_world_size())
    torch.manual_seed(args.seed)
    x = torch.randn(640, 30)
    y = x[:, :6].argmax(1)
    model = torch.nn.Sequential(torch.nn.Linear(30, 24), torch.nn.ReLU(), torch.nn.Linear(24, 6))
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.5)
    for epoch in range(1, args.epochs + 1):
        for batch, start in enumerate(range(0, len(x), args.batch_size), 1):
            loss = torch.nn.functional.cross_entropy(model(x[start : start + 64]), y[start : start + 64])
            optimizer.zero_grad()
            loss.backward()
            if is_distributed:
                average_gradients(model)
            optimizer.step()
            if batch % 4 == 0:
                logger.info("Train Epoch: %d [%d/%d] Loss: %.6f", epoch, start, len(x), loss.item())
    if args.current_host == args.hosts[0]:
        torch.save(model.state_dict(), os.path.join(args.model_dir, "model.pth"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--lr", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--backend", type=str, default="gloo")
    parser.add_argument("--hosts", type=list, default=json.loads(os.environ["SM_HOSTS"]))
    parser.add_argument("--current-host", type=str, default=os.environ["SM_CURRENT_HOST"])
    parser.add_argument("--model-dir", type=str, default=os.environ["SM_MODEL_DIR"])
    train(parser.parse_args())
