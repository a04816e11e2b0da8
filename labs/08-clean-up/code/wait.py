"""A program that only waits, and says so: what a forgotten job does for its owner."""

import argparse
import time

parser = argparse.ArgumentParser()
parser.add_argument("--minutes", type=float, default=0)
minutes = parser.parse_args().minutes
print(f"waiting for {minutes:g} minutes", flush=True)
time.sleep(60 * minutes)
