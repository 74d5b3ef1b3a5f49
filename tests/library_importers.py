"""Who may import what from outside: each library's importers, and the libraries that a kind of module goes without."""

from __future__ import annotations

IMPORTER: dict[str, str | tuple[str, ...]] = {
    "sounddevice": "monitord.audio.microphone",
    "soundfile": "monitord.audio.files",
    "soxr": "monitord.audio.resample",
    "aiohttp": (
        "monitord.notify.web.server",
        "monitord.notify.web.answers",
        "monitord.notify.web.gate",
        "monitord.notify.web.api",
        "monitord.notify.web.subscribe",
        "monitord.notify.web.scrape",
        "monitord.notify.dial",
    ),
    "aiomqtt": "monitord.notify.sinks.broker",
    "paho": "monitord.notify.sinks.broker",
    "jeepney": "monitord.notify.desktop",
    "apprise": "monitord.notify.sinks.apprise_child",
    "requests": "monitord.notify.sinks.apprise_child",
    "prometheus_client": "monitord.notify.web.metrics",
    "cryptography": "monitord.notify.web.authority",
    "segno": "monitord.tools.qr",
    "cv2": "monitord.video.opencv",
    "ai_edge_litert": "monitord.model",
    "tflite_runtime": "monitord.model",
    "pyseccomp": "monitord.seccomp",
    "sqlite3": (
        "monitord.notify.database",
        "monitord.notify.history",
        "monitord.notify.journal",
        "monitord.ward.ledger",
    ),
}
"""Each library with a device, a network, a file format or a kernel behind it, and its one importer (HTTP and SQLite
have several: those who serve and how a sink reaches a machine; the files that are databases)."""

WEB = {"aiohttp", "aiomqtt", "asyncio", "ftplib", "http", "httpx", "paho", "requests", "smtplib", "socketserver", "ssl"}
WEB |= {"telnetlib", "urllib.request", "urllib3", "websockets", "xmlrpc"}
SENSES = {"numpy", "cv2", "sounddevice", "soundfile", "soxr", "ai_edge_litert", "tflite_runtime"}
IMPURE = {"asyncio", "logging", "multiprocessing", "os", "queue", "random", "secrets", "select", "selectors", "shutil"}
IMPURE |= {"signal", "socket", "sqlite3", "subprocess", "sys", "tempfile", "threading", "time"}


def owners_of(library):
    owners = IMPORTER.get(library, ())
    return (owners,) if isinstance(owners, str) else owners
