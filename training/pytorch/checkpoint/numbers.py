"""torch's types of numbers under the names that a file of tensors knows them by."""

import torch

from training.saves.storage import Storage
from training.saves.tensor_file import Entry, read_content
from training.saves.unfit import Unfit

_CODES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.complex64: "C64",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint64: "U64",
    torch.uint32: "U32",
    torch.uint16: "U16",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
_DTYPES = {code: dtype for dtype, code in _CODES.items()}


def code_of(name: str, dtype: torch.dtype) -> str:
    """What a tensor's numbers are called; the tensor's own name is for who must change them."""
    if dtype not in _CODES:
        known = ", ".join(sorted(str(one).removeprefix("torch.") for one in _CODES))
        raise Unfit(f"{name} is of {dtype}, which a checkpoint cannot hold; it can hold {known}")
    return _CODES[dtype]


def dtype_of(entry: Entry) -> torch.dtype:
    """What the numbers of an entry are."""
    return _DTYPES[entry.dtype]


def read_tensor(storage: Storage, name: str, entry: Entry) -> torch.Tensor:
    """The tensor of one entry of a file."""
    return torch.frombuffer(read_content(storage, name, entry), dtype=dtype_of(entry)).view(entry.shape)
