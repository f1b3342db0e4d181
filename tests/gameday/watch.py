# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus and a real Alertmanager beside a cluster, with the rules of
deploy/ as they are, and the receiver that Alertmanager tells."""

import http.server
import json
import os
import re
import threading
import time
import urllib.request

from cluster.plan import ROOT
from cluster.process import Process
from support.cluster import free_ports
from support.files import write_whole
from support.wait import until

DEPLOY = os.path.join(ROOT, "deploy")


class Receiver(http.server.ThreadingHTTPServer):
    """Alertmanager's webhook: when each alert came and when it went."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Hook)
        self.told = []  # (monotonic s, alert's name, "firing" or "resolved")
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def when(self, name, status, since):
        """The first time that it was told so after `since`; None: never."""
        return next((at for at, what, how in list(self.told)
                     if (what, how) == (name, status) and at >= since), None)


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        size = int(self.headers["Content-Length"])
        said = json.loads(self.rfile.read(size))
        for alert in said["alerts"]:
            self.server.told.append((time.monotonic(),
                                     alert["labels"]["alertname"],
                                     alert["status"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words):
        pass


class Watch:
    """Scrapes and evaluates each second, so that a game-day is short; what an
    alert waits for by itself (`for`, its window) is as deployed."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "watch")
        os.makedirs(os.path.join(self.folder, "logs"), exist_ok=True)
        self.receiver = Receiver()
        self.port, self.alerts_port = free_ports(2)
        self.targets = {}
        self._write_configs()
        self.processes = [
            Process("alertmanager", [
                "prometheus-alertmanager", "--config.file=alertmanager.yml",
                "--storage.path=alerts", "--cluster.listen-address=",
                f"--web.listen-address=127.0.0.1:{self.alerts_port}"],
                folder=self.folder),
            Process("prometheus", [
                "prometheus", "--config.file=prometheus.yml",
                "--storage.tsdb.path=data",
                f"--web.listen-address=127.0.0.1:{self.port}"],
                folder=self.folder)]

    def _write(self, name, text):
        write_whole(os.path.join(self.folder, name), text)

    def _write_configs(self):
        with open(os.path.join(DEPLOY, "alertmanager.yml")) as file:
            routes = file.read()
        routes = re.sub("group_interval: .*", "group_interval: 1s", routes)
        url = f"http://127.0.0.1:{self.receiver.server_port}/"
        routes = routes.replace("\n  - name: operators\n", (
            "\n  - name: operators\n"
            f"    webhook_configs: [{{url: '{url}'}}]\n"))
        self._write("alertmanager.yml", routes)
        with open(os.path.join(DEPLOY, "alerts.yml")) as file:
            self._write("alerts.yml", file.read())
        self._write("targets.json", "[]")
        self._write("prometheus.yml", json.dumps({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s",
                       "evaluation_interval": "1s"},
            "rule_files": ["alerts.yml"],
            "alerting": {"alertmanagers": [{"static_configs": [
                {"targets": [f"127.0.0.1:{self.alerts_port}"]}]}]},
            "scrape_configs": [{"job_name": "stipple", "file_sd_configs": [
                {"files": ["targets.json"], "refresh_interval": "1s"}]}],
        }))

    def watch(self, process):
        kind = process.name.partition("-")[0]
        self.targets[process.name] = {
            "targets": [f"127.0.0.1:{process.metrics_ports[0]}"],
            "labels": {"job": kind, "instance": process.name}}
        self._tell()

    def forget(self, process):
        self.targets.pop(process.name, None)
        self._tell()

    def _tell(self):
        self._write("targets.json", json.dumps(list(self.targets.values())))

    def start(self):
        for process in self.processes:
            process.start()
        until(lambda: self.ask("query", "?query=up") is not None, 60,
              "Prometheus answers", pause=0.2)
        return self

    def ask(self, path, query=""):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}{query}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None

    def value(self, name, instance):
        """As Prometheus has it; None: not yet."""
        found = self.ask("query", f'?query={name}{{instance="{instance}"}}')
        result = (found or {}).get("result")
        return float(result[0]["value"][1]) if result else None

    def rules(self):
        return {rule["name"]: rule["state"]
                for group in (self.ask("rules") or {"groups": []})["groups"]
                for rule in group["rules"]}

    def stop(self):
        for process in reversed(self.processes):
            process.end()
        self.receiver.shutdown()
        self.receiver.server_close()
