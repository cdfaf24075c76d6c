"""Files of the state folder that are cut or have a byte changed, under running programs: a configuration is
refused whole or serves as it is written, whatever the moment; no spoiled state stops a start. Which bytes is
chance (PM_SEED), how many PM_SPOILED."""

import json
import os
import subprocess

import rig
from protocols import said

SAMPLES = int(os.environ.get("PM_SPOILED", "25"))
STATE = ("health.json", "activation.json", "lessons.json", "alerts.json", "stats.db",
         "json_data/all_configs.json.good", "json_data/all_configs.json.good.sha256", "audit.jsonl")


def spoil(data):
    """Cut, or one byte changed."""
    at = rig.chance.randrange(len(data))
    how = rig.chance.randrange(3)
    if how == 0:
        return data[:at]
    byte = b"\0" if how == 1 else bytes([data[at] ^ 1 << rig.chance.randrange(8)])
    return data[:at] + byte + data[at + 1:]


class Spoiled(rig.Case):
    config = rig.everywhere("a", "b", activation={"enabled": False})

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.whole = cls.rig.config_file.read_bytes()

    def tearDown(self):
        self.rig.config_file.write_bytes(self.whole)
        self.assertEqual(0, self.rig.command("reload").returncode)
        said("chat", self.rig.post("chat"))

    def check(self, data):
        """What --check says of these bytes."""
        file = self.rig.folder / "checked.json"
        file.write_bytes(data)
        return subprocess.run([rig.BIN / "controlplane", "--check", file], env=rig.environment(),
                              capture_output=True, text=True, timeout=60)

    def check_taken(self, data, code):
        """`code`: whether these bytes have been taken. They are the owner's, taken or not."""
        checked = self.check(data)
        self.assertEqual(checked.returncode != 0, code != 0, (data, checked.stdout))
        for secret in self.rig.canaries:
            self.assertNotIn(secret, checked.stdout + checked.stderr)

    def test_while_it_runs(self):
        """Written in place and renamed, noticed and told to be read."""
        refused = 0
        for number in range(SAMPLES):
            data = spoil(self.whole)
            with self.subTest(number=number, data=data):
                if number % 2:
                    self.rig.config_file.write_bytes(data)
                else:
                    part = self.rig.config_file.with_name("part")
                    part.write_bytes(data)
                    part.replace(self.rig.config_file)
                done = self.rig.command("reload")
                self.check_taken(data, done.returncode)
                if done.returncode:
                    refused += 1
                    self.assertEqual(data, self.rig.config_file.read_bytes())
                    said("chat", self.rig.post("chat"))
                    self.assertTrue(done.stdout + done.stderr)
                else:
                    self.check_as_written(data)
                    self.tearDown()  # it may hold another client key now, as it was written
        self.assertGreater(refused, 0)

    def check_as_written(self, data):
        """Byte for byte, but for access words that were lost: these are put back."""
        said_now = json.loads(self.rig.config_file.read_bytes())
        for word, value in json.loads(data).items():
            if word != "admin":
                self.assertEqual(value, said_now[word])
        self.assertIn("token_sha256", said_now["admin"])
        self.assertIn("client_keys", said_now)

    def restart(self):
        self.rig.kill("controlplane")
        rig.wait_for(self.rig.ready, "it is back", 20)
        rig.wait_for(lambda: self.rig.command("status").returncode == 0, "it answers", 20)

    def test_at_a_start(self):
        for number in range(max(3, SAMPLES // 10)):
            data = spoil(self.whole)
            with self.subTest(number=number, data=data):
                self.rig.config_file.write_bytes(data)
                taken = not self.check(data).returncode
                self.restart()
                if taken:
                    self.check_as_written(data)
                else:
                    self.assertEqual(data, self.rig.config_file.read_bytes())
                    said("chat", self.rig.post("chat"))
                self.assertEqual(1, len(self.rig.log("keys_minted")))
            self.tearDown()

    def test_spoiled_state(self):
        """All files at once; each start goes on, and what it saves then is whole."""
        for number in range(max(2, SAMPLES // 15)):
            self.rig.demo.fault("a", "529")  # so that there is something to keep
            for _ in range(4):
                self.rig.post("anthropic")
            self.rig.demo.mend()
            pid = self.rig.pid("controlplane")
            os.kill(pid, 19)  # it writes nothing meanwhile
            for name in STATE:
                file = self.rig.state / name
                if file.exists() and file.stat().st_size:
                    file.write_bytes(spoil(file.read_bytes()))
            self.restart()
            for protocol in ("anthropic", "chat"):
                said(protocol, self.rig.post(protocol))
            self.assertEqual(0, self.rig.command("reload").returncode, number)


if __name__ == "__main__":
    rig.main()
