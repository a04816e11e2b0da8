"""In the style of the first example of a framework: an argparse, a loop per epoch, a test after it."""

import argparse
import os

import torch
import torch.nn.functional as F


def train(args, model, images, labels, optimizer, epoch):
    model.train()
    count = len(images)
    for batch, start in enumerate(range(0, count, args.batch_size)):
        data, target = images[start : start + args.batch_size], labels[start : start + args.batch_size]
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()
        if batch % args.log_interval == 0:
            percent = 100.0 * start / count
            print(f"Train Epoch: {epoch} [{start}/{count} ({percent:.0f}%)]\tLoss: {loss.item():.6f}", flush=True)


def test(model, images, labels):
    model.eval()
    with torch.no_grad():
        output = model(images)
    loss = F.nll_loss(output, labels).item()
    correct = output.argmax(1).eq(labels).sum().item()
    share = 100.0 * correct / len(labels)
    print(f"\nTest set: Average loss: {loss:.4f}, Accuracy: {correct}/{len(labels)} ({share:.0f}%)\n", flush=True)


def main():
    parser = argparse.ArgumentParser(description="An example")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--lr", type=float, default=0.5)
    parser.add_argument("--no-accel", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log-interval", type=int, default=4)
    parser.add_argument("--save-model", action="store_true")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    images = torch.randn(1024, 64)
    labels = images[:, :10].argmax(1)
    model = torch.nn.Sequential(
        torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10), torch.nn.LogSoftmax(1)
    )
    optimizer = torch.optim.Adadelta(model.parameters(), lr=args.lr)
    for epoch in range(1, args.epochs + 1):
        train(args, model, images[:768], labels[:768], optimizer, epoch)
        test(model, images[768:], labels[768:])
    if args.save_model:
        torch.save(model.state_dict(), os.path.join(os.environ["SM_MODEL_DIR"], "mnist.pt"))  # changed: where to


if __name__ == "__main__":
    main()
