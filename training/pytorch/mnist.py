"""The former name of `training.pytorch.programs.mnist`, which jobs and programs may still use."""

from training.pytorch.programs.mnist import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
