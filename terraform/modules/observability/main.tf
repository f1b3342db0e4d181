# SPDX-License-Identifier: Apache-2.0
#
# Alarms to one SNS topic, a dashboard, a budget. The processes' own figures
# are put by each machine every minute (aws-report in the package).

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
variable "kms_key_arn" { type = string }
variable "alarm_email" { type = string }
variable "budget_usd" { type = number }
variable "brokers" { type = object({ group = string, processes = list(string) }) }
variable "persisters" { type = object({ group = string, processes = list(string) }) }
variable "edges" { type = string }       # group
variable "second" { type = map(string) } # region => group of its edges
variable "edge_max" { type = number }
variable "load_balancer" { type = string } # ARN's suffix
variable "target_group" { type = string }
variable "state" { type = object({ namespace = string, nodes = list(map(string)) }) }
variable "tables" { type = list(string) }

data "aws_region" "here" {}

resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = var.kms_key_arn
}

resource "aws_sns_topic_subscription" "email" {
  count     = var.alarm_email == "" ? 0 : 1
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

locals {
  # Every alarm as a row. `missing`: what silence means.
  simple = {
    edges-all-used = {
      # Not by an apply in the middle of an event: that takes all that changed
      # since the last one.
      text  = "As many edges as allowed: aws autoscaling update-auto-scaling-group --auto-scaling-group-name ${var.edges} --max-size N, and edge_count.max later"
      space = "AWS/AutoScaling", metric = "GroupInServiceInstances", dimensions = { AutoScalingGroupName = var.edges }
      stat  = "Maximum", op = "GreaterThanOrEqualToThreshold", threshold = var.edge_max, minutes = 5, missing = "notBreaching"
    }
    edges-none-healthy = {
      text  = "No edge passes /readyz" # as each zone's balancer sees it
      space = "AWS/ApplicationELB", metric = "HealthyHostCount", dimensions = { LoadBalancer = var.load_balancer, TargetGroup = var.target_group }
      stat  = "Maximum", op = "LessThanThreshold", threshold = 1, minutes = 2, missing = "breaching"
    }
    front-errors = {
      text  = "The edges answer 5xx"
      space = "AWS/ApplicationELB", metric = "HTTPCode_Target_5XX_Count", dimensions = { LoadBalancer = var.load_balancer }
      stat  = "Sum", op = "GreaterThanThreshold", threshold = 100, minutes = 5, missing = "notBreaching"
    }
    placements-unavailable = {
      text  = "People's placements are refused as unavailable"
      space = "Stipple", metric = "Unavailable", dimensions = { Cluster = var.name }
      stat  = "Sum", op = "GreaterThanThreshold", threshold = 20, minutes = 3, missing = "notBreaching"
    }
    network-allowance = {
      text  = "A machine's network card holds packets up: its type allows no more bandwidth or packets. Now: stipplectl set tick_ms 250; later a larger type (docs/capacity.md)"
      space = "Stipple", metric = "PacketsHeld", dimensions = { Cluster = var.name }
      stat  = "Maximum", op = "GreaterThanThreshold", threshold = 100, minutes = 5, missing = "notBreaching"
    }
    logs-behind = {
      text  = "A machine's logs are ten minutes behind"
      space = "Stipple", metric = "LogsBehind", dimensions = { Cluster = var.name }
      stat  = "Maximum", op = "GreaterThanThreshold", threshold = 600, minutes = 5, missing = "notBreaching"
    }
    placements-unrecorded = {
      text  = "A million placements wait for the store; at log_limit placing stops"
      space = "Stipple", metric = "Unconfirmed", dimensions = { Cluster = var.name }
      stat  = "Maximum", op = "GreaterThanThreshold", threshold = 1000000, minutes = 5, missing = "notBreaching"
    }
    store-behind = {
      text  = "The oldest placement not yet in the store has waited a minute (docs/runbook.md, StoreBehind)"
      space = "Stipple", metric = "StoreBehind", dimensions = { Cluster = var.name }
      stat  = "Maximum", op = "GreaterThanThreshold", threshold = 60000, minutes = 2, missing = "notBreaching"
    }
    redis-full = {
      text  = "Redis refuses commits: placing is unavailable (docs/runbook.md, RedisFull)"
      space = "Stipple", metric = "RedisFull", dimensions = { Cluster = var.name }
      stat  = "Maximum", op = "GreaterThanThreshold", threshold = 0, minutes = 1, missing = "notBreaching"
    }
    door-refuses = {
      text  = "An edge refuses more than one socket or handshake per second (docs/runbook.md, DoorRefuses)"
      space = "Stipple", metric = "Refused", dimensions = { Cluster = var.name }
      stat  = "Maximum", op = "GreaterThanThreshold", threshold = 60, minutes = 2, missing = "notBreaching"
    }
    no-leader = {
      text  = "No broker leads: placing is unavailable"
      space = "Stipple", metric = "Leading", dimensions = { Cluster = var.name }
      stat  = "Maximum", op = "LessThanThreshold", threshold = 1, minutes = 2, missing = "breaching"
    }
    no-persister = {
      text  = "No persister writes: look-ups fail and the log grows"
      space = "Stipple", metric = "Active", dimensions = { Cluster = var.name }
      stat  = "Maximum", op = "LessThanThreshold", threshold = 1, minutes = 3, missing = "breaching"
    }
  }
  state = { for i, node in var.state.nodes : "state-memory-${i + 1}" => {
    text  = "Redis is at 80 % of its memory: a commit will be refused at 100 %"
    space = var.state.namespace, metric = "DatabaseMemoryUsagePercentage", dimensions = node
    stat  = "Maximum", op = "GreaterThanThreshold", threshold = 80, minutes = 5, missing = "notBreaching"
  } }
  tables = { for t in var.tables : "throttled-${t}" => {
    text  = "DynamoDB throttles ${t}: the log grows meanwhile"
    space = "AWS/DynamoDB", metric = "WriteThrottleEvents", dimensions = { TableName = t }
    stat  = "Sum", op = "GreaterThanThreshold", threshold = 100, minutes = 5, missing = "notBreaching"
  } }
  # What a process puts is missing where its machine or itself is down.
  lone = merge([for metric, pair in { Leading = var.brokers, Active = var.persisters } : {
    for p in pair.processes : "down-${p}" => {
      text  = "${p} is down; its peer carries on"
      space = "Stipple", metric = metric, dimensions = { Cluster = var.name, Process = p }
      stat  = "SampleCount", op = "LessThanThreshold", threshold = 1, minutes = 10, missing = "breaching"
    }
  }]...)
  alarms = merge(local.simple, local.state, local.tables, local.lone)
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = local.alarms
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.text
  namespace           = each.value.space
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.stat
  comparison_operator = each.value.op
  threshold           = each.value.threshold
  period              = 60
  evaluation_periods  = each.value.minutes
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

locals {
  edges   = merge({ (data.aws_region.here.name) = var.edges }, var.second)
  regions = keys(local.edges)
  graphs = [
    { title = "Viewers", stat = "Sum", metrics = [for r in local.regions : ["Stipple", "Connections", "Cluster", var.name, { region = r }]] },
    { title = "Edges in service", stat = "Average", metrics = [for r in local.regions : ["AWS/AutoScaling", "GroupInServiceInstances", "AutoScalingGroupName", local.edges[r], { region = r }]] },
    { title = "CPU of edges and brokers, %", stat = "Maximum", metrics = [for g in [var.edges, var.brokers.group] : ["AWS/EC2", "CPUUtilization", "AutoScalingGroupName", g]] },
    { title = "Placements accepted a minute", stat = "Sum", metrics = [["Stipple", "Placed", "Cluster", var.name]] },
    { title = "Placements not yet recorded", stat = "Maximum", metrics = [["Stipple", "Unconfirmed", "Cluster", var.name]] },
    { title = "Redis's memory, %", stat = "Maximum", metrics = [for node in var.state.nodes : concat([var.state.namespace, "DatabaseMemoryUsagePercentage"], flatten([for k, v in node : [k, v]]))] },
    { title = "Edges' answers", stat = "Sum", metrics = [for c in ["2XX", "4XX", "5XX"] : ["AWS/ApplicationELB", "HTTPCode_Target_${c}_Count", "LoadBalancer", var.load_balancer]] },
    { title = "Leader and writer", stat = "Maximum", metrics = [["Stipple", "Leading", "Cluster", var.name], ["Stipple", "Active", "Cluster", var.name]] },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = [for i, g in local.graphs : {
      type       = "metric", x = 12 * (i % 2), y = 6 * floor(i / 2), width = 12, height = 6
      properties = { title = g.title, stat = g.stat, period = 60, region = data.aws_region.here.name, view = "timeSeries", metrics = g.metrics }
    }]
  })
}

resource "aws_budgets_budget" "this" {
  count        = var.budget_usd > 0 ? 1 : 0
  name         = var.name
  budget_type  = "COST"
  limit_amount = tostring(var.budget_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"
  cost_filter {
    name   = "TagKeyValue"
    values = [format("user:Application$%s", var.name)]
  }
  dynamic "notification" {
    for_each = [80, 100]
    content {
      comparison_operator        = "GREATER_THAN"
      threshold                  = notification.value
      threshold_type             = "PERCENTAGE"
      notification_type          = "ACTUAL"
      subscriber_email_addresses = [var.alarm_email]
    }
  }
}

output "topic" { value = aws_sns_topic.alarms.arn }
output "texts" { value = { for name, alarm in local.alarms : name => alarm.text } }
output "budget_filter" { value = one(one(aws_budgets_budget.this[*].cost_filter)[*]) }
output "alarms" { value = keys(local.alarms) }
output "dashboard" { value = aws_cloudwatch_dashboard.this.dashboard_name }
