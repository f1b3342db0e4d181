# SPDX-License-Identifier: Apache-2.0
#
# Two machines of one role, each the only one of a group in a zone of its own,
# found under a name that does not change: broker-1.CLUSTER.internal. A machine
# registers itself when it boots, and its role lets it write that name alone.

terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "common" { type = any } # see box
variable "role" { type = string }
variable "port" { type = number }
variable "dns_zone" { type = object({ id = string, name = string }) }
variable "instance_type" { type = string }
variable "security_group" { type = string }
variable "log_group" { type = object({ name = string, arn = string }) }
variable "secret_arns" { type = list(string) }
variable "statements" {
  description = "What the role may do beside a machine's and its name's"
  type        = any
  default     = []
}
variable "aws_env" { type = map(string) }
variable "settings" { type = map(string) }

data "aws_partition" "here" {}

locals {
  hosts = [for n in [1, 2] : "${var.role}-${n}"]
  names = [for host in local.hosts : "${host}.${var.dns_zone.name}"]
}

module "box" {
  source         = "../box"
  count          = 2
  common         = merge(var.common, { subnets = [var.common.subnets[count.index]] })
  name           = "${var.common.name}-${local.hosts[count.index]}"
  role           = var.role
  instance_type  = var.instance_type
  security_group = var.security_group
  log_group      = var.log_group
  secret_arns    = var.secret_arns
  size           = { min = 1, max = 1 }
  statements = concat([for s in var.statements : s], [{
    Sid      = "OwnName"
    Effect   = "Allow"
    Action   = ["route53:ChangeResourceRecordSets"]
    Resource = ["arn:${data.aws_partition.here.partition}:route53:::hostedzone/${var.dns_zone.id}"]
    Condition = {
      "ForAllValues:StringEquals" = {
        "route53:ChangeResourceRecordSetsNormalizedRecordNames" = [local.names[count.index]]
        "route53:ChangeResourceRecordSetsRecordTypes"           = ["A"]
        "route53:ChangeResourceRecordSetsActions"               = ["UPSERT"]
      }
    }
  }])
  aws_env = merge(var.aws_env, {
    DNS_ZONE = var.dns_zone.id
    DNS_NAME = local.names[count.index]
  })
  settings = merge(var.settings, {
    name = local.hosts[count.index]
    bind = "tcp://0.0.0.0:${var.port}"
  })
}

output "groups" { value = module.box[*].group }
output "endpoints" { value = [for name in local.names : "tcp://${name}:${var.port}"] }
output "policies" { value = module.box[*].policy }
output "user_data" { value = module.box[*].user_data }
