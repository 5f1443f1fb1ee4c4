"""Predicting the next word of a text, read as contiguous streams."""

from __future__ import annotations

from rnnrepro.tasks.characters import Characters


class Words(Characters):
    """As `Characters`, for texts of words. What is called bpc are bits per word; perplexity is exp(cross-entropy)."""

    holds = "words"
