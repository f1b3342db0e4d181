# SPDX-License-Identifier: Apache-2.0
#
# Every placement, for ever. The shapes are those that `stipple-persister
# --create-tables` makes (persister/dynamodb/dynamodb_tables.c, persister/cassandra/cql_tables.c).

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
variable "deletion_protection" { type = bool }
variable "kms_key_arn" { type = string }
variable "warm_throughput" { type = object({ reads = number, writes = number }) }

data "aws_caller_identity" "me" {}
data "aws_partition" "here" {}
data "aws_region" "here" {}

locals {
  keyspace = replace(var.name, "-", "_")
  # name => partition key, sort key, types of all
  tables = {
    placements = { hash = "pixel", range = "seq", types = { pixel = "S", seq = "N", user = "S" }, by_user = true }
    journal    = { hash = "chunk", range = "first", types = { chunk = "N", first = "N" }, by_user = false }
    snapshots  = { hash = "snapshot", range = "part", types = { snapshot = "S", part = "N" }, by_user = false }
    meta       = { hash = "name", range = null, types = { name = "S" }, by_user = false }
  }
}

resource "aws_dynamodb_table" "this" {
  # checkov:skip=CKV_AWS_119: encrypted with AWS's own key; placements are public
  for_each                    = var.kind == "dynamodb" ? local.tables : {}
  name                        = "${var.name}-${each.key}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = each.value.hash
  range_key                   = each.value.range
  deletion_protection_enabled = var.deletion_protection

  dynamic "attribute" {
    for_each = each.value.types
    content {
      name = attribute.key
      type = attribute.value
    }
  }

  dynamic "global_secondary_index" {
    for_each = each.value.by_user ? [1] : []
    content {
      name            = "by_user"
      hash_key        = "user"
      range_key       = "seq"
      projection_type = "ALL"
    }
  }

  point_in_time_recovery { enabled = true }
  server_side_encryption { enabled = true }
}

# The provider's own argument for it came with 6.13. What each placement writes:
# a row, its copy in the index, and its share of the journal's chunk.
locals {
  warm = var.kind == "dynamodb" && var.warm_throughput != null ? {
    table = "${var.name}-placements"
    units = "ReadUnitsPerSecond=${var.warm_throughput.reads},WriteUnitsPerSecond=${var.warm_throughput.writes}"
  } : null
}

resource "terraform_data" "warm" {
  count            = local.warm == null ? 0 : 1
  input            = local.warm
  triggers_replace = [local.warm.units, aws_dynamodb_table.this["placements"].id]
  provisioner "local-exec" {
    interpreter = ["/bin/sh", "-euc"]
    command     = <<-EOT
      settled() { aws dynamodb wait table-exists --table-name "$TABLE"; }
      settled
      aws dynamodb update-table --table-name "$TABLE" --warm-throughput "$UNITS"
      settled
      aws dynamodb update-table --table-name "$TABLE" --global-secondary-index-updates "Update={IndexName=by_user,WarmThroughput={$UNITS}}"
    EOT
    environment = {
      AWS_REGION = data.aws_region.here.name
      TABLE      = local.warm.table
      UNITS      = local.warm.units
    }
  }
}

# --- Keyspaces --------------------------------------------------------------

resource "aws_keyspaces_keyspace" "this" {
  count = var.kind == "keyspaces" ? 1 : 0
  name  = local.keyspace
}

locals {
  # name => columns, partition key, clustering and its order
  cql = {
    placements = {
      columns    = { x = "int", y = "int", seq = "bigint", placed_at = "timestamp", user = "blob", color = "int" }
      partition  = ["x", "y"]
      clustering = { seq = "DESC" }
    }
    placements_by_user = {
      columns    = { user = "blob", seq = "bigint", placed_at = "timestamp", x = "int", y = "int", color = "int" }
      partition  = ["user"]
      clustering = { seq = "DESC" }
    }
    journal = {
      columns    = { chunk = "bigint", first = "bigint", last = "bigint", data = "blob" }
      partition  = ["chunk"]
      clustering = { first = "ASC", last = "ASC" }
    }
    snapshot_heads = {
      columns = {
        shelf = "int", seq = "bigint", taken_at = "timestamp", digest = "bigint",
        size  = "bigint", parts = "int", body = "text", canvas = "text"
      }
      partition  = ["shelf"]
      clustering = { seq = "DESC" }
    }
    snapshot_parts = {
      columns    = { body = "text", part = "int", data = "blob" }
      partition  = ["body"]
      clustering = { part = "ASC" }
    }
    meta = {
      columns    = { name = "text", checkpoint = "bigint", epoch = "bigint" }
      partition  = ["name"]
      clustering = {}
    }
  }
}

resource "aws_keyspaces_table" "this" {
  # checkov:skip=CKV_AWS_265: encrypted with AWS's own key; placements are public
  for_each      = var.kind == "keyspaces" ? local.cql : {}
  keyspace_name = aws_keyspaces_keyspace.this[0].name
  table_name    = each.key

  schema_definition {
    dynamic "column" {
      for_each = each.value.columns
      content {
        name = column.key
        type = column.value
      }
    }
    dynamic "partition_key" {
      for_each = each.value.partition
      content { name = partition_key.value }
    }
    dynamic "clustering_key" {
      for_each = each.value.clustering
      content {
        name     = clustering_key.key
        order_by = clustering_key.value
      }
    }
  }
  capacity_specification { throughput_mode = "PAY_PER_REQUEST" }
  point_in_time_recovery { status = "ENABLED" }
}

locals {
  account = "${data.aws_region.here.name}:${data.aws_caller_identity.me.account_id}"
  part    = data.aws_partition.here.partition
}

output "url" {
  description = "The persisters' setting `store`, without credentials"
  value = (var.kind == "dynamodb"
    ? "dynamodb:${var.name}?region=${data.aws_region.here.name}"
  : "cassandra:cassandra.${data.aws_region.here.name}.amazonaws.com:9142/${local.keyspace}?tls=on")
}
output "tables" { value = [for t in aws_dynamodb_table.this : t.name] }
output "warm" { value = one(terraform_data.warm[*].input) }
output "statements" {
  description = "What a persister's role may do"
  value = var.kind == "keyspaces" ? [] : [{
    Effect = "Allow"
    Action = ["dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:DescribeTable", "dynamodb:GetItem",
    "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem"]
    Resource = flatten([for name, t in local.tables : concat(
      ["arn:${local.part}:dynamodb:${local.account}:table/${var.name}-${name}"],
      t.by_user ? ["arn:${local.part}:dynamodb:${local.account}:table/${var.name}-${name}/index/by_user"] : [],
    )])
  }]
}
output "recovery_days" { value = one(aws_secretsmanager_secret.keyspaces[*].recovery_window_in_days) }
output "secret_arn" { value = one(aws_secretsmanager_secret.keyspaces[*].arn) }
output "secret_name" { value = one(aws_secretsmanager_secret.keyspaces[*].name) }

# CQL knows a user and a password only; IAM makes such a pair for one user.
resource "aws_iam_user" "keyspaces" {
  # checkov:skip=CKV_AWS_273: CQL's password log-in needs a user; it has no other key
  count = var.kind == "keyspaces" ? 1 : 0
  name  = "${var.name}-keyspaces"
}

resource "aws_iam_user_policy" "keyspaces" {
  # checkov:skip=CKV_AWS_40: this user is the one and only holder
  count = var.kind == "keyspaces" ? 1 : 0
  name  = "tables"
  user  = aws_iam_user.keyspaces[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["cassandra:Select", "cassandra:Modify"]
        Resource = ["arn:${local.part}:cassandra:${local.account}:/keyspace/${local.keyspace}/*"]
      },
      {
        Effect   = "Allow"
        Action   = ["cassandra:Select"]
        Resource = ["arn:${local.part}:cassandra:${local.account}:/keyspace/system*"]
      },
    ]
  })
}

resource "aws_iam_service_specific_credential" "keyspaces" {
  count        = var.kind == "keyspaces" ? 1 : 0
  service_name = "cassandra.amazonaws.com"
  user_name    = aws_iam_user.keyspaces[0].name
}

resource "aws_secretsmanager_secret" "keyspaces" {
  # checkov:skip=CKV2_AWS_57: rotated by hand in two steps; README: rotation
  count       = var.kind == "keyspaces" ? 1 : 0
  name        = "${var.name}/keyspaces"
  description = "user:password of the persisters"
  kms_key_id  = var.kms_key_arn

  # As in modules/secrets: one that waits to be deleted keeps its name.
  recovery_window_in_days = var.deletion_protection ? 30 : 0
}

resource "aws_secretsmanager_secret_version" "keyspaces" {
  count     = var.kind == "keyspaces" ? 1 : 0
  secret_id = aws_secretsmanager_secret.keyspaces[0].id
  secret_string_wo = join(":", [
    aws_iam_service_specific_credential.keyspaces[0].service_user_name,
    aws_iam_service_specific_credential.keyspaces[0].service_password,
  ])
  secret_string_wo_version = 1
}
