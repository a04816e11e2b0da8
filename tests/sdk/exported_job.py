"""Runs in .venv-sdk: a script that `yard export --sdk` wrote, shortened to one epoch, with its lines shown.

`python exported_job.py SCRIPT COUNT`
"""

import logging
import runpy
import sys

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
trainer = runpy.run_path(sys.argv[1])["trainer"]
trainer.hyperparameters |= {"epochs": "1", "width": "32"}
trainer.compute.instance_count = int(sys.argv[2])
trainer.train(wait=True, logs=True)
