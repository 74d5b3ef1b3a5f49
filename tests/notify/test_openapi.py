"""The OpenAPI document against the routes, and the API under schemathesis, with a planted mistake as the control.

schemathesis asks a real voice where this machine has to be paired, too. It runs offline and is bounded: 15 examples for
each operation beside its own systematic ones.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import subprocess
import sys
import urllib.request

import pytest
from aiohttp import web

from monitord.channel import Channel
from monitord.config import PageConfig
from monitord.events import Kind, Message, Role, Sound
from monitord.notify.web.access import Role as Access
from monitord.notify.web.api import Api
from monitord.notify.web.openapi import document
from monitord.notify.web.routes import API, WARD

ALWAYS = '[page]\nport = 0\npairing = "always"\n'
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "negative_data_rejection,ignored_auth"
)


@pytest.mark.parametrize("routes", [API, (*API, *WARD)], ids=["room", "ward"])
def test_the_document_and_the_server_have_the_same_routes(routes):
    application = web.Application()
    api = Api.__new__(Api)
    api._routes = routes
    api._gate = type("Gate", (), {"only": staticmethod(lambda _, handler: handler)})
    api.add_to(application)
    served = {
        (route.method, route.resource.canonical) for route in application.router.routes() if route.method != "HEAD"
    }
    described = {(method.upper(), path) for path, each in document(routes)["paths"].items() for method in each}
    assert served == described
    assert {path for _, path in served} == {route.path for route in routes}


def test_only_these_are_open_to_everybody():
    assert {route.name for route in API if route.needs is None} == {"session", "pair", "logout", "openapi"}
    assert {route.name for route in API if route.needs is Access.WATCH and route.method == "POST"} == {
        "seen",
        "seen_many",
        "ntfy_token",
    }
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            (route,) = [each for each in API if (each.path, each.method.lower()) == (path, method)]
            assert bool(operation["security"]) == (route.needs is not None)


def test_every_reference_leads_somewhere():
    text = json.dumps(document())
    names = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= set(document()["components"]["schemas"])


def test_the_topic_of_ntfy_cannot_hide_a_path_of_the_api():
    for taken in ("api", "v1"):
        with pytest.raises(ValueError, match="is a path of the page itself"):
            PageConfig(ntfy_topic=taken)


def test_the_voice_serves_it(running_voice):
    with urllib.request.urlopen(f"{running_voice.page}api/v1/openapi.json") as answer:  # noqa: S310 - our own voice
        assert json.load(answer) == document()


BREAK = """
import sys
from monitord.notify.web.api import Api
from monitord.notify.web.gate import Gate
{plant}
from monitord.cli import run
sys.exit(run(sys.argv[1:]))
"""
PLANTS = {
    "a handler that breaks": (
        "async def broken(self, request): return {}['none']\nApi.nights = broken",
        "Server error",
    ),
    "a route without its check": (
        """
Gate.only = lambda self, needs, handler, only=Gate.only: (
    handler if needs.value == "watch" else only(self, needs, handler)
)
""",
        "API accepts requests without authentication",
    ),
}


def fuzz(voice, folder, examples=15):
    shown = subprocess.run(
        [sys.executable, "-m", "monitord", "pair", "--ntfy", "--name", "fuzz", "--config", str(voice.config)],
        env=voice.environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    password = next(line.split()[1] for line in shown.splitlines() if line.strip().startswith("password"))
    described = folder / "openapi.json"
    described.write_text(json.dumps(document()), "utf-8")
    with Channel(voice.runtime / "events.sock", Role.EAR) as ear:  # Something to be asked about.
        ear.send(Message(Kind.SOUND, Sound.CRY, 91, 33))
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", str(described), "--url", voice.url().rstrip("/")),
        *("-H", f"Authorization: Bearer {password}", "--checks", CHECKS, "--max-examples", str(examples)),
        *(
            "--phases",
            "examples,coverage,fuzzing",
            "--exclude-path",
            "/api/v1/test-alert",  # It waits ten seconds for a proof that nobody gives here.
            "--exclude-path",
            "/api/v1/stream",
            "--exclude-path",
            "/api/v1/logout",
            "--seed",
            "7",
        ),
        *("--suppress-health-check", "all", "--generation-database", "none", "--no-color", "--request-timeout", "10"),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=300)


fuzzed = pytest.mark.skipif(
    importlib.util.find_spec("schemathesis") is None, reason="schemathesis is not installed: pip install schemathesis"
)


@fuzzed
def test_schemathesis_finds_nothing(real_voice, tmp_path):
    real_voice.config.write_text(ALWAYS, "utf-8")
    real_voice.start()
    done = fuzz(real_voice, tmp_path)
    code, logged = real_voice.stop()
    assert done.returncode == 0, done.stdout + done.stderr
    assert code == 0, logged
    assert "Traceback" not in logged


@fuzzed
@pytest.mark.parametrize("plant", PLANTS)
def test_control_schemathesis_finds_what_is_planted(real_voice, tmp_path, plant):
    code, says = PLANTS[plant]
    real_voice.config.write_text(ALWAYS, "utf-8")
    real_voice.start(program=("-c", BREAK.format(plant=code)))
    done = fuzz(real_voice, tmp_path, examples=1)
    assert done.returncode == 1, done.stdout
    assert says in done.stdout


def test_a_handler_that_breaks_is_one_sentence_and_no_traceback(real_voice):
    real_voice.start(program=("-c", BREAK.format(plant=PLANTS["a handler that breaks"][0])))

    async def ask():
        import aiohttp  # noqa: PLC0415 - of this test alone

        async with aiohttp.ClientSession() as session, session.get(f"{real_voice.url()}api/v1/nights") as answer:
            return answer.status, await answer.json()

    status, told = asyncio.run(ask())
    assert (status, set(told)) == (500, {"error"})
    _, logged = real_voice.stop()
    assert "KeyError" in logged
