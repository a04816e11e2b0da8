"""Write training/launcher/efa.json, the launcher's extract of the instance catalogue: `make efa-table`.

The launcher is copied into an image alone, so it cannot ask the catalogue. A test compares the two.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "training" / "launcher" / "efa.json"

RDMA: dict[str, bool | None] = {
    # AWS's own plugin for NCCL knows each platform: aws-ofi-nccl, src/platform-aws.cpp, read at 2daf7d3 of 2026-08-21.
    # It refuses to run without GPUDirect RDMA on these (gdr_required), g7e among them from two GPUs on, and on ^trn.*
    **dict.fromkeys(("p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300", "p6e-gb200", "g7e"), True),
    # For Trainium so does "How to prepare trn1.32xlarge for multi-node execution" of the Neuron SDK's documentation
    **dict.fromkeys(("trn1", "trn1n", "trn2"), True),
    # With a single GPU the plugin asks for none, and does not say that there is none
    **dict.fromkeys(("ml.p5.4xlarge", "ml.g7e.8xlarge"), None),
    # The plugin asks for none on p3dn and g5.48xlarge, and its doc/efa-env-var.md says that of all that were there then
    # (g4dn to g6e) only p4 and p5 have it
    **dict.fromkeys(("p3dn", "g4dn", "g5", "g6", "g6e"), False),
}
"""Whether the adapter reads and writes the accelerators' memory itself (GPUDirect RDMA), by family or by type, which
counts more. None, as for what is not here (g7), is `not known`: then nothing is set, and the plugin decides."""


def make_table() -> dict[str, Any]:
    """The table as the launcher reads it: types with accelerators and adapters, and how many accelerators there are."""
    from shardyard.spec.catalogue.instances import CATALOGUE_DATE, INSTANCES

    return {
        "source": f"shardyard.spec.catalogue.instances of {CATALOGUE_DATE}; written by scripts/make_efa_table.py",
        "instances": {
            name: {"interfaces": instance.efa_interfaces, "rdma": RDMA.get(name, RDMA.get(instance.family))}
            for name, instance in sorted(INSTANCES.items())
            if instance.accelerators and instance.efa_interfaces
        },
        "neuron_cores": {
            name: instance.neuron_cores for name, instance in sorted(INSTANCES.items()) if instance.neuron_cores
        },
        "gpus": {name: instance.gpus for name, instance in sorted(INSTANCES.items()) if instance.gpus},
    }


def as_text(table: dict[str, Any]) -> str:
    """One line for each type, so that a change is easy to review."""
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in table["instances"].items())
    cores, gpus = json.dumps(table["neuron_cores"]), json.dumps(table["gpus"])
    source = json.dumps(table["source"])
    return f'{{\n "source": {source},\n "instances": {{\n{rows}\n }},\n "neuron_cores": {cores},\n "gpus": {gpus}\n}}\n'


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "constructs"))
    TARGET.write_text(as_text(make_table()))
