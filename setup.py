"""What the wheel holds: packages under names that no project of somebody's own takes, and files that are not imported.

`stacks` is installed as `shardyard.stacks`. `training` travels into images and launchers as files: it is no package
of the environment that it is installed into.
"""

import shutil
import sys
from pathlib import Path

from setuptools import find_namespace_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
PRODUCT = ("contract", "serving", "training", "containers", "cdk.json", "package.json", "CHANGELOG.md")
"""What `shardyard.spec.product` finds in `shardyard/_product` of an installed wheel."""

PACKAGES = ["contract", "embedded", "yard"]
if "editable_wheel" in sys.argv:
    # A checkout's own environment knows all rooms by the names that they have there
    PACKAGES += ["checks", "serving", "stacks", "training"]


class BuildPy(build_py):
    """Copies the product's own files beside the packages."""

    def run(self):
        if self.editable_mode:
            super().run()
            return
        # What an earlier build left there would be packed as well
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        target = Path(self.build_lib, "shardyard", "_product")
        target.mkdir()
        for name in PRODUCT:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
            else:
                shutil.copy(ROOT / name, target)


setup(
    packages=[
        *find_namespace_packages(str(ROOT), include=[pattern for name in PACKAGES for pattern in (name, f"{name}.*")]),
        *find_namespace_packages(str(ROOT / "constructs"), include=["shardyard", "shardyard.*"]),
        "shardyard.stacks",
    ],
    package_dir={"shardyard": "constructs/shardyard", "shardyard.stacks": "stacks"},
    cmdclass={"build_py": BuildPy},
)
