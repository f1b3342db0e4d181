# SPDX-License-Identifier: Apache-2.0
#
# Two persisters, one writing and one ready; both answer look-ups.

terraform {
  required_version = ">= 1.11"
}

variable "common" { type = any } # see box
variable "dns_zone" { type = object({ id = string, name = string }) }
variable "brokers" { type = list(string) }
variable "key_arn" { type = string } # of the secret with the persisters' keys
variable "history" {
  type = object({ url = string, statements = any, secret_name = string, secret_arn = string })
}
variable "instance_type" { type = string }
variable "security_group" { type = string }
variable "log_group" { type = object({ name = string, arn = string }) }

module "pair" {
  source         = "../pair"
  common         = var.common
  role           = "persister"
  port           = 7710
  dns_zone       = var.dns_zone
  instance_type  = var.instance_type
  security_group = var.security_group
  log_group      = var.log_group
  secret_arns    = compact([var.key_arn, var.history.secret_arn])
  statements     = var.history.statements
  aws_env = {
    STORE        = var.history.url
    STORE_SECRET = coalesce(var.history.secret_name, "-")
  }
  settings = {
    brokers      = join(",", var.brokers)
    metrics_port = "9103"
  }
}

output "group" { value = module.pair.group }
output "endpoints" { value = module.pair.endpoints }
output "processes" { value = module.pair.processes }
output "policy" { value = module.pair.policy }
output "user_data" { value = module.pair.user_data }
output "tags" { value = module.pair.tags }
output "subnets" { value = module.pair.subnets }
output "maintenance" { value = module.pair.maintenance }
output "rollout" { value = module.pair.rollout }
output "image" { value = module.pair.image }
