"""A script of one file."""

import sys
from pathlib import Path

Path("/opt/ml/processing/output/result/alone").write_text(" ".join(sys.argv[1:]))
print("alone")
