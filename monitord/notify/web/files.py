"""The files of the page, as they are served: what lies in `static`, and its words in each language."""

from __future__ import annotations

import json
from pathlib import Path

from monitord.config import Language
from monitord.notify import texts

_STATIC = Path(__file__).parent / "static"
_KINDS = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}


def files() -> dict[str, tuple[bytes, str]]:
    """Path -> content and media type, of everything that the page is made of."""
    found = {
        f"/{path.name}": (path.read_bytes(), _KINDS[path.suffix])
        for path in sorted(_STATIC.iterdir())
        if path.suffix in _KINDS
    }
    found["/"] = found.pop("/index.html")
    for language in Language:
        words = json.dumps(texts.catalogue(language), ensure_ascii=False, separators=(",", ":"))
        found[f"/texts/{language}.json"] = (words.encode(), "application/json")
    return found
