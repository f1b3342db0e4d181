# SPDX-License-Identifier: Apache-2.0
"""A Docker daemon for a test, and Debian images where no registry is reached.

A daemon that already answers is used as it is. Otherwise, as root, Debian's
dockerd is started with folders of its own under build/dock, kept for the next
run, and stopped by its pid at the end.
"""
import fcntl
import glob
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
# Of one machine, not of one clone: building them takes a minute or two.
WORK = Path(os.environ.get("STIPPLE_DOCK", "/var/cache/stipple-dock" if os.geteuid() == 0 else TOP / "build/dock"))
SUITES = {"debian:bookworm-slim": "bookworm", "debian:trixie-slim": "trixie"}


class Skip(Exception):
    """Why this machine cannot run the test."""


def apt_install(*packages):
    """Debian's packages, where they are missing and we may."""
    have = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *packages],
                          capture_output=True, text=True).stdout
    missing = [p for p in packages if f"{p} installed" not in have]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Skip(f"not installed, and not root on Debian: {' '.join(missing)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    get = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    for _ in range(2):
        done = subprocess.run([*get, "install", "-y", "--no-install-recommends", *missing], env=env,
                              capture_output=True, text=True)
        if done.returncode == 0:
            return
        subprocess.run([*get, "update"], env=env, capture_output=True)
    raise Skip(f"apt-get cannot install {missing}: {done.stderr[-300:]}")


class Dock:
    """Tests that run side by side take turns: one daemon has the folder."""

    def __init__(self):
        self.daemon = self.turn = None
        self.env = dict(os.environ)
        self.offline = bool(os.environ.get("STIPPLE_NO_PULL"))

    def start(self):
        WORK.mkdir(parents=True, exist_ok=True)
        if shutil.which("docker") and subprocess.run(["docker", "info"], capture_output=True).returncode == 0:
            return self
        if os.geteuid() != 0:
            raise Skip("no Docker daemon answers, and only root can start one")
        apt_install("docker.io", "docker-compose", "iptables", "debootstrap")
        self.turn = open(WORK / "turn", "w")
        fcntl.flock(self.turn, fcntl.LOCK_EX)
        socket = f"unix://{WORK}/docker.sock"
        self.env["DOCKER_HOST"] = socket
        base = ["dockerd", "--data-root", WORK / "data", "--exec-root", WORK / "exec",
                "--pidfile", WORK / "docker.pid", "--host", socket]
        # Not every kernel has overlayfs or nftables for containers.
        for extra in ([], ["--iptables=false"], ["--storage-driver=vfs", "--iptables=false"]):
            log = open(WORK / "dockerd.log", "w")
            self.daemon = subprocess.Popen([str(a) for a in base + extra], stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log, start_new_session=True)
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and self.daemon.poll() is None:
                if self.docker("info", check=False, timeout=20).returncode == 0:
                    return self
                time.sleep(0.5)
            self.end_daemon()
        self.stop()
        raise Skip("dockerd does not start: " + (WORK / "dockerd.log").read_text()[-400:])

    def stop(self):
        self.end_daemon()
        if self.turn is not None:
            self.turn.close()
            self.turn = None

    def end_daemon(self):
        if self.daemon is None:
            return
        if self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
            try:
                self.daemon.wait(30)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
        self.daemon = None

    def docker(self, *argv, check=True, timeout=300, **more):
        done = subprocess.run(["docker", *map(str, argv)], env=self.env, timeout=timeout, text=True,
                              stdin=more.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, **more)
        if check and done.returncode:
            raise AssertionError(f"docker {' '.join(map(str, argv[:4]))}: {done.stdout[-3000:]}")
        return done

    def has(self, image):
        return self.docker("image", "inspect", image, check=False).returncode == 0

    def pulls(self, image):
        """From a registry, if one is reached. Asked until it fails, and not
        for long."""
        if not self.offline:
            try:
                self.offline = self.docker("pull", "-q", image, check=False, timeout=90).returncode != 0
            except subprocess.TimeoutExpired:
                self.offline = True
        return not self.offline

    def is_official(self, tag):
        """Is it here as its makers made it, and no stand-in?"""
        return self.label(tag) == "" if self.has(tag) else self.pulls(tag)

    def label(self, tag):
        shown = self.docker("image", "inspect", "-f", '{{json .Config.Labels}}', tag, check=False)
        return (json.loads(shown.stdout) or {}).get("stand-in", "") if shown.returncode == 0 else None

    def base(self, tag="debian:bookworm-slim"):
        """Debian, pulled or made with debootstrap and this machine's apt."""
        if self.has(tag) or self.pulls(tag):
            return tag
        tree = bootstrap(SUITES[tag], WORK / "base")
        tar = subprocess.Popen(["tar", "-C", str(tree), "-c", "."], stdout=subprocess.PIPE)
        self.docker("import", "-", tag, stdin=tar.stdout)
        tar.wait()
        shutil.rmtree(tree, ignore_errors=True)
        return tag

    def stand_in(self, tag, packages, script="", files=(), base=None):
        """An image of Debian's packages under the official one's name; `files`
        (source, name) are there for the script to COPY. Kept as long as it
        would become the same."""
        if self.is_official(tag):
            return tag
        text = (f"FROM {base or self.base()}\nRUN apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y "
                f"--no-install-recommends {packages} && rm -rf /var/lib/apt/lists/*\n{script}\n")
        sources = [Path(source) for source, _ in files]
        mark = hashlib.sha256(text.encode())
        for source in sources:  # a folder's name tells its contents
            mark.update(source.read_bytes() if source.is_file() else source.name.encode())
        mark = mark.hexdigest()[:12]
        if self.label(tag) == mark:
            return tag
        with tempfile.TemporaryDirectory(dir=WORK) as folder:
            for source, (_, name) in zip(sources, files):
                (shutil.copytree if source.is_dir() else shutil.copy)(source, Path(folder) / name)
            done = subprocess.run(["docker", "build", "-q", "--network", "host", "--label", f"stand-in={mark}", "-t", tag,
                                   "-f", "-", folder], input=text, env=self.env, text=True, capture_output=True, timeout=420)
        if done.returncode:
            raise AssertionError(f"{tag}: {(done.stdout + done.stderr)[-2000:]}")
        return tag


def sources():
    return glob.glob("/etc/apt/sources.list") + glob.glob("/etc/apt/sources.list.d/*.sources")


def mirror():
    """The archive that this machine's apt uses, as debootstrap's argument;
    nothing where apt does not tell: then it is debootstrap's own default."""
    for name in sources():
        for line in Path(name).read_text().splitlines():
            for word in line.split():
                if word.startswith(("http://", "https://")) and word.rstrip("/").endswith("/debian") and not line.startswith("#"):
                    return [word]
    return []


def bootstrap(suite, tree):
    """A fresh Debian in the folder `tree`. What debootstrap mounts ends with it,
    even if it is killed: else the folder could never be removed."""
    apt_install("debootstrap")
    shutil.rmtree(tree, ignore_errors=True)
    done = subprocess.run(["unshare", "--mount", "debootstrap", "--variant=minbase", "--include=ca-certificates", suite,
                           str(tree), *mirror()], capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise Skip(f"debootstrap: {done.stdout[-300:]}")
    like_here(tree, suite)
    return tree


def like_here(tree, suite):
    """This machine's way to the archive, for builds in the tree: never in a
    commit, and in no image but the test's own."""
    apt = tree / "etc/apt"
    here = f"VERSION_CODENAME={suite}" in Path("/etc/os-release").read_text()
    # Of another release debootstrap has written the only source that fits.
    for name in sources() if here else ():
        target = tree / name.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(name, target)
    if here and glob.glob("/etc/apt/sources.list.d/*.sources"):
        (apt / "sources.list").write_text("")
    kept = subprocess.run(["apt-config", "dump", "--format", "%F \"%v\";%n"], capture_output=True, text=True).stdout
    (apt / "apt.conf.d/99test").write_text("".join(
        line + "\n" for line in kept.splitlines()
        if line.startswith(("Acquire::http", "Acquire::https", "Acquire::Check", "Acquire::Max-FutureTime"))))
    for extra in ("/etc/ssl/certs/ca-certificates.crt",):
        if os.path.exists(extra):
            shutil.copy(extra, tree / extra.lstrip("/"))


class Tally:
    """Cases by name, and the closing line. Cases may run side by side."""

    def __init__(self):
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.lock = threading.Lock()

    def case(self, function, *args):
        began, why = time.monotonic(), None
        try:
            function(*args)
            result = "passed"
        except Skip as reason:
            result, why = "failed" if os.environ.get("CI") == "true" else "skipped", reason
        except Exception as error:  # a test's own error is a failure as well
            result, why = "failed", f"{type(error).__name__}: {error}"
        with self.lock:
            self.counts[result] += 1
            if why:
                print(f"  {why}")
            print(f"{result} {function.__name__} ({time.monotonic() - began:.0f} s)", flush=True)
        return result == "passed"

    def close(self):
        print(", ".join(f"{n} {word}" for word, n in self.counts.items()))
        return 1 if self.counts["failed"] or not self.counts["passed"] and not self.counts["skipped"] else 0
