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
  description = "For stipplectl --brokers, on a broker's machine: no other may reach their control port"
  value       = module.broker.endpoints
}

output "groups" {
  description = "Auto Scaling groups"
  value       = concat([module.broker.group, module.persister.group, module.edge.group], module.satellite[*].group)
}

output "user_data" {
  description = "Digests of what the machines are told: which of them an apply would replace"
  value       = { for role, text in { broker = module.broker.user_data, persister = module.persister.user_data, edge = module.edge.user_data } : role => sha256(text) }
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
  description = "A shell on a broker, without SSH: stipplectl works there. Needs ssm_agent_file, or an image that has the agent"
  value       = "aws ssm start-session --region ${var.region} --target $(aws ec2 describe-instances --region ${var.region} --filters Name=tag:Name,Values=${module.broker.group} Name=instance-state-name,Values=running --query 'Reservations[0].Instances[0].InstanceId' --output text)"
}
