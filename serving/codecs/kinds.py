"""Content types: the names that clients use for one format, and which of those that they accept is made."""

from contract.refusal import RequestError

JSON = "application/json"
JSON_LINES = "application/jsonlines"
CSV = "text/csv"
LIBSVM = "text/libsvm"
NPY = "application/x-npy"
NPZ = "application/x-npz"
_NAMES = {
    JSON: JSON,
    "text/json": JSON,
    JSON_LINES: JSON_LINES,
    "application/x-jsonlines": JSON_LINES,
    "application/jsonl": JSON_LINES,
    "application/x-ndjson": JSON_LINES,
    CSV: CSV,
    "application/csv": CSV,
    LIBSVM: LIBSVM,
    "text/x-libsvm": LIBSVM,
    NPY: NPY,
    NPZ: NPZ,
}
IMAGES = ("image/png", "image/jpeg", "image/jpg", "image/webp", "image/bmp", "image/gif", "application/x-image")
_MADE = (JSON, JSON_LINES, CSV, NPY, NPZ)
_ANY = ("", "*/*", "application/*")


def named(kind: str) -> str:
    """The format of a content type; a body without one is JSON."""
    if not kind:
        return JSON
    found = _NAMES.get(kind)
    if found is None:
        bare = kind.split(";", 1)[0].strip().lower()
        found = _NAMES.get(bare)
        if found is None:
            if bare in IMAGES:
                return bare
            known = ", ".join(dict.fromkeys([*_NAMES.values(), *IMAGES[:2]]))
            raise RequestError(f"the content type {kind!r} is not known here; known: {known}", 415)
    return found


def chosen(accept: str, otherwise: str) -> str:
    """The first format among those that a client accepts."""
    if accept in _ANY:
        return named(otherwise)
    for word in accept.split(","):
        bare = word.split(";", 1)[0].strip().lower()
        if bare in _ANY:
            return named(otherwise)
        if _NAMES.get(bare) in _MADE:
            return _NAMES[bare]
    raise RequestError(f"no answer is made as {accept!r}; known: {', '.join(_MADE)}", 406)
