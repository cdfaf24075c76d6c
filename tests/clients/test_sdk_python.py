"""The openai and anthropic packages of PyPI, by their helpers for streams."""

import os

import loops
import rig
import sdks

AGE = os.environ.get("PM_SDKS", "")  # "" or "-old"
FOLDER = loops.install("sdk-python" + AGE)
KINDS = [(protocol, mode) for protocol in sdks.UPSTREAMS for mode in ("stream", "whole")]

sdks.make(__name__, KINDS, folder=FOLDER,
          argv=(FOLDER / "venv/bin/python", loops.HERE / "sdk_loop.py"))

if __name__ == "__main__":
    rig.main()
