"""Write training/launcher/efa.json, the launcher's extract of the instance catalogue: `make efa-table`.

The launcher is copied into an image alone, so it cannot ask the catalogue. A test compares the two.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "training" / "launcher" / "efa.json"

RDMA_FAMILIES = ("p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300", "p6e-gb200", "trn1", "trn1n", "trn2")
"""Where the adapter reads and writes the accelerators' memory itself (GPUDirect RDMA), by AWS's EFA documentation."""


def make_table() -> dict[str, Any]:
    """The table as the launcher reads it: types with accelerators and at least one adapter."""
    from shardyard.spec.instances import CATALOGUE_DATE, INSTANCES

    return {
        "source": f"shardyard.spec.instances, catalogue of {CATALOGUE_DATE}; written by scripts/make_efa_table.py",
        "instances": {
            name: {"interfaces": instance.efa_interfaces, "rdma": instance.family in RDMA_FAMILIES}
            for name, instance in sorted(INSTANCES.items())
            if instance.accelerators and instance.efa_interfaces
        },
        "neuron_cores": {
            name: instance.neuron_cores for name, instance in sorted(INSTANCES.items()) if instance.neuron_cores
        },
    }


def as_text(table: dict[str, Any]) -> str:
    """One line for each type, so that a change is easy to review."""
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in table["instances"].items())
    cores = json.dumps(table["neuron_cores"])
    source = json.dumps(table["source"])
    return f'{{\n "source": {source},\n "instances": {{\n{rows}\n }},\n "neuron_cores": {cores}\n}}\n'


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "constructs"))
    TARGET.write_text(as_text(make_table()))
