"""What a person might bring: a script whose loss depends on an argument."""

import argparse

parser = argparse.ArgumentParser()
parser.add_argument("-x", type=float)  # as the public toolkit writes names of one letter
parser.add_argument("--epochs", type=int)
given, _ = parser.parse_known_args()
for epoch in range(given.epochs):
    print(f"loss={(given.x - 0.3) ** 2 + 1.0 / (epoch + 1)};", flush=True)
