# SPDX-License-Identifier: Apache-2.0
"""Stand-ins of the official images that compose.yaml names, for where no
registry is reached: Debian's packages, and Amazon's and Apache's own jars from
Maven Central. What is pulled is used as it is."""
import subprocess
import zipfile
from pathlib import Path

from dock import TOP, WORK, Skip, apt_install

SCRIPTS = TOP / "scripts"
DYNAMODB, CASSANDRA = "amazon/dynamodb-local:2.5.2", "cassandra:4.1"
PROMETHEUS, GRAFANA = "prom/prometheus:v2.53.2", "grafana/grafana:11.1.4"
ALERTMANAGER = "prom/alertmanager:v0.27.0"


def valkey(dock):
    dock.stand_in("valkey/valkey:8.0-bookworm", "redis-server", "RUN ln -s redis-server /usr/bin/valkey-server && "
                  "ln -s redis-cli /usr/bin/valkey-cli && mkdir -p /data && chown redis:redis /data\n"
                  "VOLUME /data\nWORKDIR /data\nUSER redis\n")


def haproxy(dock):
    dock.stand_in("haproxy:2.8-bookworm", "haproxy", "USER haproxy")


def prometheus(dock):
    dock.stand_in(PROMETHEUS, "prometheus", "RUN mkdir -p /prometheus && chown nobody /prometheus\n"
                  "VOLUME /prometheus\nWORKDIR /prometheus\nUSER nobody\nENTRYPOINT [\"prometheus\"]\n")


def alertmanager(dock):
    dock.stand_in(ALERTMANAGER, "prometheus-alertmanager", "RUN mkdir -p /alertmanager && chown nobody /alertmanager\n"
                  "WORKDIR /alertmanager\nUSER nobody\nENTRYPOINT [\"prometheus-alertmanager\"]\n")


def java(dock):
    return dock.stand_in("stipple-test-java:local", "openjdk-17-jre-headless python3-minimal")


def jars(kind):
    apt_install("openjdk-17-jre-headless", "maven")
    done = subprocess.run([SCRIPTS / "java/fetch", kind], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=420)
    if done.returncode:
        raise Skip(f"no jars of {kind}: {done.stderr[-300:]}")
    return Path(done.stdout.strip())


def dynamodb(dock):
    """As Amazon packs it: a jar that names the others, beside their folder."""
    if dock.is_official(DYNAMODB):
        return
    library = jars("dynamodb-local")
    names = " ".join(f"DynamoDBLocal_lib/{jar.name}" for jar in sorted(library.glob("*.jar")))
    line = f"Class-Path: {names}"
    folded = line[:70] + "".join(f"\n {line[i:i + 69]}" for i in range(70, len(line), 69))
    thin = WORK / "DynamoDBLocal.jar"
    with zipfile.ZipFile(thin, "w") as out:
        out.writestr(zipfile.ZipInfo("META-INF/MANIFEST.MF"), "Manifest-Version: 1.0\n"
                     f"Main-Class: com.amazonaws.services.dynamodbv2.local.main.ServerRunner\n{folded}\n")
    dock.stand_in(DYNAMODB, "adduser", "RUN useradd -m dynamodblocal\nWORKDIR /home/dynamodblocal\n"
                  "COPY DynamoDBLocal_lib DynamoDBLocal_lib\nCOPY DynamoDBLocal.jar .\nUSER dynamodblocal\n"
                  "ENTRYPOINT [\"java\"]\n", [(library, "DynamoDBLocal_lib"), (thin, thin.name)], java(dock))


def cassandra(dock):
    if dock.is_official(CASSANDRA):
        return
    library = jars("cassandra-local")
    dock.stand_in(CASSANDRA, "procps", "ENV STIPPLE_CACHE=/opt/jars\n"
                  f"COPY jars /opt/jars/{library.name}\nCOPY cassandra-local /opt/scripts/\nCOPY fetch cassandra-local.xml /opt/scripts/java/\n"
                  "RUN useradd cassandra && install -d -o cassandra /var/lib/cassandra\nVOLUME /var/lib/cassandra\nUSER cassandra\n"
                  "CMD [\"sh\", \"-c\", \"exec /opt/scripts/cassandra-local --open --host $(hostname -i) --data /var/lib/cassandra\"]\n",
                  [(library, "jars"), (SCRIPTS / "cassandra-local", "cassandra-local"), (SCRIPTS / "java/fetch", "fetch"),
                   (SCRIPTS / "java/cassandra-local.xml", "cassandra-local.xml")], java(dock))
