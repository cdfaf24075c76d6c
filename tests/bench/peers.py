"""What is measured against each other: the ways to the demo upstream, each with processes of its own."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import rig
from protocols import PATHS, ask, said
from wire import Wire, request

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "build/bench"

WORKERS = max(2, os.cpu_count() or 2)  # as many dataplanes as Pointsman starts by itself
LISTS = {"anthropic": "claude", "chat": "chat", "responses": "codex"}
# How the counted events of a stream begin, and its last one. Chunks of chat all begin alike.
MARKS = {
    "anthropic": ("event: content_block_delta", "event: message_stop"),
    "chat": ("data: {", "data: [DONE]"),
    "responses": ("event: response.output_text.delta", "event: response.completed"),
}

NGINX = """
worker_processes {workers};
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 8192; }}
http {{
	access_log {folder}/access.log;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	client_max_body_size 64m;
	client_body_buffer_size 1m;
	keepalive_requests 1000000;
	tcp_nodelay on;
	upstream demo {{
		server 127.0.0.1:{demo};
		keepalive 1024;
		keepalive_requests 1000000;
	}}
	server {{
		listen 127.0.0.1:{port} backlog=4096 reuseport;
		location / {{
			proxy_pass http://demo/u/a$request_uri;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_buffering off;
			proxy_read_timeout 300s;
		}}
	}}
}}
"""

HAPROXY = """
global
	nbthread {workers}
	maxconn 4000
	log fd@1 local0
	stats socket {folder}/sock mode 600 level admin expose-fd listeners
defaults
	mode http
	log global
	option httplog
	option http-no-delay
	http-reuse always
	timeout connect 5s
	timeout client 300s
	timeout server 300s
frontend api
	bind 127.0.0.1:{port} backlog 4096
	http-request set-path /u/a%[path]
	default_backend demo
backend demo
	server demo 127.0.0.1:{demo}
"""


class Peer:
    """Something that answers on a port, and the processes whose cost counts."""

    def __init__(self, name, client, demo):
        self.name, self.client, self.demo = name, client, demo
        self.folder = Path(tempfile.mkdtemp(prefix="pm-bench-"))
        self.rig = self.process = None
        self.path, self.key, self.pids = PATHS[client], "none", []

    def start(self):
        way, _, upstream = self.name.partition(" ")
        if way == "via":
            self.start_pointsman(upstream)
        else:
            getattr(self, f"start_{way}")()

        def answers():
            try:
                said(self.client, self.call(ask(self.client, stream=False)), stream=False)
                return True
            except OSError:
                return False
        rig.wait_for(answers, f"{self.name} answers")
        return self

    def call(self, body):
        head = {"Authorization": f"Bearer {self.key}", "anthropic-version": "2023-06-01"}
        with Wire(self.port) as wire:
            wire.send(request("POST", self.path, body, head))
            return wire.answer()

    def start_direct(self):
        self.port, self.path = self.demo.port, "/u/a/v1/messages"

    def start_nginx(self):
        self.port = rig.free_port()
        config = self.folder / "nginx.conf"
        config.write_text(NGINX.format(workers=WORKERS, folder=self.folder, port=self.port,
                                       demo=self.demo.port))
        self.run(["nginx", "-p", self.folder, "-c", config, "-e", self.folder / "error.log"])
        self.pids = rig.wait_for(lambda: len(found := self.children()) == WORKERS and found,
                                 "nginx has its workers")

    def start_haproxy(self):
        self.port = rig.free_port()
        config = self.folder / "haproxy.cfg"
        config.write_text(HAPROXY.format(workers=WORKERS, folder=self.folder, port=self.port,
                                         demo=self.demo.port))
        self.run(["haproxy", "-W", "-f", config])
        self.pids = rig.wait_for(self.children, "haproxy has its worker")

    def start_pointsman(self, upstream="anthropic"):
        self.rig = rig.Rig(None, WORKERS, demo=False)
        self.rig.write_config(rig.config(**{LISTS[self.client]: [
            rig.upstream("a", base_url=self.demo.url("a"), protocol=upstream)]}))
        self.port = self.rig.port
        self.run([rig.BIN / "pointsman", "run", "--state", self.rig.state, "--port", self.port,
                  "--admin-port", self.rig.admin_port, "--dataplanes", WORKERS, "--no-demo"])
        rig.wait_for(self.rig.ready, "pointsman is ready")
        self.key = self.rig.key
        self.pids = [pid for pid in self.children()
                     if rig.proc(pid, "comm").strip() == "dataplane"]

    def run(self, argv):
        """Output goes to a file: nobody is to be busy reading it."""
        with open(self.folder / "output", "wb") as output:
            self.process = subprocess.Popen([str(arg) for arg in argv], stdout=output,
                                            stderr=output, stdin=subprocess.DEVNULL,
                                            preexec_fn=rig.die_with_parent)

    def children(self):
        text = rig.proc(self.process.pid, f"task/{self.process.pid}/children")
        return [int(pid) for pid in text.split()]

    def cpu_us(self):
        return sum(int(rig.proc(pid, "schedstat").split()[0]) for pid in self.pids) / 1000

    def rss_kib(self):
        return sum(rig.rss_kib(pid) for pid in self.pids)

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.rig:
            self.rig.forget()


def build(*tools):
    """A release, and these programs of tests/bench."""
    for argv in (["cmake", "--preset", "release"], ["cmake", "--build", "--preset", "release"],
                 ["cmake", "-S", ".", "-B", TOOLS, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo"],
                 ["cmake", "--build", TOOLS, "--target", *tools]):
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)


def install(*packages):
    """What others are measured, from Debian's packages."""
    subprocess.run(["bash", "-c", '. "$0"; packages_install "$@"', ROOT / "deploy/packages.sh", *packages],
                   check=True)
    os.environ["PATH"] += ":/usr/sbin"
