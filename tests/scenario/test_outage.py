"""Everything is down for a while: few calls go out, clients are told to come back, and the first of them
is served soon after the upstream is."""

import collections
import os
import threading
import time

import rig
from protocols import PROTOCOLS, ask, said

AGENTS = 50
OUTAGE_S = float(os.environ.get("PM_OUTAGE_S", 20))


class Outage(rig.Case):
    dataplanes = 2
    config = rig.everywhere("a", "b")

    def agent(self, number, stop, answers):
        """As coding agents do: it asks again after what it is told, or a growing while."""
        protocol = PROTOCOLS[number % 3]
        chance = rig.random.Random(f"{rig.seed}-{number}")
        tries = 0
        while not stop.is_set():
            with self.rig.wire() as wire:
                self.rig.send(wire, protocol, ask(protocol, f"[demo:say n{number}]"))
                answer = wire.answer()
            answers.append((time.monotonic(), answer.status, answer.header("retry-after")))
            if answer.status == 200:
                said(protocol, answer)
                return
            tries += 1
            told = float(answer.header("retry-after") or 0)
            stop.wait(max(told, min(0.5 * 2 ** tries, 2)) * (1 + chance.random() / 4))

    def test_fifty_agents(self):
        for name in "ab":
            self.rig.demo.fault(name, "503")
        stop, answers = threading.Event(), []
        agents = [threading.Thread(target=self.agent, args=(i, stop, answers)) for i in range(AGENTS)]
        for agent in agents:
            agent.start()
        end = time.monotonic() + OUTAGE_S
        rig.wait_for(lambda: time.monotonic() >= end, "the outage is over", OUTAGE_S + 5)
        during = [call for call in self.calls() if call.protocol and call.request["method"] == "POST"]
        asked = len(answers)
        mark = self.rig.demo.newest()
        healed = time.monotonic()
        self.rig.demo.mend()
        for agent in agents:
            agent.join(60)
        stop.set()
        good = sorted(at for at, status, _ in answers if status == 200)
        told = collections.Counter(status for _, status, _ in answers)
        print(f"{asked} client calls, {len(during)} upstream calls in {OUTAGE_S:.0f} s of outage "
              f"({len(during) / asked:.2f} each); first success {good[0] - healed:.2f} s after it, the "
              f"last of {len(good)} after {good[-1] - healed:.2f} s; statuses {dict(told)}")
        self.assertEqual(AGENTS, len(good))
        self.assertLessEqual(len(during), 1.1 * asked)
        self.assertLess(good[0] - healed, 2 + 2.5, "rests are probed each second, agents wait 2 s")
        self.assertLessEqual(set(told), {200, 429, 503, 529})
        self.assertTrue(all(1 <= int(after) <= 60 for _, status, after in answers if status != 200))
        # No herd: once healed, no upstream got more at once than a recovering one may have.
        first = [call for call in self.rig.demo.calls(mark) if call.protocol
                 and call.request["method"] == "POST"]
        self.assertLessEqual(len(first), AGENTS + 10)


if __name__ == "__main__":
    rig.main()
