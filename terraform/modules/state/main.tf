# SPDX-License-Identifier: Apache-2.0
#
# The board now and the log: Valkey over TLS with a password, a replica in
# another zone, automatic failover. ElastiCache copies to its replica behind
# the answer: what a failover loses the brokers write back from memory.
# MemoryDB answers only once its log in several zones has it.

terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "name" { type = string }
variable "kind" { type = string }
variable "node_type" { type = string }
variable "replicas" { type = number }
variable "immediately" { type = bool }
variable "vpc_id" { type = string }
variable "subnets" { type = list(string) }
variable "clients" { type = string } # security group of the brokers
variable "password" {
  type      = string
  sensitive = true
}
variable "kms_key_arn" { type = string }

locals {
  memorydb = var.kind == "memorydb" ? 1 : 0
  cache    = var.kind == "elasticache" ? 1 : 0
}

resource "aws_security_group" "this" {
  name        = "${var.name}-state"
  description = "Redis, for the brokers only"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "brokers" {
  # checkov:skip=CKV_AWS_23: the group says it
  security_group_id            = aws_security_group.this.id
  referenced_security_group_id = var.clients
  ip_protocol                  = "tcp"
  from_port                    = 6379
  to_port                      = 6379
}

# --- ElastiCache ------------------------------------------------------------

resource "aws_elasticache_subnet_group" "this" {
  count      = local.cache
  name       = "${var.name}-state"
  subnet_ids = var.subnets
}

resource "aws_elasticache_parameter_group" "this" {
  count  = local.cache
  name   = "${var.name}-state"
  family = "valkey8"
  # A full memory must refuse a commit, never drop the board.
  parameter {
    name  = "maxmemory-policy"
    value = "noeviction"
  }
}

resource "aws_elasticache_replication_group" "this" {
  count                      = local.cache
  replication_group_id       = "${var.name}-state"
  description                = "Board and log of ${var.name}"
  engine                     = "valkey"
  engine_version             = "8.0"
  node_type                  = var.node_type
  num_cache_clusters         = 1 + var.replicas
  parameter_group_name       = aws_elasticache_parameter_group.this[0].name
  subnet_group_name          = aws_elasticache_subnet_group.this[0].name
  security_group_ids         = [aws_security_group.this.id]
  multi_az_enabled           = true
  automatic_failover_enabled = true
  at_rest_encryption_enabled = true
  kms_key_id                 = var.kms_key_arn
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  auth_token                 = var.password
  apply_immediately          = var.immediately
  snapshot_retention_limit   = 7
  snapshot_window            = "03:00-04:00"
  maintenance_window         = "sun:04:30-sun:05:30"
  lifecycle { ignore_changes = [auth_token] } # rotated outside: README
}

# --- MemoryDB ---------------------------------------------------------------

resource "aws_memorydb_subnet_group" "this" {
  count      = local.memorydb
  name       = "${var.name}-state"
  subnet_ids = var.subnets
}

resource "aws_memorydb_parameter_group" "this" {
  count  = local.memorydb
  name   = "${var.name}-state"
  family = "memorydb_valkey7"
  parameter {
    name  = "maxmemory-policy"
    value = "noeviction"
  }
}

resource "aws_memorydb_user" "this" {
  count         = local.memorydb
  user_name     = "${var.name}-broker"
  access_string = "on ~* &* +@all"
  authentication_mode {
    type      = "password"
    passwords = [var.password]
  }
  lifecycle { ignore_changes = [authentication_mode] } # rotated outside: README
}

resource "aws_memorydb_acl" "this" {
  count      = local.memorydb
  name       = "${var.name}-state"
  user_names = [aws_memorydb_user.this[0].user_name]
}

resource "aws_memorydb_cluster" "this" {
  count                    = local.memorydb
  name                     = "${var.name}-state"
  acl_name                 = aws_memorydb_acl.this[0].name
  engine                   = "valkey"
  engine_version           = "7.2"
  node_type                = var.node_type
  num_shards               = 1
  num_replicas_per_shard   = var.replicas
  parameter_group_name     = aws_memorydb_parameter_group.this[0].name
  subnet_group_name        = aws_memorydb_subnet_group.this[0].name
  security_group_ids       = [aws_security_group.this.id]
  tls_enabled              = true
  kms_key_arn              = var.kms_key_arn
  snapshot_retention_limit = 7
}

output "immediately" { value = one(aws_elasticache_replication_group.this[*].apply_immediately) }
output "host" {
  value = one(concat(
    aws_elasticache_replication_group.this[*].primary_endpoint_address,
    [for c in aws_memorydb_cluster.this : c.cluster_endpoint[0].address],
  ))
}
output "user" { value = one(concat(aws_memorydb_user.this[*].user_name, [for g in aws_elasticache_replication_group.this : "default"])) }
output "watched" {
  description = "Namespace and dimensions of each node's figures"
  value = {
    namespace = local.cache == 1 ? "AWS/ElastiCache" : "AWS/MemoryDB"
    nodes = [for i in range(1 + var.replicas) : merge(
      local.cache == 1 ? { CacheClusterId = format("%s-state-%03d", var.name, i + 1) } : {},
      local.cache == 1 ? {} : { ClusterName = "${var.name}-state", NodeName = format("%s-state-0001-%03d", var.name, i + 1) },
    )]
  }
}
