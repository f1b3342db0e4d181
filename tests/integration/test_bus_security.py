# SPDX-License-Identifier: Apache-2.0
"""CURVE on the bus: who has the cluster's secret is in, nobody else."""

import secrets

CURVE = {"curve": "on"}


def test_an_encrypted_cluster_works_and_other_secrets_get_no_answer(cluster):
    one = cluster(broker=CURVE, edge=CURVE, persister=CURVE).start().ready()
    token = one.signer.token("alice")
    assert one.api.put(3, 4, 5, token).status == 200
    assert one.ctl("--curve", "on", "status")["seq"] == 1

    with open(one.folder + "/other", "w") as file:
        file.write(secrets.token_hex(32))
    stranger = one.ctl("--curve", "on", "--secret-file", "other", "status",
                       check=False)
    assert stranger.returncode != 0
    plain = one.ctl("--curve", "off", "status", check=False)
    assert plain.returncode != 0


def test_encryption_without_a_secret_does_not_start(cluster):
    one = cluster(broker=CURVE)
    argv = one["broker-1"].argv
    at = argv.index("--secret-file")
    del argv[at:at + 2]
    one["broker-1"].start()
    assert one["broker-1"].child.wait(20) != 0
    assert "event=bus_no_secret" in one["broker-1"].log()
    one["broker-1"].child = None
