"""A folder of a container on this machine."""

from pathlib import Path

import pytest

from embedded.nodes.channels import ChannelError
from embedded.nodes.folder_sync import on_node


def test_a_folder_of_a_node_lies_in_its_opt_ml(tmp_path: Path) -> None:
    assert on_node(tmp_path, "/opt/ml/checkpoints/deep") == tmp_path / "checkpoints/deep"


@pytest.mark.parametrize("path", ["/opt/ml/../../../home/x", "/opt/ml/link/x"])
def test_no_way_leads_out_of_opt_ml(tmp_path: Path, path: str) -> None:
    ml = tmp_path / "ml"
    ml.mkdir()
    (ml / "link").symlink_to(tmp_path)
    with pytest.raises(ChannelError, match=f"The folder {path} leads out of /opt/ml"):
        on_node(ml, path)
