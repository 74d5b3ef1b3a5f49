"""A stand-in for rpicam-vid: a program of that name that writes the same byte stream, made by ffmpeg or by hand.

It understands the options that it is given as little as it must: width, height and rate are taken from them, so that a
change of the real command changes the stream too.
"""

from __future__ import annotations

import shutil
import sys

FFMPEG = shutil.which("ffmpeg")
NO_FFMPEG = "needs ffmpeg: apt-get install ffmpeg"

HEAD = """#!{python}
import os, signal, subprocess, sys, time
options = dict(zip(sys.argv[1::1], sys.argv[2::1]))
width, height, rate = (int(options[name]) for name in ("--width", "--height", "--framerate"))
assert options["--codec"] == "yuv420" and options["--output"] == "-" and options["--timeout"] == "0"
size = width * height * 3 // 2
def say(text):
    print(text, file=sys.stderr, flush=True)
def frame(value, bytes_=size):
    # A picture with structure: stripes of brightness, no colours.
    stripe = bytes((value + 40 * (x // 16 % 3)) % 256 for x in range(width))
    data = stripe * height + b"\\x80" * (width * height // 2)
    return (data + data)[:bytes_]
def write(data):
    os.set_blocking(1, True)
    while data:
        data = data[os.write(1, data):]
say("[0:00:01.0] [1]  INFO Camera camera.cpp:1202 configuring streams: (0) %dx%d-YUV420/sYCC" % (width, height))
"""

FROM_FFMPEG = """
picture = {picture!r}
command = [{ffmpeg!r}, "-v", "error", "-nostdin", *{pace!r}, "-loop", "1", "-framerate", str(rate), "-i", picture]
command += ["-vf", "scale=%d:%d,noise=alls=4:allf=t" % (width, height), "-pix_fmt", "yuvj420p"]
command += ["-f", "rawvideo", "pipe:1"]
os.execv(command[0], command)
"""


def install(folder, body, python=sys.executable, **values):
    """Put the program into `folder`; returns the PATH on which it is found first."""
    folder.mkdir(exist_ok=True)
    program = folder / "rpicam-vid"
    program.write_text(HEAD.format(python=python) + body.format(**values), "utf-8")
    program.chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def install_ffmpeg(folder, picture, *, floods=False):
    """One that shows `picture` with a sensor's noise, at its rate, or as fast as it can."""
    pace = [] if floods else ["-re"]
    return install(folder, FROM_FFMPEG, picture=str(picture), ffmpeg=FFMPEG, pace=pace)


STEADY = """
for number in range(10000):
    write(frame(60 + number % 3)); time.sleep(1.0 / rate)
"""
SMALLER = """
for number in range(10000):
    write(frame(60, (width * 480 // 640) * height * 3 // 2)); time.sleep(1.0 / rate)
"""
ADMITS = (
    """
say("[0:00:01.1] [1]  INFO Camera camera.cpp:1202 configuring streams: (0) 1296x972-YUV420/sYCC")
"""
    + STEADY
)
STOPS = """
for number in range({frames}):
    write(frame(60 + number % 3)); time.sleep(1.0 / rate)
write(frame(60)[:1000])
"""
HANGS = """
for number in range({frames}):
    write(frame(60 + number % 3)); time.sleep(1.0 / rate)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(600)
"""
CHATTERS = """
for number in range(10000):
    say("x" * 100000)
    write(frame(60 + number % 3)); time.sleep(1.0 / rate)
"""
FAILS = """
say({text!r})
sys.exit(255)
"""

TRIES = (
    """
import socket
done = []
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close(); done.append("internet socket")
except OSError:
    pass
try:
    open({target!r}, "wb").close(); done.append("file")
except OSError:
    pass
if done:
    say("LEAK: " + " ".join(done)); sys.exit(1)
"""
    + STEADY
)

AS_ON_A_PI_5 = (
    """
# libcamera's threads share memory that counts as a file, and is none.
os.ftruncate(os.memfd_create("shared"), 300000)
"""
    + TRIES
)
