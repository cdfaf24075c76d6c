"""Versions of Pointsman in folders of their own, and the way from one to another."""

import os
import shutil

import rig

PROGRAMS = ("pointsman", "controlplane", "dataplane", "webadmin", "demo-upstream")


def versions(running, *names):
    """Folders with programs of their own, as upgrades bring them."""
    folders = [running.folder / name for name in names]
    for folder in folders:
        folder.mkdir()
        for name in PROGRAMS:
            shutil.copy(running.bin / name, folder / name)
    return folders


def upgrade(running, folder, *options):
    return rig.subprocess.run(
        [folder / "pointsman", "upgrade", "--state", running.state, *options],
        env=rig.environment(), capture_output=True, text=True, timeout=120)


def places(running):
    """Name -> folder of its program, for all that the launcher has."""
    found = {"launcher": os.readlink(f"/proc/{running.launcher.pid}/exe")}
    for name, pid in running.pids().items():
        try:
            found[name] = os.readlink(f"/proc/{pid}/exe")
        except FileNotFoundError:
            pass  # a retired one has ended
    return {name: os.path.dirname(path) for name, path in found.items()}
