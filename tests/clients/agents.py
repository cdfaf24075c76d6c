"""What Claude Code and Codex do beyond `loops`: they go on when their upstream dies in the middle of an
answer."""

import concurrent.futures
import contextlib

import loops
import rig

WAITING_STEP = ("echo {turn} >> made.txt; touch at{turn}; "
                "timeout 60 sh -c 'until [ -e go{turn} ]; do sleep 0.05; done'; echo whole >> made.txt")
GROUPS = {"anthropic": "claude", "responses": "codex"}


class Agents(loops.Loops):
    """After content the client is told of the failure, and asks again or for the rest. Subclasses say how
    it writes a file: writing(name, line) -> directive."""

    def check_made(self, count):
        """Each command has run, whole and once."""
        self.assertEqual("".join(f"{turn}\nwhole\n" for turn in range(1, count + 1)),
                         (self.project / "made.txt").read_text())

    def test_file_is_written(self):
        self.ask(self.writing("written.txt", 'made "so" \u2713'))
        self.assertEqual('made "so" \u2713\n', (self.project / "written.txt").read_text())
        self.check_loop(self.tool_turns)

    def test_first_breaking_off(self):
        """In the middle of its answer, in every turn but the last: in text, in commands, in a file."""
        faults = (f"cut:after={loops.IN_THE_TEXT}", *loops.MIDDLE_FAULTS)
        line = " ".join(f"word{number}" for number in range(40))
        for spec in (*faults, loops.MIDDLE_FAULTS[0]):
            self.fail_first(spec, "")
        self.ask(loops.steps(loops.STEP, len(faults)) + "[demo:then]" + self.writing("written.txt", line))
        self.check_made(len(faults))
        self.assertEqual(line + "\n", (self.project / "written.txt").read_text())
        self.check_told(*[("failed", "first"), ("completed", "first")] * (len(faults) + 1),
                        ("completed", "first"))

    @contextlib.contextmanager
    def resting(self):
        """Who fails rests, until a probe finds it well."""
        def set_times(times):
            self.rig.change_config(lambda config: config.update(timeout_settings=times))
            for argv in (["reload"], ["clear", "--all"]):
                self.assertEqual(0, self.rig.command(*argv).returncode)
        set_times({"api_error_threshold": 1, "codex_error_threshold": 1})
        try:
            yield
        finally:
            set_times({"api_cooldown_seconds": 0})

    def wait_rests(self, rests):
        def state():
            upstreams = next(group["upstreams"] for group in loops.api(self.rig, "/api/state")["groups"]
                             if group["group"] == GROUPS[self.protocol])
            return next(entry["health"]["state"] for entry in upstreams if entry["name"] == "first")
        rig.wait_for(lambda: (state() == "cooling") == rests, "it is left" if rests else "it is back")

    def come_back(self, *specs):
        """Once it was seen that it has died."""
        self.wait_rests(True)
        self.first.start()
        self.wait_rests(False)
        self.fail_first(*specs)

    def test_killed_first(self):
        """Its process: between two turns, in one before content, in one after content. Each time it is left,
        comes back, and serves."""
        def at(turn):
            rig.wait_for(lambda: asking.done() or (self.project / f"at{turn}").exists(), "its turn")

        def go(turn):
            (self.project / f"go{turn}").touch()

        with self.resting(), concurrent.futures.ThreadPoolExecutor() as pool:
            asking = pool.submit(self.ask, loops.steps(WAITING_STEP, 4))
            at(1)
            self.kill_first()
            go(1)
            at(2)
            self.come_back("stall:first")
            go(2)
            rig.wait_for(lambda: len(self.questions()) == 3, "it is asked")
            self.kill_first()
            at(3)
            self.come_back(f"stall:after={loops.IN_THE_CALL}")
            go(3)
            rig.wait_for(lambda: self.first.state()["in_flight_events"] == loops.EVENTS, "it has begun")
            self.kill_first()
            at(4)
            self.come_back()
            go(4)
            asking.result()
        self.check_made(4)
        told = rig.wait_for(lambda: len(found := self.told()) >= 6 and found, "all is told")
        # Whether the client asks again before it is known that nobody listens is its own affair.
        last = [call for call in told[4][1] if call != ("first", "connect")]
        self.assertEqual([
            ("completed", [("first", "ok")]),
            ("completed", [("first", "connect"), ("second", "ok")]),
            ("completed", [("first", "receive"), ("second", "ok")]),
            ("failed", [("first", "receive")]),
            ("completed", [("second", "ok")]),
            ("completed", [("first", "ok")])], [*told[:4], (told[4][0], last), *told[5:]])
