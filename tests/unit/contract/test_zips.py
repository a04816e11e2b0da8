"""What goes into a zip: every file that counts, in one order, and nothing of caches."""

from pathlib import Path

from contract.zips import files_of


def test_files_come_sorted_by_their_whole_path_and_caches_are_left_out(tmp_path: Path) -> None:
    there = ["b/x.py", "b-c.py", "b/a/y.py", "a.py"]
    ignored = [".git/HEAD", "b/__pycache__/x.cpython-311.pyc", "b/node_modules/m/i.js", "b/old.pyc", "p.egg-info/PKG"]
    for name in (*there, *ignored):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert [path.relative_to(tmp_path).as_posix() for path in files_of(tmp_path)] == sorted(there)


def test_a_link_to_a_file_counts_and_one_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "out" / "deep").mkdir(parents=True)
    (tmp_path / "out" / "deep" / "secret").write_text("")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").symlink_to(tmp_path / "out" / "deep" / "secret")
    (tmp_path / "in" / "folder").symlink_to(tmp_path / "out" / "deep")
    (tmp_path / "in" / "gone").symlink_to(tmp_path / "nowhere")
    assert [path.name for path in files_of(tmp_path / "in")] == ["file"]
    assert [path.name for path in files_of(tmp_path / "nowhere")] == []
