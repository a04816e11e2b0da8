"""One file a stack; a stack only wires constructs together."""

import sys
from pathlib import Path

# constructs/ is a source root, not a package: a package of that name would hide PyPI's `constructs`.
# `make setup` installs `shardyard`; this line is for a bare `python app.py`.
sys.path.insert(0, str(Path(__file__).parents[1] / "constructs"))
