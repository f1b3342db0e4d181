# SPDX-License-Identifier: Apache-2.0
#
# Two machines of one role in one group over all zones, found under two names
# that do not change: broker-1.CLUSTER.internal and -2. A machine claims a free
# name when it boots (packaging/aws/aws-boot), wherever it stands, so a lost
# zone costs neither name. One group, because a group replaces its machines one
# at a time, and two groups know nothing of each other.

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
  description = "What the role may do beside a machine's and its names'"
  type        = any
  default     = []
}
variable "aws_env" { type = map(string) }
variable "settings" { type = map(string) }

data "aws_partition" "here" {}

locals {
  names = [for n in [1, 2] : "${var.role}-${n}.${var.dns_zone.name}"]
  zone  = "arn:${data.aws_partition.here.partition}:route53:::hostedzone/${var.dns_zone.id}"
}

module "box" {
  source         = "../box"
  common         = var.common
  name           = "${var.common.name}-${var.role}"
  role           = var.role
  instance_type  = var.instance_type
  security_group = var.security_group
  log_group      = var.log_group
  secret_arns    = var.secret_arns
  size           = { min = 2, max = 2 }
  pair           = true
  statements = concat([for s in var.statements : s], [
    {
      Sid      = "OwnNames"
      Effect   = "Allow"
      Action   = ["route53:ChangeResourceRecordSets"]
      Resource = [local.zone]
      Condition = {
        "ForAllValues:StringEquals" = {
          "route53:ChangeResourceRecordSetsNormalizedRecordNames" = local.names
          "route53:ChangeResourceRecordSetsRecordTypes"           = ["A"]
          "route53:ChangeResourceRecordSetsActions"               = ["CREATE", "DELETE"]
        }
      }
    },
    {
      Sid      = "ReadNames"
      Effect   = "Allow"
      Action   = ["route53:ListResourceRecordSets"]
      Resource = [local.zone]
    },
    {
      # Which of the two names belongs to a machine that lives.
      Sid      = "ReadMachines"
      Effect   = "Allow"
      Action   = ["ec2:DescribeInstances"] # knows no resources
      Resource = ["*"]
    },
  ])
  aws_env = merge(var.aws_env, {
    DNS_ZONE   = var.dns_zone.id
    DNS_DOMAIN = var.dns_zone.name
  })
  settings = merge(var.settings, { bind = "tcp://0.0.0.0:${var.port}" })
}

output "group" { value = module.box.group }
output "endpoints" { value = [for name in local.names : "tcp://${name}:${var.port}"] }
output "processes" { value = [for n in [1, 2] : "${var.role}-${n}"] }
output "policy" { value = module.box.policy }
output "user_data" { value = module.box.user_data }
output "tags" { value = module.box.tags }
output "subnets" { value = module.box.subnets }
output "maintenance" { value = module.box.maintenance }
output "rollout" { value = module.box.rollout }
output "image" { value = module.box.image }
