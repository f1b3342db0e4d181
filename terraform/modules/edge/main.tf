# SPDX-License-Identifier: Apache-2.0
#
# The edges of one region: as many as the viewers need. Out when CPU, memory or
# sessions an instance run high; in only when sessions fall, because a quiet CPU
# says nothing about how many would have to reconnect.

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
variable "brokers" { type = list(string) }
variable "persisters" { type = list(string) }
variable "key_arn" { type = string } # of the secret with the edges' keys
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
  source         = "../box"
  common         = var.common
  name           = "${var.common.name}-edge"
  role           = "edge"
  instance_type  = var.instance_type
  security_group = var.security_group
  log_group      = var.log_group
  size           = var.size
  warm_pool      = var.warm_pool
  drains         = true
  secret_arns    = [var.key_arn]
  target_groups  = [var.target_group]
  aws_env        = { TRUSTED_PROXIES = aws_ssm_parameter.trusted_proxies.name }
  statements = [{
    Sid      = "TrustedProxies"
    Effect   = "Allow"
    Action   = ["ssm:GetParameter"]
    Resource = [aws_ssm_parameter.trusted_proxies.arn]
  }]
  settings = merge({
    brokers      = join(",", var.brokers)
    persisters   = join(",", var.persisters)
    endpoints    = join(",", var.endpoints)
    drain_ms     = tostring(var.drain_seconds * 1000)
    web_dir      = "/usr/share/stipple/web"
    metrics_port = "9102"
  }, var.settings)
}

# Read by each edge when it boots, and not in its user data: CloudFront's list
# changes every few weeks, and an apply must not replace the edges for that.
resource "aws_ssm_parameter" "trusted_proxies" {
  # checkov:skip=CKV_AWS_337: addresses that AWS publishes
  # checkov:skip=CKV2_AWS_34: addresses that AWS publishes
  name        = "/${var.common.name}/edge/trusted-proxies"
  description = "Whose X-Forwarded-For the edges believe"
  type        = "String"
  tier        = "Advanced" # the list is longer than 4 KiB at times
  value       = join(",", var.trusted_proxies)
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

output "trusted_proxies" { value = nonsensitive(aws_ssm_parameter.trusted_proxies.value) }
output "tags" { value = module.box.tags }
output "hooks" { value = module.box.hooks }
output "image" { value = module.box.image }
output "group" { value = module.box.group }
output "policy" { value = module.box.policy }
output "user_data" { value = module.box.user_data }
