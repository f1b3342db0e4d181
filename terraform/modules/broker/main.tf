# SPDX-License-Identifier: Apache-2.0
#
# Two brokers, one leading and one ready. Redis is reached over TLS through
# 127.0.0.1 (packaging/aws/redis-tls.cfg.in).

terraform {
  required_version = ">= 1.11"
}

variable "common" { type = any } # see box
variable "dns_zone" { type = object({ id = string, name = string }) }
variable "redis" { type = object({ host = string, user = string, secret_name = string, secret_arn = string }) }
variable "canvas" { type = object({ size = string, bits = number, cooldown_ms = number }) }
variable "instance_type" { type = string }
variable "security_group" { type = string }
variable "log_group" { type = object({ name = string, arn = string }) }

module "pair" {
  source         = "../pair"
  common         = var.common
  role           = "broker"
  port           = 7700
  dns_zone       = var.dns_zone
  instance_type  = var.instance_type
  security_group = var.security_group
  log_group      = var.log_group
  secret_arns    = [var.redis.secret_arn]
  aws_env = {
    REDIS_SECRET = var.redis.secret_name
    REDIS_HOST   = var.redis.host
    REDIS_USER   = var.redis.user
  }
  settings = {
    size         = var.canvas.size
    bits         = tostring(var.canvas.bits)
    cooldown_ms  = tostring(var.canvas.cooldown_ms)
    metrics_port = "9101"
  }
}

output "groups" { value = module.pair.groups }
output "endpoints" { value = module.pair.endpoints }
output "policies" { value = module.pair.policies }
output "user_data" { value = module.pair.user_data }
