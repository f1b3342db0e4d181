# SPDX-License-Identifier: Apache-2.0
#
# Two persisters in two zones, one writing and one ready; both answer look-ups.
# Found as persister-1.CLUSTER.internal, as the brokers are.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "common" { type = any } # see root's locals
variable "zones" { type = number }
variable "dns_zone" { type = object({ id = string, name = string }) }
variable "brokers" { type = list(string) }
variable "history" {
  type = object({ url = string, statements = any, secret_name = string, secret_arn = string })
}
variable "instance_type" { type = string }
variable "security_group" { type = string }
variable "log_group" { type = object({ name = string, arn = string }) }

data "aws_partition" "here" {}

locals { count = 2 }

module "box" {
  source          = "../box"
  count           = local.count
  name            = "${var.common.name}-persister-${count.index + 1}"
  cluster         = var.common.name
  role            = "persister"
  vpc_id          = var.common.vpc_id
  subnets         = [var.common.subnets[count.index % var.zones]]
  instance_type   = var.instance_type
  architecture    = var.common.architecture
  ami_id          = var.common.ami_id
  kms_key_arn     = var.common.kms_key_arn
  security_groups = [var.security_group]
  software        = var.common.software
  log_group_arn   = var.log_group.arn
  secret_arns     = compact([var.common.secret_arn, var.history.secret_arn])
  secret_key_arns = [var.common.kms_key_arn]
  boot_depends_on = var.common.ready
  size            = { min = 1, max = 1 }
  statements = concat(var.history.statements, [{
    Sid      = "OwnName"
    Effect   = "Allow"
    Action   = ["route53:ChangeResourceRecordSets"]
    Resource = ["arn:${data.aws_partition.here.partition}:route53:::hostedzone/${var.dns_zone.id}"]
    Condition = {
      "ForAllValues:StringEquals" = {
        "route53:ChangeResourceRecordSetsNormalizedRecordNames" = ["persister-${count.index + 1}.${var.dns_zone.name}"]
        "route53:ChangeResourceRecordSetsRecordTypes"           = ["A"]
        "route53:ChangeResourceRecordSetsActions"               = ["UPSERT"]
      }
    }
  }])
  aws_env = {
    LOG_GROUP      = var.log_group.name
    CLUSTER_SECRET = var.common.secret_name
    DNS_ZONE       = var.dns_zone.id
    DNS_NAME       = "persister-${count.index + 1}.${var.dns_zone.name}"
    STORE          = var.history.url
    STORE_SECRET   = coalesce(var.history.secret_name, "-")
  }
  settings = {
    name         = "persister-${count.index + 1}"
    bind         = "tcp://0.0.0.0:7710"
    brokers      = join(",", var.brokers)
    metrics_port = "9103"
  }
}

output "groups" { value = module.box[*].group }
output "endpoints" { value = [for i in range(local.count) : "tcp://persister-${i + 1}.${var.dns_zone.name}:7710"] }
output "policies" { value = module.box[*].policy }
output "user_data" { value = module.box[*].user_data }
