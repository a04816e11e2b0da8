"""The former name of `training.pytorch.programs.linear`, which jobs and programs may still use."""

from training.pytorch.programs.linear import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
