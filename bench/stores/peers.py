# SPDX-License-Identifier: Apache-2.0
"""The same placements as fast as the plain Python clients write them, into the
tables that --create-tables made (but neither journal nor checkpoint):

    peers.py dynamodb PORT PREFIX RECORDS     boto3 batch_writer, 8 threads
    peers.py cassandra PORT KEYSPACE RECORDS  execute_concurrent, prepared

Prints one line of JSON."""

import concurrent.futures
import datetime
import json
import random
import resource
import sys
import time


def rows(count):
    rng = random.Random(1)
    for seq in range(1, count + 1):
        yield (seq, 1650000000000 + seq, rng.getrandbits(64),
               rng.randrange(1000), rng.randrange(1000), rng.randrange(16))


def dynamodb(port, prefix, count):
    import boto3
    table = f"{prefix}-placements"
    items = [{"pixel": f"{x},{y}", "seq": seq, "placed_at": at,
              "user": f"{user:016x}", "color": color}
             for seq, at, user, x, y, color in rows(count)]

    def write(part):
        made = boto3.session.Session().resource(
            "dynamodb", endpoint_url=f"http://127.0.0.1:{port}",
            region_name="us-east-1")
        with made.Table(table).batch_writer() as batch:
            for item in part:
                batch.put_item(Item=item)

    def run():
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(write, [items[i::8] for i in range(8)]))
    return run


def cassandra(port, keyspace, count):
    from cassandra.auth import PlainTextAuthProvider
    from cassandra.cluster import Cluster
    from cassandra.concurrent import execute_concurrent
    cluster = Cluster(["127.0.0.1"], port=port, auth_provider=
                      PlainTextAuthProvider("cassandra", "cassandra"))
    session = cluster.connect(keyspace)
    inserts = [session.prepare(
        f"INSERT INTO {table} (seq, placed_at, user, x, y, color) "
        "VALUES (?, ?, ?, ?, ?, ?)")
        for table in ("placements", "placements_by_user")]
    values = [(seq, datetime.datetime.fromtimestamp(
        at / 1000, datetime.timezone.utc), user.to_bytes(8, "big"), x, y,
        color) for seq, at, user, x, y, color in rows(count)]

    def run():
        execute_concurrent(session, ((insert, value) for value in values
                                     for insert in inserts), concurrency=100)
    return run


def main():
    kind, port, name, count = sys.argv[1:]
    run = {"dynamodb": dynamodb, "cassandra": cassandra}[kind](
        int(port), name, int(count))
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.monotonic()
    run()
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = (after.ru_utime + after.ru_stime - before.ru_utime -
           before.ru_stime)
    print(json.dumps({"records": int(count), "write_s": round(wall, 2),
                      "write_cpu_s": round(cpu, 2),
                      "write_per_s": round(int(count) / wall),
                      "write_per_cpu_s": round(int(count) / cpu)}))


main()
