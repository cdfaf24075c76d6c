"""What the conversion library writes against the types that the official SDKs declare: sdk_types.py."""

import os
import subprocess
import sys

import loops

FOLDER = loops.install("sdk-python")
COUNT = os.environ.get("COUNT", "500")

if __name__ == "__main__":
    done = subprocess.run([FOLDER / "venv/bin/python", loops.HERE / "sdk_types.py", COUNT],
                          check=False)
    sys.exit(done.returncode)
