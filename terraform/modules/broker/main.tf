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
variable "cluster_secret" {
  description = "What all keys are drawn from, and where they are put for the other roles"
  type        = object({ name = string, arn = string, key_arns = list(string) })
}
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
  secret_arns    = concat([var.redis.secret_arn, var.cluster_secret.arn], var.cluster_secret.key_arns)
  statements = [
    {
      Sid      = "PublishKeys"
      Effect   = "Allow"
      Action   = ["secretsmanager:PutSecretValue"]
      Resource = var.cluster_secret.key_arns
    },
    {
      Sid       = "PublishKeysKey"
      Effect    = "Allow"
      Action    = ["kms:GenerateDataKey"]
      Resource  = [var.common.kms_key_arn]
      Condition = { StringLike = { "kms:ViaService" = "secretsmanager.*.amazonaws.com" } }
    },
  ]
  aws_env = {
    CLUSTER_SECRET = var.cluster_secret.name
    REDIS_SECRET   = var.redis.secret_name
    REDIS_HOST     = var.redis.host
    REDIS_USER     = var.redis.user
  }
  settings = {
    size         = var.canvas.size
    bits         = tostring(var.canvas.bits)
    cooldown_ms  = tostring(var.canvas.cooldown_ms)
    metrics_port = "9101"
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
