"""A small transformer that tells what kind of text some bytes are."""

from typing import Any

import keras
from keras import layers

PADDING = 0
"""What stands behind a text that is shorter than the others; bytes are counted from 1."""
VOCABULARY = 257


def make_text_net(
    classes: int, *, length: int = 128, width: int = 128, heads: int = 4, blocks: int = 2, dropout: float = 0.1
) -> Any:
    """Byte and place embeddings, blocks of attention and a dense pair, the mean over all that is no padding, scores."""
    tokens = keras.Input((length,), dtype="int32", name="tokens")
    there = keras.ops.not_equal(tokens, PADDING)
    x = layers.Embedding(VOCABULARY, width, name="bytes")(tokens)
    places = layers.Embedding(length, width, name="places")(keras.ops.arange(length))
    x = layers.Dropout(dropout, name="dropout")(x + places)
    for block in range(blocks):
        before = layers.LayerNormalization(name=f"norm{block}a")(x)
        attention = layers.MultiHeadAttention(heads, width // heads, dropout=dropout, name=f"attention{block}")
        x = x + attention(before, before, attention_mask=there[:, None, :])
        inner = layers.Dense(4 * width, activation="gelu", name=f"dense{block}a")(
            layers.LayerNormalization(name=f"norm{block}b")(x)
        )
        x = x + layers.Dropout(dropout, name=f"dropout{block}")(layers.Dense(width, name=f"dense{block}b")(inner))
    weights = keras.ops.cast(there, x.dtype)[:, :, None]
    mean = keras.ops.sum(x * weights, axis=1) / keras.ops.maximum(keras.ops.sum(weights, axis=1), 1)
    scores = layers.Dense(classes, dtype="float32", name="classes")(layers.LayerNormalization(name="norm")(mean))
    return keras.Model(tokens, scores, name="text")
