"""A session stays with one upstream, is moved once when that fails, and goes back by the rules."""

import collections
import json

import rig
from protocols import PROTOCOLS, ask, said

TURNS = 100


class Session(rig.Case):
    """Four upstreams by weight: where a session goes is said by a hash, in every data plane alike."""

    dataplanes = 2
    config = rig.config(
        *[[rig.upstream(name) for name in "abcd"] for _ in range(3)],
        timeout_settings={"api_cooldown_seconds": 0},
        routing={group: {"pick": "weighted", "affinity_seconds": 4} for group in rig.GROUPS})

    def turn(self, session, protocol="anthropic", wire=None):
        """Over a connection of its own (to whichever data plane), or a kept one (to always the same)."""
        mark = self.rig.demo.newest()
        if wire is None:
            answer = self.rig.post(protocol, f"[demo:say {session}]", headers={"session_id": session})
        else:
            self.rig.send(wire, protocol, ask(protocol, f"[demo:say {session}]"), session_id=session)
            answer = wire.answer()
        said(protocol, answer)
        return [call.name for call in self.rig.demo.calls(mark) if call.protocol]

    def test_two_sessions_keep_to_theirs_for_100_turns(self):
        for protocol in PROTOCOLS:
            homes = {}
            for number in range(TURNS):
                session = f"{protocol}-{number % 2}"
                asked = self.turn(session, protocol)
                self.assertEqual(homes.setdefault(session, asked), asked, f"turn {number}")

    def test_sessions_are_spread(self):
        homes = collections.Counter(self.turn(f"session-{i}")[0] for i in range(60))
        self.assertEqual(set("abcd"), set(homes), homes)

    def test_a_failure_moves_it_once_and_it_goes_back(self):
        session = "moving"
        with self.rig.wire() as wire:
            home, = self.turn(session, wire=wire)
            self.rig.demo.fault(home, "503")
            first, moved = self.turn(session, wire=wire)
            self.assertEqual(home, first)
            for _ in range(3):
                self.assertEqual([moved], self.turn(session, wire=wire), "moved more than once")
            # The other data plane is told by a failure of its own, and goes to the same place.
            for _ in range(4):
                self.assertEqual(moved, self.turn(session)[-1])
            self.rig.demo.mend()
            self.assertEqual([moved], self.turn(session, wire=wire), "it has not stayed")
            rig.wait_for(lambda: self.turn(session, wire=wire) == [home],
                         "it goes back after affinity_seconds", 10)
            self.assertEqual([home], self.turn(session, wire=wire))

    def test_it_is_known_by_what_the_client_says(self):
        """By header, prompt_cache_key, user_id, or the beginning of the conversation; and told."""
        bodies = {
            "cache_key": lambda body: body.update(prompt_cache_key="k-1"),
            "user": lambda body: body.update(metadata={"user_id": "user_x_account__session_1"}),
            "prefix": lambda body: body.update(system="another"),
        }
        for source, change in bodies.items():
            body = json.loads(ask("anthropic", "[demo:say x]", True, f"by-{source}"))
            change(body)
            asked = set()
            for _ in range(4):
                mark = self.rig.demo.newest()
                self.rig.post("anthropic", body=json.dumps(body).encode())
                asked |= {call.name for call in self.rig.demo.calls(mark)}
            self.assertEqual(1, len(asked), source)
            found = rig.wait_for(lambda: [record for record in self.decisions()
                                          if record["model"] == f"by-{source}"], "it is told")
            self.assertEqual(source, found[0]["session_source"])
            self.assertEqual("session", found[0]["why"])

    def decisions(self):
        return json.loads(self.rig.command("decisions", "--json").stdout)["records"]

    def test_explain_says_where_it_would_go(self):
        home, = self.turn("asked-for")
        told = json.loads(self.rig.command("explain", "--session", "asked-for", "--json").stdout)
        first = told["groups"][0]["upstreams"][0]
        self.assertEqual((home, 1), (first["name"], first["place"]))


if __name__ == "__main__":
    rig.main()
