"""A session stays with one upstream, is moved once when that fails, and goes back by the rules."""

import collections
import json

import rig
from protocols import PROTOCOLS, ask, events, said

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

    def test_explain_knows_a_name_from_the_body(self):
        """Whatever member holds it: each time the place is the one that served."""
        for number in range(12):
            name = f'key "{number}"'
            for member in ({"prompt_cache_key": name}, {"metadata": {"user_id": name}}):
                mark = self.rig.demo.newest()
                body = json.loads(ask("anthropic", "[demo:say x]")) | member
                said("anthropic", self.rig.post("anthropic", body=json.dumps(body).encode()))
                served, = [call.name for call in self.rig.demo.calls(mark) if call.protocol]
                told = json.loads(self.rig.command("explain", "--session", name, "--json").stdout)
                self.assertEqual(served, told["groups"][0]["upstreams"][0]["name"], member)


NOT_FOUND = {"error": {"message": "Previous response with id 'x' not found.", "code":
                       "previous_response_not_found", "type": "invalid_request_error",
                       "param": "previous_response_id"}}


class Continued(rig.Case):
    """Only the upstream that gave an answer knows it: a request that names it goes there."""

    config = rig.config(
        codex=["a", "b", "c"], timeout_settings={"api_cooldown_seconds": 0},
        routing={"codex": {"affinity_seconds": 300, "retry_burst": 1000, "hedge": "after",
                           "hedge_after_seconds": 1}})

    def turn(self, previous, stream=True, model="demo", **headers):
        """The answer, its id, and who was asked. No two requests begin alike."""
        self.number = getattr(self, "number", 0) + 1
        mark = self.rig.demo.newest()
        more = {"previous_response_id": previous} if previous else {}
        answer = self.rig.post("responses", f"{self.number} {self.id()} [demo:say x]", stream, model,
                               headers=headers, **more)
        asked = [call.name for call in self.rig.demo.calls(mark)]
        if answer.status != 200:
            return answer, None, asked
        said("responses", answer, stream)
        whole = json.loads(events(answer.body)[-1][1])["response"] if stream \
            else json.loads(answer.body)
        return answer, whole["id"], asked

    def given_by(self, name, **how):
        """The id of an answer that this upstream has given; afterwards all are well."""
        for other in "abc"[:"abc".index(name)]:
            self.rig.demo.fault(other, "503")
        _, found, asked = self.turn(None, **how)
        self.assertEqual(name, asked[-1])
        self.rig.demo.mend()
        return found

    def refuse(self, *names):
        for name in names:
            self.rig.demo.script(name, json.dumps(NOT_FOUND).encode(), 400)

    def test_it_goes_to_who_gave_the_answer(self):
        for stream in (True, False):
            with self.subTest(stream=stream):
                first = self.given_by("b", stream=stream)
                _, second, asked = self.turn(first, stream=stream)
                self.assertEqual(["b"], asked)
                self.assertEqual(["b"], self.turn(second, stream=not stream)[2], "and on")
                self.assertEqual(["b"], self.turn(first)[2], "a second branch")
                self.assertEqual(["a"], self.turn(None)[2], "what begins anew goes first")
                self.assertEqual(["a"], self.turn("resp_of_nobody")[2], "nobody knows it")

    def test_it_counts_more_than_a_named_session(self):
        first = self.given_by("b")
        self.assertEqual(["a"], self.turn(None, session_id="named")[2])
        self.assertEqual(["b"], self.turn(first, session_id="named")[2])

    def test_it_is_told_why(self):
        self.turn(self.given_by("b"), model="continued")
        record = rig.wait_for(lambda: [found for found in json.loads(self.rig.command(
            "decisions", "--json").stdout)["records"] if found["model"] == "continued"],
            "it is told")[0]
        self.assertEqual(("response", "response"), (record["why"], record["session_source"]))

    def test_who_does_not_have_it_makes_room_for_another(self):
        """What another data plane has passed on is found by asking; nobody is blamed."""
        self.refuse("a", "b")
        _, found, asked = self.turn("resp_unknown")
        self.assertEqual(["a", "b", "c"], asked)
        self.rig.demo.mend()
        self.assertEqual(["c"], self.turn(found)[2])
        self.assertNotIn("rests", self.rig.command("upstreams").stdout)

    def test_nobody_has_it(self):
        self.refuse("a", "b", "c")
        answer, _, asked = self.turn("resp_unknown")
        self.assertEqual((400, ["a", "b", "c"]), (answer.status, asked))
        self.assertEqual("previous_response_not_found", json.loads(answer.body)["error"]["code"])

    def test_who_has_it_fails(self):
        """Then it is worth another try later: the others' word is not the last one."""
        first = self.given_by("b")
        self.rig.demo.fault("b", "503")
        self.refuse("a", "c")
        answer, _, asked = self.turn(first)
        self.assertEqual((503, {"a", "b", "c"}), (answer.status, set(asked)))

    def test_it_is_not_hedged(self):
        first = self.given_by("b")
        self.rig.demo.fault("b", "stall:first;ms=1500")
        self.assertEqual(["b"], self.turn(first)[2])


if __name__ == "__main__":
    rig.main()
