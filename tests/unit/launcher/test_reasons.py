"""What the failure file says of a process that failed: short, true, and about the last exception."""

import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.exit_codes import REFUSED
from training.launcher.endings import reasons
from training.launcher.endings.disks import Disk
from training.launcher.endings.failure import FAILURE_LIMIT_BYTES, Failure
from training.launcher.endings.reasons import describe, is_incurable, is_of_the_program
from training.launcher.endings.tracebacks import traceback_of

TRACEBACK = """Traceback (most recent call last):
  File "/opt/shardyard/training/launcher/worker.py", line 30, in run_python
    runpy.run_path(program.target, run_name="__main__")
  File "<frozen runpy>", line 291, in run_path
  File "/opt/ml/code/train.py", line 9, in <module>
    raise ValueError("bad thing")
ValueError: bad thing
"""


def ended(tail: str = "", status: int = 1, out_of_memory: bool = False) -> Failure:
    return Failure(name="rank 3", host="algo-2", exit_status=status, tail=tail, out_of_memory=out_of_memory)


def failed(tail: str = "", status: int = 1, out_of_memory: bool = False) -> str:
    return describe(ended(tail, status, out_of_memory), base=Path("/tmp"))


def incurable(failure: Failure) -> bool:
    return is_incurable(failure, base=Path("/tmp"))


def test_the_rank_the_error_and_the_users_frames() -> None:
    assert failed("step 1\n" + TRACEBACK).splitlines() == [
        "rank 3 on algo-2 failed: ValueError: bad thing",
        "Traceback (most recent call last):",
        '  File "/opt/ml/code/train.py", line 9, in <module>',
        '    raise ValueError("bad thing")',
        "ValueError: bad thing",
    ]


def test_torchs_rank_prefixes_are_taken_off() -> None:
    prefixed = "".join(f"[rank3]: {line}\n" for line in TRACEBACK.splitlines())
    assert failed(prefixed) == failed(TRACEBACK)


def test_the_last_traceback_counts_and_what_follows_is_cut() -> None:
    text = TRACEBACK + "\nlater\n" + TRACEBACK.replace("bad", "worse") + "".join(f"log {n}\n" for n in range(50))
    found = traceback_of(text)
    assert "worse thing" in found
    assert "bad thing" not in found
    assert "log 40" not in found


def test_a_full_disk_is_called_so() -> None:
    tail = TRACEBACK.replace("ValueError: bad thing", "OSError: [Errno 28] No space left on device: '/opt/ml/x'")
    assert "failed because the disk is full" in failed(tail).splitlines()[0]
    assert "larger volume" in failed(tail).splitlines()[0]
    assert "GiB free under /dev/shm" in failed(tail).splitlines()[0]


WARNING = "warning: rank 1: save at step 10 failed: [Errno 28] No space left on device; training goes on"
LOST_PEER = TRACEBACK.replace(
    "ValueError: bad thing", "training.pytorch.process_group.RankMissing: rank 0 of 2 is dead"
)
FULL = TRACEBACK.replace("ValueError: bad thing", "OSError: [Errno 28] No space left on device")
CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"


@pytest.mark.parametrize(
    "tail",
    [
        f"{WARNING}\n{LOST_PEER}",
        f"{LOST_PEER}{WARNING}\n",
        FULL + LOST_PEER,
        FULL + CONTEXT + LOST_PEER,
        FULL + CONTEXT + TRACEBACK + CAUSE + LOST_PEER,
    ],
)
def test_a_full_disk_that_training_went_on_from_is_not_the_reason(tail: str) -> None:
    assert failed(tail).startswith("rank 3 on algo-2 failed: training.pytorch.process_group.RankMissing: rank 0")
    assert not incurable(ended(tail))


FAILED_WRITES = [
    "RuntimeError: [enforce fail at inline_container.cc:672] . unexpected pos 210176 vs 210064",
    "RuntimeError: [enforce fail at inline_container.cc:858] . PytorchStreamWriter failed writing file data/0: "
    "file write failed",
    "RuntimeError: basic_ios::clear: iostream error",
    "OSError: 2000000 requested and 262128 written",
]
ROOM = Disk(place=Path("/opt/ml"), free_bytes=30 << 30)


@pytest.mark.parametrize("error", FAILED_WRITES)
def test_what_torch_and_numpy_say_of_a_failed_write_is_a_full_disk_where_one_is_full(
    error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tail = TRACEBACK.replace("ValueError: bad thing", error)
    monkeypatch.setattr(reasons, "read_disks", lambda base: [ROOM, Disk(place=base / "model", free_bytes=4096)])
    assert failed(tail).splitlines()[0] == (
        "rank 3 on algo-2 failed because the disk is full: 0.0 MiB free under /tmp/model "
        "(30.0 GiB free under /opt/ml); give the job a larger volume"
    )
    assert error in failed(tail)
    assert incurable(ended(tail))
    assert failed(error + LOST_PEER).startswith("rank 3 on algo-2 failed: training.pytorch.process_group.RankMissing")
    monkeypatch.setattr(reasons, "read_disks", lambda base: [ROOM])
    assert failed(tail).startswith(f"rank 3 on algo-2 failed: {error}")
    assert not incurable(ended(tail))


@pytest.mark.parametrize("middle", ["", TRACEBACK + CAUSE])
def test_a_full_disk_is_the_reason_of_what_was_raised_from_it(middle: str) -> None:
    tail = f"step 1\n{FULL}{CAUSE}{middle}{TRACEBACK}"
    assert failed(tail).startswith("rank 3 on algo-2 failed because the disk is full")
    assert incurable(ended(tail))


def test_without_a_traceback_the_last_lines_say_why_unless_they_only_warn() -> None:
    copying = "cp: error writing '/opt/ml/model/x': No space left on device\nmake: *** [Makefile:2: all] Error 1\n"
    assert failed(copying, status=2).startswith("rank 3 on algo-2 failed because the disk is full")
    assert incurable(ended(copying, status=2))
    for tail in (f"{WARNING}\n", copying + "a\nb\nc\n"):
        assert failed(tail, status=3).startswith("rank 3 on algo-2 ended with exit code 3\n")
        assert not incurable(ended(tail, status=3))


def test_a_refusal_is_known_by_the_exit_code_and_by_no_name() -> None:
    refusal = TRACEBACK.replace("ValueError: bad thing", "training.data.errors.DataError: no file\nin a.tar")
    assert incurable(ended(refusal, status=REFUSED))
    assert failed(refusal, status=REFUSED).startswith(
        "rank 3 on algo-2 failed: training.data.errors.DataError: no file"
    )
    assert not incurable(ended(refusal))


def test_kills_are_told_apart() -> None:
    assert failed(FULL, status=-signal.SIGKILL, out_of_memory=True).startswith(
        "rank 3 on algo-2 was killed by the kernel because the machine ran out of memory (OOM killer)"
    )
    assert failed(FULL, status=-signal.SIGTERM).startswith("rank 3 on algo-2 was ended by SIGTERM")
    assert failed(status=-signal.SIGKILL) == "rank 3 on algo-2 was killed by SIGKILL"
    assert "ran out of memory" in failed(status=-signal.SIGKILL, out_of_memory=True)
    assert failed(TRACEBACK, out_of_memory=True).splitlines()[0] == (
        "rank 3 on algo-2 failed: ValueError: bad thing "
        "(the kernel had killed a process because the machine ran out of memory)"
    )
    assert failed(status=-signal.SIGSEGV) == "rank 3 on algo-2 was ended by SIGSEGV"
    assert failed(status=3) == "rank 3 on algo-2 ended with exit code 3"


SYNTAX_ERROR = """step 1
  File "/opt/ml/code/train.py", line 1
    def f(:
          ^
SyntaxError: invalid syntax
"""


def test_a_rank_that_nccl_gave_up_waiting_says_so_and_is_started_again() -> None:
    tail = "[rank3]:[E ProcessGroupNCCL.cpp:690] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=7)\n"
    assert failed(tail, status=-signal.SIGABRT).startswith("rank 3 on algo-2 waited too long in a collective of NCCL: ")
    assert failed(status=-signal.SIGABRT) == "rank 3 on algo-2 was ended by SIGABRT"
    assert not incurable(ended(tail, -signal.SIGABRT))


def test_a_syntax_error_of_the_script_itself_has_no_traceback_and_is_named_all_the_same() -> None:
    assert failed(SYNTAX_ERROR).splitlines() == [
        "rank 3 on algo-2 failed: SyntaxError: invalid syntax",
        'File "/opt/ml/code/train.py", line 1',
        "    def f(:",
        "          ^",
        "SyntaxError: invalid syntax",
    ]
    assert incurable(ended(SYNTAX_ERROR))
    assert failed("SyntaxError: said in a log\nmore\n").splitlines()[0] == "rank 3 on algo-2 ended with exit code 1"


ERROR = "train.py: error: unrecognized arguments: --rate 1"
USAGE = f"""step 0
usage: train.py [-h] [--lr LR]
                [--steps STEPS]
{ERROR}
"""


def test_arguments_that_argparse_refuses_are_named_and_not_tried_again() -> None:
    first, *rest = failed(USAGE, status=2).splitlines()
    assert first == f"rank 3 on algo-2 failed: {ERROR}"
    assert rest == ["step 0", ERROR], "the list of arguments would fill the file"
    assert failed(TRACEBACK + USAGE, status=2).startswith(f"rank 3 on algo-2 failed: {ERROR}\n"), "it came last"
    assert failed(TRACEBACK + USAGE, status=2).endswith(f"ValueError: bad thing\nstep 0\n{ERROR}")
    assert incurable(ended(USAGE, status=2))
    assert not incurable(ended(USAGE, status=3))
    assert not incurable(ended("no usage\n", status=2))


def test_what_a_restart_cannot_heal_is_known() -> None:
    assert incurable(ended(TRACEBACK, status=REFUSED))
    assert not incurable(ended(TRACEBACK.replace("ValueError", "training.data.errors.ShardError")))
    assert incurable(ended(TRACEBACK.replace("ValueError", "ModuleNotFoundError")))
    assert incurable(ended("OSError: [Errno 28] No space left on device"))
    assert not incurable(ended(TRACEBACK))


def test_a_killed_rank_is_healed_whatever_it_had_logged_before() -> None:
    assert not incurable(ended(TRACEBACK.replace("ValueError", "ModuleNotFoundError"), -signal.SIGKILL))


IGNORED = """Exception ignored in: <function Loader.__del__ at 0x7f>
Traceback (most recent call last):
  File "/opt/ml/code/train.py", line 3, in __del__
    import os
ImportError: sys.meta_path is None, Python is likely shutting down
"""


def test_what_python_ignores_at_its_end_is_not_the_reason() -> None:
    assert failed(TRACEBACK + IGNORED) == failed(TRACEBACK)
    assert not incurable(ended(TRACEBACK + IGNORED))
    assert traceback_of(IGNORED) == ""


@given(tail=st.text(max_size=5000))
def test_the_text_always_fits(tail: str) -> None:
    assert len(failed(TRACEBACK + tail).encode()) <= FAILURE_LIMIT_BYTES
    assert len(failed(tail).encode()) <= FAILURE_LIMIT_BYTES


def test_a_message_in_another_script_fits_too() -> None:
    text = failed(TRACEBACK.replace("bad thing", "\u6f22" * 2000))
    assert text.startswith("rank 3 on algo-2 failed: ValueError: \u6f22")
    assert len(text.encode()) <= FAILURE_LIMIT_BYTES


def test_a_long_traceback_loses_its_beginning() -> None:
    frames = "".join(f'  File "/opt/ml/code/deep.py", line {n}, in f\n    f()\n' for n in range(200))
    text = failed(f"Traceback (most recent call last):\n{frames}RecursionError: too deep\n")
    assert text.startswith("rank 3 on algo-2 failed: RecursionError: too deep\n...")
    assert text.endswith("RecursionError: too deep")


LIBRARY = "".join(
    f'  File "/env/lib/python3.11/site-packages/torchvision/deep.py", line {n}, in f{n}\n    g{n}(value, more)\n'
    for n in range(30)
)


def test_a_traceback_that_does_not_fit_keeps_the_users_own_frames_and_the_deepest_one() -> None:
    own = '  File "/tmp/code/train.py", line 41, in load\n    return folder(root)\n'
    text = failed(f"Traceback (most recent call last):\n{LIBRARY}{own}{LIBRARY}ValueError: bad thing\n")
    assert text.splitlines() == [
        "rank 3 on algo-2 failed: ValueError: bad thing",
        "Traceback (most recent call last):",
        "  ...",
        '  File "/tmp/code/train.py", line 41, in load',
        "    return folder(root)",
        "  ...",
        '  File "/env/lib/python3.11/site-packages/torchvision/deep.py", line 29, in f29',
        "    g29(value, more)",
        "ValueError: bad thing",
    ]


def test_a_traceback_that_fits_stays_whole_and_one_without_own_frames_loses_its_beginning() -> None:
    short = f"Traceback (most recent call last):\n{LIBRARY[:240]}ValueError: bad thing\n"
    assert LIBRARY[:240].strip() in failed(short)
    text = failed(f"Traceback (most recent call last):\n{LIBRARY}ValueError: bad thing\n")
    assert "\n...\n" not in text.partition("\n...")[2] and text.endswith("ValueError: bad thing")


@pytest.mark.parametrize(
    ("tail", "status", "own"),
    [
        (TRACEBACK, 1, True),
        (TRACEBACK, -9, False),
        ("no traceback", 1, False),
        (TRACEBACK.replace("bad thing", "[../gloo/transport/tcp/pair.cc] Connection closed by peer"), 1, False),
        (TRACEBACK.replace("bad thing", "NCCL communicator was aborted"), 1, False),
        (TRACEBACK.replace("train.py", "torch/distributed/x.py"), 1, False),
    ],
)
def test_a_failure_because_of_a_peer_is_not_the_programs_own(tail: str, status: int, own: bool) -> None:
    failure = Failure(name="rank 0", host="algo-1", exit_status=status, tail=tail)
    assert is_of_the_program(failure) == own


KERAS_FIT = """Traceback (most recent call last):
  File "/opt/ml/code/train.py", line 6, in <module>
    model.fit(images, labels)
  File "/env/lib/python3.11/site-packages/keras/src/utils/traceback_utils.py", line 122, in error_handler
    raise e.with_traceback(filtered_tb) from None
ValueError: {said}
  0: <tf.Tensor: shape=(4, 3), dtype=float32>
"""
IN_USER_CODE = """Traceback (most recent call last):
  File "/opt/ml/code/train.py", line 21, in <module>
    step(1)
  File "/tmp/__autograph_generated_file.py", line 26, in tf__step
    retval_ = ag__.converted_call(ag__.ld(strategy).run, (ag__.ld(one),), None, fscope)
ValueError: in user code:

    File "/opt/ml/code/train.py", line 16, in step  *
        return strategy.run(one)

    ValueError: destinations can not be empty
"""
LOST_WORKER = """Traceback (most recent call last):
  File "/opt/ml/code/train.py", line 18, in <module>
    agree()
tensorflow.python.framework.errors_impl.UnavailableError: Graph execution error:

Detected at node CollectiveReduceV2 defined at (most recent call last):
  File "/opt/ml/code/train.py", line 13, in agree

Collective ops is aborted by: recvmsg:Connection reset by peer
Additional GRPC error information from remote target /job:worker/replica:0/task:1 while calling /RecvBuf:
The error could be from a previous operation. Restart your program to reset.
\t [[{{node CollectiveReduceV2}}]] [Op:__inference_agree_32]
"""


@pytest.mark.parametrize(
    "said", ["Attempt to convert a value (PerReplica:{", "Invalid reduction dimension 0 for input"]
)
def test_keras_3s_fit_on_two_workers_is_said_in_one_sentence_and_not_tried_again(said: str) -> None:
    tail = KERAS_FIT.format(said=said)
    assert failed(tail).startswith(
        "rank 3 on algo-2 failed: Keras 3's own fit, evaluate and predict work with one worker"
    )
    assert "TF_USE_LEGACY_KERAS=1" in failed(tail).splitlines()[0]
    assert incurable(ended(tail))
    own = tail.replace("/keras/src/", "/mine/")
    assert "Keras 3" not in failed(own) and not incurable(ended(own))


def test_an_error_of_tensorflows_is_told_by_the_line_that_says_something() -> None:
    assert failed(IN_USER_CODE).splitlines()[0] == "rank 3 on algo-2 failed: ValueError: destinations can not be empty"
    said = "UnavailableError: recvmsg:Connection reset by peer (the peer was worker 1)"
    assert failed(LOST_WORKER).splitlines()[0] == f"rank 3 on algo-2 failed: {said}"
    assert not is_of_the_program(ended(LOST_WORKER)), "it failed because of a peer"
