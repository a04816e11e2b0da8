"""The GPT of `training.pytorch.programs.gpt` in the shape that lab 6 serves: wide, to be worth splitting."""

from training.pytorch.models.gpt.model import PRESETS, GPTConfig
from training.pytorch.programs import gpt

PRESETS["served"] = GPTConfig(vocabulary=256, layers=6, width=768, heads=12, kv_heads=12, hidden=2048, context=256)

if __name__ == "__main__":
    gpt.main()
