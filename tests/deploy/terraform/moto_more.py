#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""moto's server with what it lacks for our module: moto_more.py PORT [LOG].

A WSGI layer before moto answers a few actions from memory: ElastiCache's
replication and parameter groups, MemoryDB's ACLs and parameter groups,
Keyspaces, CloudFront's policies, IAM's service-specific credentials. Whatever
moto itself does not know becomes a 400, which ends at once: a 500 would be
tried again for minutes. LOG gets one line for each such answer.
"""
import io
import json
import re
import sys
import threading
import urllib.parse
from xml.sax.saxutils import escape

ACCOUNT = "123456789012"
lock = threading.Lock()
log = open(sys.argv[2], "a", buffering=1) if len(sys.argv) > 2 else sys.stderr


def xml(value):
    """dict, list of (tag, value) or scalar as XML; a list repeats its tag."""
    if isinstance(value, dict):
        value = value.items()
    if isinstance(value, (list, type({}.items()))):
        return "".join(f"<{tag}>{xml(inner)}</{tag}>" for tag, inner in value)
    if isinstance(value, bool):
        return str(value).lower()
    return escape("" if value is None else str(value))


# --- ElastiCache: query protocol ---------------------------------------------

class ElastiCache:
    def __init__(self):
        self.groups, self.parameters, self.tags = {}, {}, {}

    def tag_list(self, arn):
        return {"TagList": [("Tag", {"Key": k, "Value": v}) for k, v in self.tags.get(arn, {}).items()]}

    def keep_tags(self, arn, q):
        tags = self.tags.setdefault(arn, {})
        for name, key in q.items():
            found = re.fullmatch(r"Tags\.(?:Tag|member)\.(\d+)\.Key", name)
            if found:
                tags[key] = q.get(name[:-3] + "Value", "")

    # Parameter groups.

    def CreateCacheParameterGroup(self, q, region):
        name = q["CacheParameterGroupName"]
        arn = f"arn:aws:elasticache:{region}:{ACCOUNT}:parametergroup:{name}"
        self.parameters[name] = {"CacheParameterGroupName": name, "CacheParameterGroupFamily": q["CacheParameterGroupFamily"],
                                 "Description": q.get("Description", ""), "IsGlobal": False, "ARN": arn}, {}
        self.keep_tags(arn, q)
        return {"CacheParameterGroup": self.parameters[name][0]}

    def DescribeCacheParameterGroups(self, q, region):
        name = q.get("CacheParameterGroupName")
        if name not in self.parameters:
            return "CacheParameterGroupNotFound"
        return {"CacheParameterGroups": [("CacheParameterGroup", self.parameters[name][0])]}

    def ModifyCacheParameterGroup(self, q, region):
        values = self.parameters[q["CacheParameterGroupName"]][1]
        for name, value in q.items():
            if name.endswith(".ParameterName"):
                values[value] = q[name.removesuffix("Name") + "Value"]
        return {"CacheParameterGroupName": q["CacheParameterGroupName"]}

    ResetCacheParameterGroup = ModifyCacheParameterGroup

    def DescribeCacheParameters(self, q, region):
        values = self.parameters[q["CacheParameterGroupName"]][1]
        return {"Parameters": [("Parameter", {"ParameterName": k, "ParameterValue": v, "Source": "user", "IsModifiable": True})
                               for k, v in values.items()]}

    def DeleteCacheParameterGroup(self, q, region):
        self.parameters.pop(q["CacheParameterGroupName"], None)
        return {}

    # Replication groups and their members.

    def CreateReplicationGroup(self, q, region):
        name = q["ReplicationGroupId"]
        q["arn"] = f"arn:aws:elasticache:{region}:{ACCOUNT}:replicationgroup:{name}"
        self.groups[name] = q
        self.keep_tags(q["arn"], q)
        return {"ReplicationGroup": self.group(name)}

    def members(self, name):
        return [f"{name}-{i + 1:03}" for i in range(int(self.groups[name]["NumCacheClusters"]))]

    def group(self, name):
        q = self.groups[name]
        host = {"Address": f"master.{name}.moto.invalid", "Port": 6379}
        state = lambda key: "enabled" if q.get(key) == "true" else "disabled"
        return {
            "ReplicationGroupId": name, "ARN": q["arn"], "Description": q["ReplicationGroupDescription"], "Status": "available",
            "Engine": q["Engine"], "CacheNodeType": q["CacheNodeType"], "ClusterEnabled": False, "ClusterMode": "disabled",
            "AutomaticFailover": state("AutomaticFailoverEnabled"), "MultiAZ": state("MultiAZEnabled"),
            "SnapshotRetentionLimit": q.get("SnapshotRetentionLimit", 0), "SnapshotWindow": q.get("SnapshotWindow", ""),
            "AtRestEncryptionEnabled": q.get("AtRestEncryptionEnabled", "false"), "KmsKeyId": q.get("KmsKeyId", ""),
            "TransitEncryptionEnabled": q.get("TransitEncryptionEnabled", "false"),
            "TransitEncryptionMode": "required", "AuthTokenEnabled": "AuthToken" in q,
            "AutoMinorVersionUpgrade": True, "DataTiering": "disabled", "NetworkType": "ipv4", "IpDiscovery": "ipv4",
            "MemberClusters": [("ClusterId", m) for m in self.members(name)],
            "NodeGroups": [("NodeGroup", {
                "NodeGroupId": "0001", "Status": "available", "PrimaryEndpoint": host,
                "ReaderEndpoint": {"Address": f"replica.{name}.moto.invalid", "Port": 6379},
                "NodeGroupMembers": [("NodeGroupMember", {
                    "CacheClusterId": m, "CacheNodeId": "0001", "CurrentRole": "replica" if i else "primary",
                    "PreferredAvailabilityZone": region_of(q["arn"]) + "ab"[i % 2]}) for i, m in enumerate(self.members(name))],
            })],
        }

    def DescribeReplicationGroups(self, q, region):
        name = q.get("ReplicationGroupId")
        if name not in self.groups:
            return "ReplicationGroupNotFoundFault"
        return {"ReplicationGroups": [("ReplicationGroup", self.group(name))]}

    def DescribeCacheClusters(self, q, region):
        name = q.get("CacheClusterId", "")
        of = name[:-4]
        if of not in self.groups:
            return "CacheClusterNotFound"
        g = self.groups[of]
        return {"CacheClusters": [("CacheCluster", {
            "CacheClusterId": name, "ReplicationGroupId": of, "CacheClusterStatus": "available", "Engine": g["Engine"],
            "EngineVersion": "8.0.1", "CacheNodeType": g["CacheNodeType"], "NumCacheNodes": 1,
            "ARN": f"arn:aws:elasticache:{region}:{ACCOUNT}:cluster:{name}", "AutoMinorVersionUpgrade": True,
            "CacheSubnetGroupName": g.get("CacheSubnetGroupName"), "PreferredMaintenanceWindow": g.get("PreferredMaintenanceWindow"),
            "CacheParameterGroup": {"CacheParameterGroupName": g.get("CacheParameterGroupName"), "ParameterApplyStatus": "in-sync"},
            "SecurityGroups": [("member", {"SecurityGroupId": v, "Status": "active"}) for k, v in g.items() if k.startswith("SecurityGroupIds.")],
            "AtRestEncryptionEnabled": True, "TransitEncryptionEnabled": True, "TransitEncryptionMode": "required", "NetworkType": "ipv4", "IpDiscovery": "ipv4",
            "PreferredAvailabilityZone": region + "a",
        })]}

    def DeleteReplicationGroup(self, q, region):
        answer = {"ReplicationGroup": self.group(q["ReplicationGroupId"])}
        del self.groups[q["ReplicationGroupId"]]
        return answer

    def DeleteCacheSubnetGroup(self, q, region):
        from moto.elasticache.models import elasticache_backends
        elasticache_backends[ACCOUNT][region].cache_subnet_groups.pop(q["CacheSubnetGroupName"], None)
        return {}

    def ListTagsForResource(self, q, region):
        return self.tag_list(q["ResourceName"]) if q["ResourceName"] in self.tags else None

    def AddTagsToResource(self, q, region):
        self.keep_tags(q["ResourceName"], q)
        return self.tag_list(q["ResourceName"])


def region_of(arn):
    return arn.split(":")[3]


# --- MemoryDB and Keyspaces: JSON --------------------------------------------

class MemoryDB:
    def __init__(self):
        self.acls, self.parameters, self.tags = {}, {}, {}

    def CreateACL(self, q, region):
        arn = f"arn:aws:memorydb:{region}:{ACCOUNT}:acl/{q['ACLName']}"
        self.tags[arn] = q.get("Tags", [])
        self.acls[q["ACLName"]] = {"Name": q["ACLName"], "Status": "active", "UserNames": q.get("UserNames", []),
                                   "MinimumEngineVersion": "6.2", "ARN": arn}
        return {"ACL": self.acls[q["ACLName"]]}

    def DescribeACLs(self, q, region):
        if q.get("ACLName") not in self.acls:
            return "ACLNotFoundFault"
        return {"ACLs": [self.acls[q["ACLName"]]]}

    def DeleteACL(self, q, region):
        return {"ACL": self.acls.pop(q["ACLName"])}

    def CreateParameterGroup(self, q, region):
        name = q["ParameterGroupName"]
        arn = f"arn:aws:memorydb:{region}:{ACCOUNT}:parametergroup/{name}"
        self.tags[arn] = q.get("Tags", [])
        self.parameters[name] = {"Name": name, "Family": q["Family"], "Description": q.get("Description", ""), "ARN": arn}, {}
        return {"ParameterGroup": self.parameters[name][0]}

    def DescribeParameterGroups(self, q, region):
        if q.get("ParameterGroupName") not in self.parameters:
            return "ParameterGroupNotFoundFault"
        return {"ParameterGroups": [self.parameters[q["ParameterGroupName"]][0]]}

    def UpdateParameterGroup(self, q, region):
        group, values = self.parameters[q["ParameterGroupName"]]
        values.update({p["ParameterName"]: p["ParameterValue"] for p in q["ParameterNameValues"]})
        return {"ParameterGroup": group}

    def DescribeParameters(self, q, region):
        values = self.parameters[q["ParameterGroupName"]][1]
        return {"Parameters": [{"Name": k, "Value": v} for k, v in values.items()]}

    def DeleteParameterGroup(self, q, region):
        return {"ParameterGroup": self.parameters.pop(q["ParameterGroupName"])[0]}

    def ListTags(self, q, region):
        return {"TagList": self.tags[q["ResourceArn"]]} if q["ResourceArn"] in self.tags else None


class Keyspaces:
    def __init__(self):
        self.spaces, self.tables, self.tags = {}, {}, {}

    def CreateKeyspace(self, q, region):
        arn = f"arn:aws:cassandra:{region}:{ACCOUNT}:/keyspace/{q['keyspaceName']}/"
        self.spaces[q["keyspaceName"]] = {"keyspaceName": q["keyspaceName"], "resourceArn": arn,
                                          "replicationStrategy": "SINGLE_REGION"}
        self.tags[arn] = q.get("tags", [])
        return {"resourceArn": arn}

    def GetKeyspace(self, q, region):
        return self.spaces.get(q["keyspaceName"], "ResourceNotFoundException")

    def DeleteKeyspace(self, q, region):
        self.spaces.pop(q["keyspaceName"])
        return {}

    def CreateTable(self, q, region):
        arn = f"arn:aws:cassandra:{region}:{ACCOUNT}:/keyspace/{q['keyspaceName']}/table/{q['tableName']}"
        self.tables[q["keyspaceName"], q["tableName"]] = {
            "keyspaceName": q["keyspaceName"], "tableName": q["tableName"], "resourceArn": arn, "status": "ACTIVE",
            "schemaDefinition": q["schemaDefinition"], "comment": {"message": ""}, "ttl": {"status": "DISABLED"},
            "capacitySpecification": q["capacitySpecification"], "defaultTimeToLive": 0,
            "encryptionSpecification": {"type": "AWS_OWNED_KMS_KEY"},
            "pointInTimeRecovery": q.get("pointInTimeRecovery", {"status": "DISABLED"}),
        }
        self.tags[arn] = q.get("tags", [])
        return {"resourceArn": arn}

    def GetTable(self, q, region):
        return self.tables.get((q["keyspaceName"], q["tableName"]), "ResourceNotFoundException")

    def DeleteTable(self, q, region):
        self.tables.pop((q["keyspaceName"], q["tableName"]))
        return {}

    def ListTagsForResource(self, q, region):
        return {"tags": self.tags.get(q["resourceArn"], [])}


# --- Service Quotas -----------------------------------------------------------

class ServiceQuotas:
    """One quota, the vCPUs of On-Demand machines, as large accounts have it."""
    def GetServiceQuota(self, q, region):
        arn = f"arn:aws:servicequotas:{region}:{ACCOUNT}:{q['ServiceCode']}/{q['QuotaCode']}"
        return {"Quota": {"ServiceCode": q["ServiceCode"], "QuotaCode": q["QuotaCode"], "QuotaArn": arn, "Value": 64.0,
                          "QuotaName": "Running On-Demand Standard instances", "Adjustable": True, "GlobalQuota": False}}

    GetAWSDefaultServiceQuota = GetServiceQuota


# --- IAM: service-specific credentials ---------------------------------------

class Iam:
    def __init__(self):
        self.pairs = {}

    def pair(self, user):
        p = {"UserName": user, "Status": "Active", "ServiceName": "cassandra.amazonaws.com", "ServiceUserName": f"{user}-at-{ACCOUNT}",
             "ServiceSpecificCredentialId": "ACCA0123456789ABCDEF", "CreateDate": "2026-01-01T00:00:00Z"}
        return p

    def CreateServiceSpecificCredential(self, q, region):
        self.pairs[q["UserName"]] = self.pair(q["UserName"])
        return {"ServiceSpecificCredential": {**self.pairs[q["UserName"]], "ServicePassword": "drawn-by-moto"}}

    def ListServiceSpecificCredentials(self, q, region):
        found = [p for u, p in self.pairs.items() if u == q.get("UserName", u)]
        return {"ServiceSpecificCredentials": [("member", p) for p in found], "IsTruncated": False}

    def DeleteServiceSpecificCredential(self, q, region):
        self.pairs.pop(q["UserName"], None)
        return {}


# --- CloudFront: policies, REST ----------------------------------------------

class CloudFront:
    """Keeps each policy's XML as it came; AWS's own are found by name."""
    kinds = {"cache-policy": "CachePolicy", "origin-request-policy": "OriginRequestPolicy",
             "response-headers-policy": "ResponseHeadersPolicy"}
    managed = {"cache-policy": {"Managed-CachingDisabled": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
                                "Managed-CachingOptimized": "658327ea-f89d-4fab-a63d-7e88639e58f6"},
               "origin-request-policy": {"Managed-AllViewer": "216adef6-5c7f-47e4-b989-5492eafa07d3"},
               "response-headers-policy": {}}

    def __init__(self):
        self.kept = {kind: {} for kind in self.kinds}
        for kind, policies in self.managed.items():
            tag = self.kinds[kind]
            for name, key in policies.items():
                self.kept[kind][key] = ("managed", f"<{tag}Config><Name>{name}</Name>{self.rest(kind)}</{tag}Config>")

    @staticmethod
    def rest(kind):
        if kind == "cache-policy":
            return "<MinTTL>0</MinTTL><DefaultTTL>0</DefaultTTL><MaxTTL>0</MaxTTL>"
        parts = "".join(f"<{n}sConfig><{n}Behavior>all</{n}Behavior></{n}sConfig>" for n in ("Header", "Cookie", "QueryString"))
        return parts.replace("HeaderBehavior", "HeaderBehavior")

    def one(self, kind, key):
        tag = self.kinds[kind]
        return f"<{tag}><Id>{key}</Id><LastModifiedTime>2026-01-01T00:00:00Z</LastModifiedTime>{self.kept[kind][key][1]}</{tag}>"

    def answer(self, method, path, body):
        kind, _, rest = path.partition("/")
        key, _, what = rest.partition("/")
        if kind not in self.kinds:
            return None
        tag, kept = self.kinds[kind], self.kept[kind]
        if method == "POST":
            key = f"{kind}-{len(kept)}"
            kept[key] = ("custom", re.sub(r"^<\?xml.*?\?>|\s?xmlns=\"[^\"]*\"", "", body.decode()))
            return "201 Created", self.one(kind, key)
        if method == "GET" and not key:
            items = "".join(f"<{tag}Summary><Type>{t}</Type>{self.one(kind, k)}</{tag}Summary>" for k, (t, _) in kept.items())
            return "200 OK", f"<{tag}List><MaxItems>100</MaxItems><Quantity>{len(kept)}</Quantity><Items>{items}</Items></{tag}List>"
        if key not in kept:
            return "404 Not Found", f"<ErrorResponse><Error><Code>NoSuch{tag}</Code><Message>none</Message></Error></ErrorResponse>"
        if method == "DELETE":
            del kept[key]
            return "204 No Content", ""
        if method == "PUT":
            kept[key] = ("custom", re.sub(r"^<\?xml.*?\?>|\s?xmlns=\"[^\"]*\"", "", body.decode()))
        return "200 OK", kept[key][1] if what == "config" else self.one(kind, key)


# --- the layer ----------------------------------------------------------------

class Layer:
    def __init__(self, app):
        self.app = app
        self.query = {"elasticache": {}, "iam": {}}
        self.made = {"elasticache": ElastiCache, "iam": Iam, "memorydb": MemoryDB, "cassandra": Keyspaces,
                     "servicequotas": ServiceQuotas}
        self.backends = {}
        self.cloudfront = CloudFront()

    def backend(self, service, region):
        return self.backends.setdefault((service, region), self.made[service]())

    def __call__(self, environ, start):
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(size) if size else b""
        environ["wsgi.input"] = io.BytesIO(body)
        with lock:
            answer = self.own(environ, body)
        if answer:
            status, kind, text, extra = answer
            start(status, [("Content-Type", kind), ("x-amzn-RequestId", "more")] + extra)
            return [text.encode()]
        # moto lists a bucket's versions while another thread deletes one.
        with lock:
            return list(self.moto(environ, start, body))

    def own(self, environ, body):
        scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
        if not scope:
            return None
        region, service = scope.groups()
        if service == "cloudfront":
            path = environ["PATH_INFO"].removeprefix("/2020-05-31/")
            found = self.cloudfront.answer(environ["REQUEST_METHOD"], path, body)
            return found and (found[0], "text/xml", found[1], [("ETag", "E1")])
        if service not in self.made:
            return None
        backend = self.backend(service, region)
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target:
            q, action = json.loads(body or b"{}"), target.split(".")[-1]
        else:
            q = dict(urllib.parse.parse_qsl(body.decode()))
            action = q.get("Action", "")
        handler = getattr(backend, action, None) if action[:1].isupper() else None
        try:
            result = handler(q, region) if handler else None
        except Exception as error:
            log.write(f"{service} {action}: {error!r}\n")
            result = "NotInThisHelper"
        if result is None:
            return None
        if target:
            if isinstance(result, str):
                return "400 Bad Request", "application/x-amz-json-1.1", json.dumps({"__type": result, "message": "none"}), []
            return "200 OK", "application/x-amz-json-1.1", json.dumps(result), []
        if isinstance(result, str):
            return ("404 Not Found", "text/xml", f"<ErrorResponse><Error><Type>Sender</Type><Code>{result}</Code>"
                    "<Message>none</Message></Error></ErrorResponse>", [])
        return "200 OK", "text/xml", f"<{action}Response><{action}Result>{xml(result)}</{action}Result></{action}Response>", []

    def moto(self, environ, start, body):
        def start_400(status, headers, exc=None):
            if status.startswith("5"):
                log.write(f"{status} {environ['REQUEST_METHOD']} {environ['PATH_INFO']} "
                          f"{environ.get('HTTP_X_AMZ_TARGET', '')} {body[:200]!r}\n")
                status = "400 Not In Moto"
            return start(status, headers, exc) if exc else start(status, headers)
        try:
            return self.app(environ, start_400)
        except Exception as error:  # what moto does not know is no reason to retry
            log.write(f"{error!r} {environ['REQUEST_METHOD']} {environ['PATH_INFO']} "
                      f"{environ.get('HTTP_X_AMZ_TARGET', '')} {body[:200]!r}\n")
            start("400 Not In Moto", [("Content-Type", "text/plain")])
            return [repr(error).encode()]


def subnets_have_ipv6():
    """A filter that moto's DescribeSubnets lacks, and a state that it writes
    as the text of a dict."""
    from moto.ec2.models.subnets import Subnet
    others = Subnet.get_filter_value

    def value(subnet, name, method=None):
        if name == "ipv6-cidr-block-association.association-id":
            return next(iter(subnet.ipv6_cidr_block_associations), None)
        return others(subnet, name, method)
    Subnet.get_filter_value = value
    Subnet.ipv6_cidr_block_association_set = property(lambda subnet: [
        {**one, "ipv6CidrBlockState": {"state": "associated"}} for one in subnet.ipv6_cidr_block_associations.values()
        if one["ipv6CidrBlockState"]["State"] == "associated"])


def main():
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import run_simple
    from moto.iam.access_control import PermissionResult
    from moto.s3.models import FakeBucket
    # moto reads bucket policies without their conditions: "deny without TLS"
    # would deny all.
    FakeBucket.get_permission = lambda *_args, **_kw: PermissionResult.NEUTRAL
    subnets_have_ipv6()
    app = DomainDispatcherApplication(create_backend_app)
    run_simple("127.0.0.1", int(sys.argv[1]), Layer(app), threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    main()
