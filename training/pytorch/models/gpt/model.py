"""A decoder-only transformer: RMSNorm, rotary positions, grouped-query attention, SwiGLU.

The whole model is here and knows nothing of ranks. Each part can be absent (a pipeline stage has only some), and the
attention takes its number of heads from the tensors it gets (a tensor-parallel rank has only some).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from training.pytorch.parallel.plan import ModelShape


@dataclass(frozen=True, kw_only=True, slots=True)
class GPTConfig:
    """The shape of a model."""

    vocabulary: int
    """Different tokens: 256 for bytes."""
    layers: int
    width: int
    heads: int
    kv_heads: int
    """Heads of keys and values, each shared by heads / kv_heads heads."""
    hidden: int
    """Width inside the feed-forward part."""
    context: int
    """Tokens of one sample."""
    rope_base: float = 10_000.0

    def __post_init__(self) -> None:
        for name in ("vocabulary", "layers", "width", "heads", "kv_heads", "hidden", "context"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)} and must be 1 or more")
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise ValueError(f"width {self.width} must be an even multiple of heads {self.heads}")
        if self.heads % self.kv_heads:
            raise ValueError(f"heads {self.heads} must be a multiple of kv_heads {self.kv_heads}")

    @property
    def shape(self) -> ModelShape:
        """What a plan has to divide."""
        return ModelShape(layers=self.layers, heads=self.heads, kv_heads=self.kv_heads)

    @property
    def parameters(self) -> int:
        """The number of trained numbers."""
        head_width = self.width // self.heads
        attention = 2 * self.width * self.width + 2 * self.width * self.kv_heads * head_width
        block = attention + 3 * self.width * self.hidden + 2 * self.width
        return 2 * self.vocabulary * self.width + self.layers * block + self.width

    @property
    def flops_per_token(self) -> float:
        """Forward and backward: 6 for each parameter that multiplies (not the embedding), 12 for each attended value.

        The attention's part counts all positions, as is customary, though the causal half of them is not computed.
        """
        multiplied = self.parameters - self.vocabulary * self.width
        return 6 * multiplied + 12 * self.layers * self.width * self.context


PRESETS = {
    "toy": GPTConfig(vocabulary=256, layers=4, width=128, heads=4, kv_heads=2, hidden=384, context=128),
    "gpt2": GPTConfig(vocabulary=50304, layers=12, width=768, heads=12, kv_heads=12, hidden=2048, context=1024),
    "gpt2-xl": GPTConfig(vocabulary=50304, layers=48, width=1600, heads=25, kv_heads=25, hidden=4288, context=1024),
    "7b": GPTConfig(vocabulary=32000, layers=32, width=4096, heads=32, kv_heads=8, hidden=14336, context=4096),
}
"""A 1M toy for bytes, the shapes of GPT-2 small and XL, and a 7B with grouped queries."""


def rotation(length: int, head_width: int, base: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines of every position, [length, head_width / 2]."""
    frequencies = base ** (-torch.arange(0, head_width, 2, device=device, dtype=torch.float32) / head_width)
    angles = torch.outer(torch.arange(length, device=device, dtype=torch.float32), frequencies)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each pair (first half, second half) of x [batch, heads, length, head_width] by its position's angle."""
    first, second = x.float().chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1).to(x.dtype)


class Attention(nn.Module):
    """Causal self-attention with grouped queries."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.head_width = config.width // config.heads
        kv_width = config.kv_heads * self.head_width
        self.query = nn.Linear(config.width, config.width, bias=False)
        self.key = nn.Linear(config.width, kv_width, bias=False)
        self.value = nn.Linear(config.width, kv_width, bias=False)
        self.out = nn.Linear(config.width, config.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x is [batch, length, width]."""
        q, k, v = (self._heads(part(x)) for part in (self.query, self.key, self.value))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        grouped = q.shape[1] != k.shape[1]
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=grouped)
        return self.out(y.transpose(1, 2).flatten(2))

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, self.head_width)).transpose(1, 2)


class FeedForward(nn.Module):
    """SwiGLU."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.gate = nn.Linear(config.width, config.hidden, bias=False)
        self.up = nn.Linear(config.width, config.hidden, bias=False)
        self.down = nn.Linear(config.hidden, config.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x is [batch, length, width]."""
        return self.down(functional.silu(self.gate(x)) * self.up(x))


class Block(nn.Module):
    """Attention and feed-forward, each behind a norm and beside a shortcut."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(config.width, eps=1e-5)
        self.attention = Attention(config)
        self.feed_norm = nn.RMSNorm(config.width, eps=1e-5)
        self.feed = FeedForward(config)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x is [batch, length, width]."""
        x = x + self.attention(self.attention_norm(x), cos, sin)
        return x + self.feed(self.feed_norm(x))


class GPT(nn.Module):
    """The model, or the part of it that one pipeline stage holds: the names of parameters are the same either way."""

    def __init__(self, config: GPTConfig, layers: Iterable[int] | None = None) -> None:
        super().__init__()
        held = range(config.layers) if layers is None else list(layers)
        self.config = config
        self.checkpoint_activations = False
        self.embedding = nn.Embedding(config.vocabulary, config.width) if 0 in held else None
        self.blocks = nn.ModuleDict({str(layer): Block(config) for layer in held})
        is_last = config.layers - 1 in held
        self.norm = nn.RMSNorm(config.width, eps=1e-5) if is_last else None
        self.head = nn.Linear(config.width, config.vocabulary, bias=False) if is_last else None

    def forward(self, x: Tensor) -> Tensor:
        """Tokens [batch, length] to logits [batch, length, vocabulary]; between stages, activations."""
        x = x if self.embedding is None else self.embedding(x)
        cos, sin = rotation(x.shape[1], self.config.width // self.config.heads, self.config.rope_base, x.device)
        for block in self.blocks.values():
            if self.checkpoint_activations and self.training:
                x = checkpoint(block, x, cos, sin, use_reentrant=False)
            else:
                x = block(x, cos, sin)
        return x if self.norm is None or self.head is None else self.head(self.norm(x))


def start_value(name: str, layers: int) -> Callable[[Tensor, torch.Generator], Tensor]:
    """How a parameter is filled at the start: ones for norms, else a normal whose width shrinks with the depth."""
    if "norm" in name:
        return lambda tensor, generator: tensor.fill_(1.0)
    into_shortcut = name.endswith(("attention.out.weight", "feed.down.weight"))
    deviation = 0.02 / (2 * layers) ** 0.5 if into_shortcut else 0.02
    return lambda tensor, generator: tensor.normal_(0.0, deviation, generator=generator)


def next_token_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """The mean cross entropy, computed in fp32."""
    return functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())
