"""Write docs/schema anew from the tables of the messages: ``python docs/make_schemas.py``."""  # noqa: INP001 - a script beside the pages

from __future__ import annotations

import json
from pathlib import Path

from monitord.wardtalk.schema import schemas

if __name__ == "__main__":
    folder = Path(__file__).parent / "schema"
    folder.mkdir(exist_ok=True)
    for name, content in schemas().items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", "utf-8")
