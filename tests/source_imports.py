"""What each module of a package imports, read from its source by ast.

Imports inside functions are included, and nothing has to be installed or run.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass


@dataclass(frozen=True)
class Import:
    """`what` is imported at `line`; `types` if only a type checker sees it."""

    what: str
    line: int
    types: bool


def modules_of(package):
    """Dotted name -> imports, for every module under the folder `package`."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = ["monitord", *path.relative_to(package).with_suffix("").parts]
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path
    return {name: list(imports_of(path, name, set(found))) for name, path in found.items()}


def imports_of(path, name, known):
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
        for branch in node.body
        for inner in ast.walk(branch)
    }
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                targets = [alias.name for alias in node.names]
            case ast.ImportFrom():
                base = node.module or ""
                if node.level:
                    above = package.split(".")[: len(package.split(".")) - node.level + 1]
                    base = ".".join([*above, *([node.module] if node.module else [])])
                whole = [f"{base}.{alias.name}" for alias in node.names]
                targets = [target if target in known else base for target in whole]
            case ast.Call(func=ast.Name("__import__") | ast.Attribute(attr="import_module")):
                targets = [ast.unparse(node.args[0]).strip("'\"")] if node.args else []
            case _:
                continue
        for target in dict.fromkeys(targets):
            yield Import(target, node.lineno, id(node) in typing_only)


def within(what, names):
    """Whether `what` is one of `names` or inside one."""
    return any(what == name or what.startswith(f"{name}.") for name in names)


def closure(modules, start):
    """Every module of ours that importing `start` loads, or may load later, and what they import from outside."""
    ours, outside, waiting = set(), {}, [start]
    while waiting:
        name = waiting.pop()
        if name in ours:
            continue
        ours.add(name)
        parents = name.split(".")
        waiting += [".".join(parents[:depth]) for depth in range(1, len(parents))]
        for found in modules[name]:
            if found.types:
                continue
            if found.what in modules:
                waiting.append(found.what)
            else:
                outside.setdefault(found.what, name)
    return ours, outside
