# SPDX-License-Identifier: Apache-2.0
#
# One key, and the secrets of the cluster. The cluster's secret, from which the
# brokers draw each role's keys (packaging/aws/aws-boot), is drawn by AWS, handed on as an ephemeral
# value and never stands in the state. Redis's password does: neither
# ElastiCache nor MemoryDB has a write-only argument for it in provider 5.x. It
# is of no use from outside the VPC, and after one rotation (README) the state
# holds a password that no longer counts.

terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source                = "hashicorp/aws"
      version               = "~> 5.100"
      configuration_aliases = [aws.draw]
    }
  }
}

variable "name" { type = string }
variable "existing" { type = string } # name of the cluster's secret, if it is not to be made
variable "replica_regions" { type = list(string) }
variable "deletion_protection" { type = bool }

data "aws_caller_identity" "me" {}
data "aws_partition" "here" {}
data "aws_region" "here" {}

resource "aws_kms_key" "this" {
  description         = "${var.name}: secrets, logs, alarms"
  enable_key_rotation = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Account"
        Effect    = "Allow"
        Action    = "kms:*"
        Resource  = "*"
        Principal = { AWS = "arn:${data.aws_partition.here.partition}:iam::${data.aws_caller_identity.me.account_id}:root" }
      },
      {
        Sid       = "Alarms"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.me.account_id } }
      },
      {
        # CloudWatch Logs sends no source account with its calls: the group's
        # ARN, which it puts into the encryption context, says whose it is.
        Sid       = "Logs"
        Effect    = "Allow"
        Action    = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
        Resource  = "*"
        Principal = { Service = "logs.${data.aws_region.here.name}.amazonaws.com" }
        Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:${data.aws_partition.here.partition}:logs:${data.aws_region.here.name}:${data.aws_caller_identity.me.account_id}:log-group:/${var.name}/*" } }
      },
    ]
  })
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.id
}

locals {
  made = var.existing == "" ? 1 : 0
  # A secret that waits to be deleted keeps its name: apply, destroy and apply
  # again would end with "already exists".
  recovery_days = var.deletion_protection ? 30 : 0
}

data "aws_secretsmanager_secret" "existing" {
  count = 1 - local.made
  name  = var.existing
}

module "draw" {
  source    = "../draw"
  count     = local.made
  providers = { aws = aws.draw }
}

resource "aws_secretsmanager_secret" "cluster" {
  # checkov:skip=CKV2_AWS_57: every process must change at once; README: rotation
  count       = local.made
  name        = "${var.name}/cluster"
  description = "Each role's keys are drawn from it; for brokers alone"
  kms_key_id  = aws_kms_key.this.arn

  recovery_window_in_days = local.recovery_days
}

resource "aws_secretsmanager_secret_version" "cluster" {
  count                    = local.made
  secret_id                = aws_secretsmanager_secret.cluster[0].id
  secret_string_wo         = module.draw[0].password
  secret_string_wo_version = 1
}

# Filled by the brokers, read by the machines of one role each.
resource "aws_secretsmanager_secret" "keys" {
  # checkov:skip=CKV2_AWS_57: drawn from the cluster's secret; README: rotation
  for_each    = toset(["persister", "edge"])
  name        = "${var.name}/keys/${each.key}"
  description = "Keys of ${each.key}s"
  kms_key_id  = aws_kms_key.this.arn

  recovery_window_in_days = local.recovery_days
  dynamic "replica" {
    for_each = each.key == "edge" ? var.replica_regions : []
    content { region = replica.value }
  }
}

data "aws_secretsmanager_random_password" "redis" {
  password_length     = 64
  exclude_punctuation = true
}

# The data source draws anew at each plan; this keeps the first.
resource "terraform_data" "redis" {
  input = data.aws_secretsmanager_random_password.redis.random_password
  lifecycle { ignore_changes = [input] }
}

resource "aws_secretsmanager_secret" "redis" {
  # checkov:skip=CKV2_AWS_57: rotated by hand in two steps; README: rotation
  name        = "${var.name}/redis"
  description = "Redis's password"
  kms_key_id  = aws_kms_key.this.arn

  recovery_window_in_days = local.recovery_days
}

resource "aws_secretsmanager_secret_version" "redis" {
  secret_id                = aws_secretsmanager_secret.redis.id
  secret_string_wo         = terraform_data.redis.output
  secret_string_wo_version = 1
}

output "key_policy" { value = aws_kms_key.this.policy }
output "recovery_days" { value = local.recovery_days }
output "kms_key_arn" { value = aws_kms_key.this.arn }
output "cluster_arn" { value = one(concat(aws_secretsmanager_secret.cluster[*].arn, data.aws_secretsmanager_secret.existing[*].arn)) }
output "key_arns" {
  description = "By role, where its machines read their keys"
  value       = { for role, secret in aws_secretsmanager_secret.keys : role => secret.arn }
}
output "cluster_name" { value = local.made == 1 ? aws_secretsmanager_secret.cluster[0].name : var.existing }
output "redis_arn" { value = aws_secretsmanager_secret.redis.arn }
output "redis_name" { value = aws_secretsmanager_secret.redis.name }
output "redis_password" {
  value     = terraform_data.redis.output
  sensitive = true
}
# Whoever reads a secret at boot must come after its value.
output "ready" { value = concat(aws_secretsmanager_secret_version.cluster[*].id, [aws_secretsmanager_secret_version.redis.id]) }
