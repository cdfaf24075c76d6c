"""The .deb as the build makes it, and one that dpkg takes for an older version."""

import os
from pathlib import Path

from machine import WORK, call
from rig import ROOT

RELEASE = ROOT / "build/release"
OLDER = "0.0.9"


def jobs():
    return str(os.cpu_count() or 1)


def build():
    """(this version, an older one) as files."""
    call("cmake", "--preset", "release", cwd=ROOT)
    call("cmake", "--build", RELEASE, "-j", jobs(), "--target", "package", cwd=ROOT, seconds=1500)
    newer = max(RELEASE.glob("pointsman_*.deb"), key=lambda path: path.stat().st_mtime)
    folder = WORK / "older"
    call("cpack", "-G", "DEB", "--config", RELEASE / "CPackConfig.cmake", "-B", folder,
         "-D", f"CPACK_PACKAGE_VERSION={OLDER}")
    return newer, next(folder.glob(f"pointsman_{OLDER}*.deb"))


def field(deb, name):
    return call("dpkg-deb", "--field", deb, name).stdout.strip()


def depends(deb):
    """The names of the packages that it needs, the first of alternatives."""
    return sorted({part.split("|")[0].split()[0] for part in field(deb, "Depends").split(",")})


def files(deb):
    """Every path in it, with a slash at the front; folders end with one."""
    return ["/" + line.split(None, 5)[5].removeprefix("./") for line in
            call("dpkg-deb", "--contents", deb).stdout.splitlines()]


def unpack(deb, folder):
    call("dpkg-deb", "--extract", deb, folder)
    return Path(folder)
