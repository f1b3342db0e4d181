# SPDX-License-Identifier: Apache-2.0
"""The case `tls`: what TLS costs the edge per frame, beside the same frames
without it, and per handshake, beside nginx with the same certificate."""
import asyncio
import os
import ssl
import statistics
import subprocess
import tempfile

from rig import Rig, free_port, listens, wait_for

VIEWERS = 300
HANDSHAKES = 1500
AT_ONCE = 8
HELLO = (b"GET /api/v1/ws?since=0 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
         b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
         b"Sec-WebSocket-Protocol: stipple.v1\r\n\r\n")


def certificate(folder):
    files = [os.path.join(folder, name) for name in ("cert.pem", "key.pem")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-out", files[0], "-keyout",
                    files[1]], check=True, capture_output=True)
    return files


def context():
    made = ssl.create_default_context()
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


async def watch(port, secure, seconds):
    """VIEWERS clients that read whatever comes, for that long after all are
    there; calls the two functions of `measure` at its ends."""
    pairs = [await asyncio.open_connection("127.0.0.1", port, ssl=secure)
             for _ in range(VIEWERS)]

    async def read(reader, writer):
        writer.write(HELLO)
        while await reader.read(65536):
            pass
    tasks = [asyncio.create_task(read(*pair)) for pair in pairs]
    await asyncio.sleep(1)
    yield
    await asyncio.sleep(seconds)
    yield
    for task in tasks:
        task.cancel()


async def frames_us(edge, port, secure, seconds):
    def state():
        return edge.cpu_seconds(), edge.metrics()[
            'stipple_edge_frames_total{kind="head"}']
    states = []
    async for _ in watch(port, secure, seconds):
        states.append(state())
    (cpu, frames), (cpu_after, frames_after) = states
    return (cpu_after - cpu) / (frames_after - frames) * 1e6


async def handshakes_us(server, port, path):
    """CPU of a connection with one small request on it."""
    secure = context()
    left = iter(range(HANDSHAKES))

    async def one():
        for _ in left:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=secure)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n"
                         "Connection: close\r\n\r\n".encode())
            assert b" 200 " in await reader.readline()
            await reader.read()
            writer.close()
    before = server.cpu_seconds()
    await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    return (server.cpu_seconds() - before) / HANDSHAKES * 1e6


def start_nginx(rig, cert, key):
    port = free_port()
    path = os.path.join(rig.dir, "tls.conf")
    with open(path, "w") as file:
        file.write(f"""daemon off; worker_processes 1; pid nginx.pid;
            error_log stderr crit; events {{ worker_connections 1000; }}
            http {{ access_log off; server {{
                listen 127.0.0.1:{port} ssl; ssl_certificate {cert};
                location / {{ return 200 ok; }}
                ssl_certificate_key {key};
                ssl_protocols TLSv1.2 TLSv1.3; }} }}""")
    server = rig.start("nginx", "nginx", "-p", rig.dir, "-c", path)
    wait_for(listens(port), 10, "nginx")
    return server, port


def once(start, seconds, frame):
    """`start` makes a cluster whose edge has these options."""
    row = {}
    for name, options in (("io_uring", ()), ("send()", ("--io-uring", "off"))):
        with Rig() as rig:
            edge, port, _ = start(rig, frame, 10, *options)
            row[name] = asyncio.run(frames_us(edge, port, None, seconds))
    with tempfile.TemporaryDirectory() as folder:
        cert, key = certificate(folder)
        files = ("--tls-cert-file", cert, "--tls-key-file", key)
        with Rig() as rig:
            edge, port, _ = start(rig, frame, 10, *files)
            row["TLS"] = asyncio.run(
                frames_us(edge, port, context(), seconds))
        with Rig() as rig:  # nothing but handshakes
            edge = rig.edge(rig.broker(rig.redis()), *files)
            proxy = start_nginx(rig, cert, key)
            row["stipple"] = asyncio.run(
                handshakes_us(edge, edge.port, "/healthz"))
            row["nginx"] = asyncio.run(handshakes_us(*proxy, "/healthz"))
    return row


def tls(start, rounds=3, seconds=5, frame=64):
    runs = [once(start, seconds, frame) for _ in range(rounds)]
    row = {name: statistics.median(run[name] for run in runs)
           for name in runs[0]}
    return [{"what": "a frame", "server": f"stipple, {name}",
             "us": row[name], "ratio": row[name] / row["send()"]}
            for name in ("send()", "io_uring", "TLS")] + [
           {"what": "a TLS handshake, GET, close", "server": name,
            "us": row[name], "ratio": row[name] / row["nginx"]}
            for name in ("nginx", "stipple")]
