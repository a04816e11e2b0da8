"""The GPT of `training.pytorch.programs.gpt` in the shape of lab 5, to be served."""

from training.pytorch.models.gpt.model import PRESETS, GPTConfig
from training.pytorch.programs import gpt

# A test holds it to what labs/05-model-parallelism/code/spread.py calls "lab"
PRESETS["served"] = GPTConfig(vocabulary=50304, layers=24, width=256, heads=8, kv_heads=8, hidden=704, context=64)

if __name__ == "__main__":
    gpt.main()
