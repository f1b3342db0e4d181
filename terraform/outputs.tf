# SPDX-License-Identifier: Apache-2.0

output "url" {
  description = "The page"
  value = (local.tls ? "https://${var.domain}/"
  : var.cdn ? "https://${module.cdn[0].dns_name}/" : "http://${module.front.dns_name}/")
}

output "websocket" {
  description = "Where clients connect"
  value = (local.tls ? "wss://live.${var.domain}/api/v1/ws"
  : var.cdn ? "wss://${module.cdn[0].dns_name}/api/v1/ws" : "ws://${module.front.dns_name}/api/v1/ws")
}

output "brokers" {
  description = "For stipplectl --brokers, on a machine of the cluster"
  value       = module.broker.endpoints
}

output "groups" {
  description = "Auto Scaling groups"
  value       = concat(module.broker.groups, module.persister.groups, [module.edge.group], module.satellite[*].group)
}

output "store" {
  description = "The persisters' store"
  value       = module.history.url
}

output "secret" {
  description = "Name of the cluster's secret in Secrets Manager"
  value       = module.secrets.cluster_name
}

output "alarms_topic" {
  description = "SNS topic of the alarms"
  value       = module.observability.topic
}

output "dashboard" {
  description = "Name of the CloudWatch dashboard"
  value       = module.observability.dashboard
}

output "session_example" {
  description = "A shell on an edge, without SSH"
  value       = "aws ssm start-session --region ${var.region} --target $(aws ec2 describe-instances --region ${var.region} --filters Name=tag:Name,Values=${module.edge.group} Name=instance-state-name,Values=running --query 'Reservations[0].Instances[0].InstanceId' --output text)"
}
