"""The former name of `training.pytorch.programs.gpt`, which jobs and programs may still use."""

from training.pytorch.programs.gpt import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
