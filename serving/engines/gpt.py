"""The GPT of `training.pytorch.programs.gpt`, with a cache of keys and values, many streams at a time.

It works on the weights by their names, and needs none of the training code.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contract.refusal import RequestError
from serving import log
from serving.engines.errors import Unservable, need
from serving.engines.ranks import Place, Ranks
from serving.engines.sampling import Sampler
from serving.engines.tokens import TokenHandler

_NAME = "training.pytorch.models.gpt.model.GPT"
_EPSILON = 1e-5
_BYTES = 256
_BY_OUTPUT = ("query", "key", "value", "gate", "up", "head")
_BY_INPUT = ("out", "down")


def is_ours(about: Mapping[str, Any]) -> bool:
    """Whether model.json tells of it."""
    return about.get("model") == _NAME


def load(
    path: Path, about: Mapping[str, Any], *, slots: int, tokenizer: Path, place: Place | None = None
) -> TokenHandler:
    """The model with its cache, allocated once for all streams; at a place, this rank's part of it."""
    torch = need("torch", "torch", path.name)
    cutter, config = _cutter(about, tokenizer), about["config"]
    if place is None:
        weights = torch.load(path, map_location="cpu", weights_only=True)
        return TokenHandler(GPTDecoder(weights, config, slots=slots, cutter=cutter))
    wrong = [f"{name} is {config[name]}" for name in ("heads", "kv_heads", "hidden") if config[name] % place.ranks]
    if wrong:
        raise Unservable(f"the model cannot be split over {place.ranks} ranks: {', '.join(wrong)}, no multiple of it")
    # Of a mapped file only the parts that are copied come into memory
    whole = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    weights = {name: part_of(name, tensor, place.rank, place.ranks) for name, tensor in whole.items()}
    decoder = GPTDecoder(weights, config, slots=slots, cutter=cutter, ranks=Ranks(torch, place))
    log.say(f"rank {place.rank} of {place.ranks} holds {decoder.sizes}")
    return TokenHandler(decoder)


def part_of(name: str, tensor: Any, rank: int, ranks: int) -> Any:
    """A rank's part of a weight: matrices cut by their outputs, and the next ones by their inputs."""
    layer = name.removesuffix(".weight").rpartition(".")[2]
    if layer in _BY_OUTPUT and tensor.shape[0] % ranks == 0:
        return tensor.chunk(ranks, dim=0)[rank].clone()
    return tensor.chunk(ranks, dim=1)[rank].clone() if layer in _BY_INPUT else tensor.clone()


def _cutter(about: Mapping[str, Any], tokenizer: Path) -> Any:
    """What cuts text into tokens, where a token is more than a byte."""
    if tokenizer.is_file():
        return need("tokenizers", "tokenizers", tokenizer.name).Tokenizer.from_file(str(tokenizer))
    return None


class GPTDecoder:
    """Grouped-query attention with rotary positions over a cache of [layers, 2, slots, heads, context, width]."""

    name = "GPT"

    def __init__(
        self,
        weights: Mapping[str, Any],
        config: Mapping[str, Any],
        *,
        slots: int,
        cutter: Any,
        ranks: Ranks | None = None,
    ) -> None:
        torch = self._torch = need("torch", "torch", "the model")
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._ranks = ranks
        size = self.ranks = 1 if ranks is None else ranks.size
        self._weights = {name: tensor.to(self._device) for name, tensor in weights.items()}
        self.slots = slots
        self.context = int(config["context"])
        self.vocabulary = int(config["vocabulary"])
        self._layers = int(config["layers"])
        self._head_width = int(config["width"]) // int(config["heads"])
        self._heads, self._kv_heads = int(config["heads"]) // size, int(config["kv_heads"]) // size
        self._cutter = cutter
        dtype = self._weights["embedding.weight"].dtype
        shape = (self._layers, 2, slots, self._kv_heads, self.context, self._head_width)
        self._cache = torch.zeros(shape, dtype=dtype, device=self._device)
        steps = torch.arange(0, self._head_width, 2, device=self._device, dtype=torch.float32)
        places = torch.arange(self.context, device=self._device, dtype=torch.float32)
        angles = torch.outer(places, float(config["rope_base"]) ** (-steps / self._head_width))
        self._cos, self._sin = angles.cos(), angles.sin()

    def tokens_of(self, text: str) -> list[int]:
        """By the tokenizer beside the model; bytes without one."""
        if self._cutter is not None:
            return list(self._cutter.encode(text).ids)
        if self.vocabulary < _BYTES:
            raise RequestError(f"the model has {self.vocabulary} tokens, too few for bytes: send tokens, not a text")
        return list(text.encode())

    def text_of(self, tokens: Sequence[int]) -> str:
        """The reverse; what is no text is left out."""
        if self._cutter is not None:
            return str(self._cutter.decode(list(tokens)))
        return bytes(token for token in tokens if token < _BYTES).decode(errors="replace")

    def begin(self, slot: int, prompts: Sequence[Sequence[int]], samplers: Sequence[Sampler | None]) -> list[int]:
        """Fill the caches of rows from `slot` on, a prompt each.

        Behind a shorter prompt its row holds nonsense until its own tokens take those places: none is seen before.
        """
        torch = self._torch
        self._tell("begin", slot, [list(tokens) for tokens in prompts])
        longest = max(map(len, prompts))
        with torch.inference_mode():
            given = torch.tensor([[*tokens, *[0] * (longest - len(tokens))] for tokens in prompts], device=self._device)
            places = torch.arange(longest, device=self._device)[None].expand(len(prompts), -1)
            last = torch.tensor([len(tokens) - 1 for tokens in prompts], device=self._device)
            return _picked(self._logits(given, places, slice(slot, slot + len(prompts)), last), samplers)

    def advance(
        self, count: int, tokens: Sequence[int], places: Sequence[int], samplers: Sequence[Sampler | None]
    ) -> list[int]:
        """One token for each of the first rows."""
        torch = self._torch
        self._tell("advance", count, list(tokens), list(places))
        with torch.inference_mode():
            given = torch.tensor(tokens, device=self._device)[:, None]
            at = torch.tensor(places, device=self._device)[:, None]
            return _picked(self._logits(given, at, slice(0, count), torch.zeros_like(at[:, 0])), samplers)

    def move(self, source: int, target: int) -> None:
        """Copy one row's cache to another."""
        self._tell("move", source, target)
        self._cache[:, :, target].copy_(self._cache[:, :, source])

    @property
    def sizes(self) -> str:
        """What this process holds, in words."""
        weights = sum(tensor.nbytes for tensor in self._weights.values())
        return f"{weights / 1e6:.1f} MB of weights and {self._cache.nbytes / 1e6:.1f} MB of cache"

    def follow(self) -> None:
        """Do what rank 0 does, until it is gone."""
        assert self._ranks is not None
        for name, *given in self._ranks.calls():
            if name == "begin":
                slot, prompts = given
                self.begin(slot, prompts, [])
            elif name == "advance":
                count, tokens, places = given
                self.advance(count, tokens, places, [])
            else:
                self.move(*given)

    def _tell(self, name: str, *given: Any) -> None:
        if self._ranks is not None and self._ranks.rank == 0:
            self._ranks.tell([name, *given])

    def _summed(self, part: Any) -> Any:
        return part if self._ranks is None else self._ranks.sum(part)

    def _logits(self, tokens: Any, places: Any, rows: slice, last: Any) -> Any:
        """Of the token of each row that `last` counts: tokens and places are [rows, length]."""
        functional = self._torch.nn.functional
        weights = self._weights
        x = functional.embedding(tokens, weights["embedding.weight"])
        cos, sin = self._cos[places][:, None], self._sin[places][:, None]
        until = int(places.max()) + 1
        # What a row may see: everything up to its own place
        seen = self._torch.arange(until, device=self._device) <= places[..., None]
        for layer in range(self._layers):
            name = f"blocks.{layer}"
            y = self._norm(x, f"{name}.attention_norm")
            x = x + self._attend(y, layer, places, rows, (cos, sin), seen[:, None], until)
            y = self._norm(x, f"{name}.feed_norm")
            gate = functional.silu(functional.linear(y, weights[f"{name}.feed.gate.weight"]))
            up = functional.linear(y, weights[f"{name}.feed.up.weight"])
            x = x + self._summed(functional.linear(gate * up, weights[f"{name}.feed.down.weight"]))
        ends = x[self._torch.arange(x.shape[0], device=self._device), last]
        found = functional.linear(self._norm(ends, "norm"), weights["head.weight"]).float()
        is_part = self._ranks is not None and found.shape[-1] != self.vocabulary
        return self._ranks.join(found) if self._ranks is not None and is_part else found

    def _attend(
        self, y: Any, layer: int, places: Any, rows: slice, turn: tuple[Any, Any], seen: Any, until: int
    ) -> Any:
        functional = self._torch.nn.functional
        name = f"blocks.{layer}.attention"
        q, k, v = (
            functional.linear(y, self._weights[f"{name}.{part}.weight"]).unflatten(-1, (-1, self._head_width))
            for part in ("query", "key", "value")
        )
        q, k = _rotate(self._torch, q.transpose(1, 2), *turn), _rotate(self._torch, k.transpose(1, 2), *turn)
        keys, values = self._cache[layer, 0, rows], self._cache[layer, 1, rows]
        at = self._torch.arange(keys.shape[0], device=self._device)[:, None]
        keys[at, :, places] = k.transpose(1, 2)
        values[at, :, places] = v
        grouped = self._heads != self._kv_heads
        found = functional.scaled_dot_product_attention(
            q, keys[:, :, :until], values[:, :, :until], attn_mask=seen, enable_gqa=grouped
        )
        return self._summed(functional.linear(found.transpose(1, 2).flatten(2), self._weights[f"{name}.out.weight"]))

    def _norm(self, x: Any, name: str) -> Any:
        return self._torch.nn.functional.rms_norm(x, (x.shape[-1],), self._weights[f"{name}.weight"], _EPSILON)


def _picked(logits: Any, samplers: Sequence[Sampler | None]) -> list[int]:
    found: list[int] = logits.argmax(-1).tolist()
    for row, sampler in enumerate(samplers):
        if sampler is not None:
            found[row] = sampler.pick(logits[row].cpu().numpy())
    return found


def _rotate(torch: Any, x: Any, cos: Any, sin: Any) -> Any:
    first, second = x.float().chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1).to(x.dtype)
