"""The OpenAPI document of /api/v1, made from the table of routes. Pure.

Format: https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from monitord import __version__
from monitord.notify.web.routes import API, NUMBER_MAX, SCHEMAS, Route
from monitord.wardtalk.topics import NAME

if TYPE_CHECKING:
    from collections.abc import Iterable

_PHRASES = {
    400: "A value is not what it must be.",
    401: "Not paired, or the token is nobody's.",
    403: "Not from inside the house, from another page, a wrong code, or a role that is not enough.",
    404: "There is none of that number.",
    409: "It cannot be done now: too many phones are paired, or there is nothing to end.",
    413: "The body is too large.",
    429: "Too many requests, or too many wrong codes.",
    503: "The journal or the access file cannot be used, or too many pages are open.",
}
_GATE = (400, 403, 413, 429, 503)


def document(routes: Iterable[Route] = API) -> dict[str, Any]:
    """The whole document of `routes`."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "monitord",
            "version": __version__,
            "description": "The state of the monitor, its incidents, and who may acknowledge them.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": f"^{NAME}$"}
            if name == "room"
            else {"type": "integer", "minimum": 0, "maximum": NUMBER_MAX},
            "example": "101" if name == "room" else 1,
        }
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    parameters += [{"name": name, "in": "query", "schema": schema} for name, schema in route.query.items()]
    content = (
        {"application/json": {"schema": route.answer}} if route.answer else {route.kind: {"schema": {"type": "string"}}}
    )
    codes = sorted({*_GATE, *route.errors, *(() if route.needs is None and route.name != "session" else (401,))})
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.text,
        "parameters": parameters,
        "responses": {
            "200": {"description": "Done.", "content": content},
            **{
                str(code): {
                    "description": _PHRASES[code],
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                }
                for code in codes
            },
        },
        "security": [] if route.needs is None else [{"token": []}],
    }
    if route.needs is not None:
        operation["description"] = f'Needs the role "{route.needs}".'
    if route.body is not None:
        operation["requestBody"] = {
            "required": bool(route.body["required"]),
            "content": {"application/json": {"schema": route.body}},
        }
    return operation
