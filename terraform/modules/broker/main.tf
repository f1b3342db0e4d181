# SPDX-License-Identifier: Apache-2.0
#
# Two brokers, each the only machine of a group in a zone of its own, found
# under a name that does not change: broker-1.CLUSTER.internal. A machine
# registers itself when it boots, and its role lets it write that name alone.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "common" { type = any } # see root's locals
variable "zones" { type = number }
variable "dns_zone" { type = object({ id = string, name = string }) }
variable "redis" { type = object({ host = string, user = string, secret_name = string, secret_arn = string }) }
variable "canvas" { type = object({ size = string, bits = number, cooldown_ms = number }) }
variable "instance_type" { type = string }
variable "security_group" { type = string }
variable "log_group" { type = object({ name = string, arn = string }) }

data "aws_partition" "here" {}

locals { count = 2 }

module "box" {
  source          = "../box"
  count           = local.count
  name            = "${var.common.name}-broker-${count.index + 1}"
  cluster         = var.common.name
  role            = "broker"
  vpc_id          = var.common.vpc_id
  subnets         = [var.common.subnets[count.index % var.zones]]
  instance_type   = var.instance_type
  architecture    = var.common.architecture
  ami_id          = var.common.ami_id
  kms_key_arn     = var.common.kms_key_arn
  security_groups = [var.security_group]
  software        = var.common.software
  log_group_arn   = var.log_group.arn
  secret_arns     = [var.common.secret_arn, var.redis.secret_arn]
  secret_key_arns = [var.common.kms_key_arn]
  boot_depends_on = var.common.ready
  size            = { min = 1, max = 1 }
  statements = [{
    Sid      = "OwnName"
    Effect   = "Allow"
    Action   = ["route53:ChangeResourceRecordSets"]
    Resource = ["arn:${data.aws_partition.here.partition}:route53:::hostedzone/${var.dns_zone.id}"]
    Condition = {
      "ForAllValues:StringEquals" = {
        "route53:ChangeResourceRecordSetsNormalizedRecordNames" = ["broker-${count.index + 1}.${var.dns_zone.name}"]
        "route53:ChangeResourceRecordSetsRecordTypes"           = ["A"]
        "route53:ChangeResourceRecordSetsActions"               = ["UPSERT"]
      }
    }
  }]
  aws_env = {
    LOG_GROUP      = var.log_group.name
    CLUSTER_SECRET = var.common.secret_name
    DNS_ZONE       = var.dns_zone.id
    DNS_NAME       = "broker-${count.index + 1}.${var.dns_zone.name}"
    REDIS_SECRET   = var.redis.secret_name
    REDIS_HOST     = var.redis.host
    REDIS_USER     = var.redis.user
  }
  settings = {
    name         = "broker-${count.index + 1}"
    bind         = "tcp://0.0.0.0:7700"
    size         = var.canvas.size
    bits         = tostring(var.canvas.bits)
    cooldown_ms  = tostring(var.canvas.cooldown_ms)
    metrics_port = "9101"
  }
}

output "groups" { value = module.box[*].group }
output "endpoints" { value = [for i in range(local.count) : "tcp://broker-${i + 1}.${var.dns_zone.name}:7700"] }
output "policies" { value = module.box[*].policy }
output "user_data" { value = module.box[*].user_data }
