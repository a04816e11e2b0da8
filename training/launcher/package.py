"""Where the packages that run here lie."""

from pathlib import Path

PACKAGE_ROOT = str(Path(__file__).parents[2])
"""What holds `contract` and `training`: a folder of the image, or the launcher's zip."""
