"""The transformer and what feeds it."""

import re
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from training.pytorch.models.gpt.model import GPT, PRESETS, GPTConfig, next_token_loss, rotate, rotation
from training.pytorch.programs import gpt
from training.pytorch.programs.gpt import make_parser_for_gpt
from training.pytorch.programs.tokens import NoTokens, Tokens, read_tokens

SMALL = GPTConfig(vocabulary=11, layers=2, width=16, heads=4, kv_heads=2, hidden=24, context=8)


@pytest.mark.parametrize(("name", "millions"), [("toy", 0.853), ("gpt2", 162.2), ("gpt2-xl", 1640.6), ("7b", 7241.7)])
def test_the_presets_have_the_sizes_that_their_names_say(name: str, millions: float) -> None:
    with torch.device("meta"):
        model = GPT(PRESETS[name])
    counted = sum(parameter.numel() for parameter in model.parameters())
    assert counted == PRESETS[name].parameters
    assert counted / 1e6 == pytest.approx(millions, rel=1e-3)


@pytest.mark.parametrize("config", [SMALL, replace(SMALL, kv_heads=4), replace(SMALL, context=5, layers=3)])
def test_the_flops_of_a_token_are_those_that_torch_counts(config: GPTConfig) -> None:
    model = GPT(config)
    tokens = torch.randint(0, config.vocabulary, (3, config.context))
    # As matrix products, torch counts all of the attention: its own kernel for processors is not in its table
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        next_token_loss(model(tokens), tokens).backward()
    norms = sum(parameter.numel() for name, parameter in model.named_parameters() if "norm" in name)
    assert config.flops_per_token == counter.get_total_flops() / tokens.numel() + 6 * norms


def test_no_position_sees_a_later_one() -> None:
    torch.manual_seed(0)
    model = GPT(SMALL)
    tokens = torch.randint(0, 11, (1, 8))
    changed = tokens.clone()
    changed[0, 5] = (changed[0, 5] + 1) % 11
    before, after = model(tokens), model(changed)
    torch.testing.assert_close(before[:, :5], after[:, :5], rtol=0, atol=0)
    assert not torch.allclose(before[:, 5:], after[:, 5:])


def test_a_rotation_keeps_lengths_and_depends_on_distances_only() -> None:
    cos, sin = rotation(8, 4, 10_000.0, torch.device("cpu"))
    x, y = torch.randn(1, 1, 1, 4).expand(1, 1, 8, 4), torch.randn(1, 1, 1, 4).expand(1, 1, 8, 4)
    turned_x, turned_y = rotate(x, cos, sin)[0, 0], rotate(y, cos, sin)[0, 0]
    torch.testing.assert_close(turned_x.norm(dim=-1), x[0, 0].norm(dim=-1))
    torch.testing.assert_close(turned_x[1] @ turned_y[3], turned_x[5] @ turned_y[7], rtol=1e-4, atol=1e-5)


def test_grouped_heads_equal_repeated_ones() -> None:
    torch.manual_seed(0)
    grouped = GPT(SMALL)
    whole = GPT(GPTConfig(vocabulary=11, layers=2, width=16, heads=4, kv_heads=4, hidden=24, context=8))
    weights = grouped.state_dict()
    for name, tensor in weights.items():
        if name.endswith(("key.weight", "value.weight")):
            weights[name] = tensor.unflatten(0, (2, 4)).repeat_interleave(2, dim=0).flatten(0, 1)
    whole.load_state_dict(weights)
    tokens = torch.randint(0, 11, (2, 8))
    torch.testing.assert_close(grouped(tokens), whole(tokens))


def test_activation_checkpointing_changes_no_gradient() -> None:
    torch.manual_seed(0)
    model = GPT(SMALL)
    tokens = torch.randint(0, 11, (2, 8))
    gradients = []
    for model.checkpoint_activations in (False, True):
        model.zero_grad()
        next_token_loss(model(tokens), tokens).backward()
        gradients.append([parameter.grad.clone() for parameter in model.parameters()])
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0, atol=0)


def test_activation_checkpointing_computes_every_block_twice_and_only_in_training() -> None:
    model = GPT(SMALL)
    tokens = torch.randint(0, 11, (2, 8))
    begun: list[str] = []
    for name, block in model.blocks.items():
        # At its beginning: a second forward ends as soon as all that is needed of it is there
        block.register_forward_pre_hook(lambda module, inputs, name=name: begun.append(name))

    def forwards() -> list[str]:
        begun.clear()
        next_token_loss(model(tokens), tokens).backward()
        return list(begun)

    assert forwards() == ["0", "1"]
    model.checkpoint_activations = True
    assert forwards() == ["0", "1", "1", "0"]
    model.eval()
    assert forwards() == ["0", "1"]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_run_names_the_peak_of_its_own_precision(
    precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "a.txt").write_text("some text " * 30)
    for name in ("SM_CHANNEL_TRAIN", "SAGEMAKER_BASE_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    gpt.main(["--max_steps", "1", "--context", "8", "--precision", precision])
    said = capsys.readouterr().out.splitlines()
    assert re.fullmatch(
        rf"mfu is the share of \S+ TFLOP/s a rank \(the fastest of some {precision} matrix products here\)", said[0]
    )
    assert re.search(r"^metric step=1 .* mfu=[\d.e-]+ ", said[1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heads": 3}, "width 16 must be an even multiple of heads 3"),
        ({"kv_heads": 3}, "heads 4 must be a multiple of kv_heads 3"),
        ({"layers": 0}, "layers is 0 and must be 1 or more"),
    ],
)
def test_shapes_that_cannot_be_are_refused(change: dict, message: str) -> None:
    fields = {name: getattr(SMALL, name) for name in ("vocabulary", "layers", "width", "heads", "kv_heads", "hidden")}
    with pytest.raises(ValueError, match=message):
        GPTConfig(**{**fields, "context": 8, **change})


@given(st.lists(st.integers(1, 20), min_size=1, max_size=5), st.data())
def test_tokens_of_several_files_read_as_one_row(lengths: list[int], data: st.DataObject) -> None:
    row = numpy.arange(sum(lengths))
    tokens = Tokens(numpy.split(row, numpy.cumsum(lengths)[:-1]))
    assert len(tokens) == len(row)
    start = data.draw(st.integers(0, len(row) - 1))
    count = data.draw(st.integers(1, len(row) - start))
    numpy.testing.assert_array_equal(tokens.read(start, count), row[start : start + count])


def test_targets_are_the_next_tokens() -> None:
    inputs, targets = Tokens([numpy.arange(100)]).batch([0, 3], 8)
    assert inputs[1].tolist() == list(range(24, 32))
    torch.testing.assert_close(targets, inputs + 1)


def test_text_is_read_as_bytes_and_numbers_are_mapped(tmp_path: Path) -> None:
    text, ready = tmp_path / "a.txt", tmp_path / "b.npy"
    text.write_bytes(b"hello")
    assert read_tokens([text], vocabulary=256).read(0, 5).tolist() == list(b"hello")
    numpy.save(ready, numpy.array([1, 300], dtype=numpy.uint16))
    assert read_tokens([ready, text], vocabulary=301).read(0, 2).tolist() == [1, 300]
    with pytest.raises(NoTokens, match="has token 300 and the model knows 0 to 255: choose another preset"):
        read_tokens([ready], vocabulary=256)
    with pytest.raises(NoTokens, match=r"holds no .* and no text"):
        read_tokens([tmp_path / "c.jpg"], vocabulary=256)


def test_an_empty_tokenizer_is_none(capfd: pytest.CaptureFixture[str]) -> None:
    """A hyperparameter that is emptied and not left out."""
    with pytest.raises(SystemExit):
        make_parser_for_gpt().parse_args(["--tokenizer", ""])
    assert "--tokenizer: it is empty: leave the option out to read text as bytes" in capfd.readouterr().err
