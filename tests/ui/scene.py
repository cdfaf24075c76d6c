"""A gateway with something to show: groups in all states, traffic that failed over, names in two scripts."""

import json
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import rig
from protocols import PROTOCOLS
from wire import Wire, request

MODELS = {"anthropic": ("claude-sonnet-4-5", "claude-opus-4-1"), "responses": ("gpt-5-codex",),
          "chat": ("qwen-3-coder", "gpt-5-mini")}


# One upstream rests at whatever time this runs, and serves at another.
HOURS, WITHIN = ("22:00-06:00", "23:30") if 8 <= datetime.now(ZoneInfo("Europe/Berlin")).hour < 20 \
    else ("11:00-18:00", "14:00")


def config(demo):
    up = rig.upstream
    return rig.config(
        claude=[up("main"), up("relay", weight=3), up("spare:backup"),
                up("night", hours=[HOURS], activation_enabled=True, activation_time="22:00",
                   time_zone="Europe/Berlin")],
        codex=[up("openai"), up("azure", enabled=False)],
        chat=[{**up("qwen", base_url=demo.url("qwen")), "name": "通义千问"}, up("vllm-local:backup")],
        model_conversions=[{"name": "new names", "source_model": "claude-3-5-sonnet*",
                            "target_model": "claude-sonnet-4-5"}],
        model_capabilities=[{"pattern": "qwen*", "thinking": "none", "json_schema": False}],
        prices=[{"model": "qwen-3*", "input": 0.3, "output": 1.2}],
        # One call is enough for a rest, long enough to be looked at.
        timeout_settings={"api_error_threshold": 2, "rate_limit_cooldown_seconds": 600})


class Scene:
    """with Scene() as scene: scene.url, scene.rig; traffic has gone through."""

    def __init__(self, wanted=None):
        self.rig = rig.Rig(dataplanes=2)
        self.rig.write_config(wanted or config(self.rig.demo))

    def __enter__(self):
        self.rig.__enter__()
        self.url = f"http://127.0.0.1:{self.rig.admin_port}"
        self.traffic()
        return self

    def __exit__(self, *why):
        return self.rig.__exit__(*why)

    def traffic(self):
        demo = self.rig.demo
        demo.order("main", status=429, body_base64="e30=",
                   headers={"Content-Type": "application/json", "Retry-After": "300"}, count=3)
        # Nobody may find it well before its rest is known to all.
        self.rig.post("anthropic", "first", model=MODELS["anthropic"][0])
        rig.wait_for(lambda: self.upstream("main")["health"]["state"] == "cooling", "main rests")
        demo.fault("relay", "529", 1)
        for turn in range(12):
            for protocol in PROTOCOLS:
                for model in MODELS[protocol]:
                    self.rig.post(protocol, f"turn {turn}", model=model, stream=turn % 3 > 0)
        self.rig.post("anthropic", "gone", model="claude-sonnet-4-5")
        demo.fault("relay", "500", 1)
        demo.fault("spare", "500", 1)
        self.rig.post("anthropic", "all fail", model="claude-opus-4-1")
        rig.wait_for(lambda: self.get("/api/v1/stats")["totals"]["requests"] >= 62, "all is counted")

    def upstream(self, name):
        return next(upstream for group in self.get("/api/v1/state")["groups"] for upstream in group["upstreams"]
                    if upstream["name"] == name)

    def ask(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.rig.token}", "Content-Type": "application/json"}
        with Wire(self.rig.admin_port) as wire:
            wire.send(request(method, path, json.dumps(body).encode() if body is not None else b"",
                              headers))
            return wire.answer()

    def get(self, path):
        answer = self.ask("GET", path)
        assert answer.status == 200, answer
        return json.loads(answer.body)


if __name__ == "__main__":
    # For looking at: stays until Ctrl-C.
    with Scene() as scene:
        print(scene.url, scene.rig.token, scene.rig.folder, flush=True)
        try:
            while True:
                time.sleep(1)
                scene.rig.post("anthropic", "now and then", model="claude-sonnet-4-5")
        except KeyboardInterrupt:
            pass
