# SPDX-License-Identifier: Apache-2.0
"""/api/v1/admin/ as a program of a moderator's would use it."""

import json

BASE = "/api/v1/admin/"
RANKS = ["viewer", "player", "moderator", "operator", "owner"]


class Admin:
    """Somebody with a role, at an edge of a cluster."""

    def __init__(self, made, role, sub=None, edge=0, token=None):
        self.api = made.apis[edge]
        self.sub = sub or f"the-{role}"
        self.token = token or made.signer.token(
            self.sub, roles=[role] if role else None)

    def ask(self, method, path, body=None, key=None, timeout=20, **headers):
        headers = {"Authorization": "Bearer " + self.token, **headers}
        if key is not None:
            headers["Idempotency-Key"] = str(key)
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        return self.api.ask(method, BASE + path, body, headers, timeout)

    def do(self, method, path, body=None, **more):
        """The answer's members; it must be a 200."""
        answer = self.ask(method, path, body, **more)
        assert answer.status == 200, answer
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-type"] == "application/json"
        return json.loads(answer.body)

    def code(self, method, path, body=None, **more):
        """"200", or the problem's code."""
        answer = self.ask(method, path, body, **more)
        return "200" if answer.status == 200 else \
            json.loads(answer.body)["code"]


# One request per verb, which must make sense one after the other.
VERBS = [
    ("status", "moderator", "GET", "status", None),
    ("policy", "moderator", "GET", "bans", None),
    ("policy", "moderator", "GET", "regions", None),
    ("policy", "moderator", "GET", "rollbacks", None),
    ("policy", "moderator", "GET", "proposals", None),
    ("who", "moderator", "GET", "who?x=1&y=1", None),
    ("user", "moderator", "GET", "user?user=00000000000000aa", None),
    ("search", "moderator", "GET", "search?box=1,1,2,2&limit=5", None),
    ("audit", "moderator", "GET", "audit?operator=alice", None),
    ("ban", "moderator", "POST", "bans",
     {"user": "00000000000000aa", "reason": "griefing"}),
    ("unban", "moderator", "DELETE", "bans/00000000000000aa", None),
    ("notice", "moderator", "POST", "notice", {"text": "Ten minutes left."}),
    ("protect", "operator", "POST", "regions", {"box": [1, 1, 2, 2]}),
    ("unprotect", "operator", "DELETE", "regions/1,1,2,2", None),
    ("lock", "operator", "POST", "lock", None),
    ("unlock", "operator", "POST", "unlock", {"reason": "over"}),
    ("set", "operator", "POST", "settings",
     {"name": "cooldown_ms", "value": "0"}),
]
