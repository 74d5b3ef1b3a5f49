"""The unit of a probe, made from what systemd says of the real one."""

from monitord.tools.audit.units import probe_unit

LOADED = """\
# /usr/lib/systemd/system/monitord-audio.service
[Unit]
Description=monitord: microphone
Wants=monitord-events.socket

[Service]
Type=notify
ExecStart=/opt/monitord/bin/python -m monitord audio --config /etc/monitord/config.toml
Environment=RUNTIME_DIRECTORY=/run/monitord
Restart=always
RestartSec=2
WatchdogSec=30
# A comment
User=monitord-ear
PrivateNetwork=yes
SystemCallFilter=@system-service \\
    seccomp
RemoveIPC=yes

# /etc/systemd/system/monitord-audio.service.d/override.conf
[Service]
PrivateNetwork=no

[Install]
WantedBy=multi-user.target
"""


def test_a_probe_has_the_sandbox_of_its_unit_drop_ins_included_and_nothing_that_starts_or_ends_it():
    assert probe_unit(LOADED, "ear", "/run/x/talk").splitlines() == [
        "[Unit]",
        "Description=monitord: audit of the ear",
        "[Service]",
        "Environment=RUNTIME_DIRECTORY=/run/monitord",
        "User=monitord-ear",
        "PrivateNetwork=yes",
        "SystemCallFilter=@system-service      seccomp",
        "PrivateNetwork=no",
        "Type=exec",
        "ExecStart=/opt/monitord/bin/python -m monitord probe ear",
        "StandardInput=file:/run/x/talk",
        "StandardOutput=file:/run/x/talk",
        "TimeoutStopSec=5",
        "RuntimeMaxSec=120",
    ]
