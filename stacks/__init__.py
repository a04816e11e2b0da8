"""One file a stack; a stack only wires constructs together. A wheel has this package as `shardyard.stacks`."""

import sys
from pathlib import Path

if __name__ == "stacks":
    # constructs/ is a source root, not a package: a package of that name would hide PyPI's `constructs`.
    # `make setup` installs `shardyard`; this line is for a bare `python app.py`.
    sys.path.insert(0, str(Path(__file__).parents[1] / "constructs"))

from shardyard.spec.product import hidden_module

# Before anything of ours is imported that needs what is hidden, and would say so in words that help nobody.
_hidden = hidden_module()
if _hidden is not None:
    sys.exit(_hidden)
