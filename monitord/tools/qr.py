"""A QR code on the terminal. The only importer of segno."""

from __future__ import annotations

import sys

import segno


def show_qr(text: str) -> None:
    """Print `text` as a code, two rows of it in each line."""
    segno.make(text, error="l", micro=False).terminal(out=sys.stdout, compact=True, border=2)
