"""How a checkpoint lies in its folder: who writes it and who carries it to S3 agree on these names."""

import re

MANIFEST = "manifest.json"
"""In each rank's folder, written last: the files beside it, with their sizes."""

SAVE = re.compile(r"step-(\d{8,})-g(\d+)")
"""The folder of one save: the step, and which start of the run wrote it."""

RANK = re.compile(r"rank-(\d{5,})")
"""The folder of one rank in a save."""

FILES_AT_START = "checkpoint_files_at_start"
"""The metric that tells, after an interruption, whether anything of the run has survived: as of the last start."""

FILES_AT_START_LINE = "launcher: files in the checkpoint folder at the start: "
"""Begins the line that each node of a job with checkpoints writes at each start; the number follows."""
