# SPDX-License-Identifier: Apache-2.0
#
# The edges of one region: as many as the viewers need. Out when CPU, memory or
# sessions an instance run high; in only when sessions fall, because a quiet CPU
# says nothing about how many would have to reconnect.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "common" { type = any } # see root's locals
variable "brokers" { type = list(string) }
variable "persisters" { type = list(string) }
variable "instance_type" { type = string }
variable "size" { type = object({ min = number, max = number }) }
variable "connections" { type = number }
variable "warm_pool" { type = number }
variable "drain_seconds" { type = number }
variable "settings" { type = map(string) }
variable "trusted_proxies" { type = list(string) }
variable "endpoints" { type = list(string) }
variable "security_group" { type = string }
variable "target_group" { type = string }
variable "log_group" { type = object({ name = string, arn = string }) }

module "box" {
  source          = "../box"
  name            = "${var.common.name}-edge"
  cluster         = var.common.name
  role            = "edge"
  vpc_id          = var.common.vpc_id
  subnets         = var.common.subnets
  instance_type   = var.instance_type
  architecture    = var.common.architecture
  ami_id          = var.common.ami_id
  kms_key_arn     = var.common.kms_key_arn
  security_groups = [var.security_group]
  software        = var.common.software
  log_group_arn   = var.log_group.arn
  secret_arns     = [var.common.secret_arn]
  secret_key_arns = [var.common.kms_key_arn]
  boot_depends_on = var.common.ready
  size            = var.size
  warm_pool       = var.warm_pool
  drain_seconds   = var.drain_seconds
  target_groups   = [var.target_group]
  statements      = []
  aws_env = {
    LOG_GROUP      = var.log_group.name
    CLUSTER_SECRET = var.common.secret_name
  }
  settings = merge({
    brokers         = join(",", var.brokers)
    persisters      = join(",", var.persisters)
    endpoints       = join(",", var.endpoints)
    trusted_proxies = join(",", var.trusted_proxies)
    drain_ms        = tostring(var.drain_seconds * 1000)
    web_dir         = "/usr/share/stipple/web"
    metrics_port    = "9102"
  }, var.settings)
}

locals {
  targets = {
    cpu         = { metric = null, value = 70, in = false }
    memory      = { metric = "MemoryUsed", value = 70, in = false }
    connections = { metric = "Connections", value = var.connections, in = true }
  }
}

resource "aws_autoscaling_policy" "this" {
  for_each               = local.targets
  name                   = each.key
  autoscaling_group_name = module.box.group
  policy_type            = "TargetTrackingScaling"
  target_tracking_configuration {
    target_value     = each.value.value
    disable_scale_in = !each.value.in
    dynamic "predefined_metric_specification" {
      for_each = each.value.metric == null ? [1] : []
      content { predefined_metric_type = "ASGAverageCPUUtilization" }
    }
    dynamic "customized_metric_specification" {
      for_each = each.value.metric == null ? [] : [1]
      content {
        namespace   = "Stipple"
        metric_name = each.value.metric
        statistic   = "Average" # over the group's instances
        metric_dimension {
          name  = "Group"
          value = module.box.group
        }
      }
    }
  }
}

output "group" { value = module.box.group }
output "policy" { value = module.box.policy }
output "user_data" { value = module.box.user_data }
