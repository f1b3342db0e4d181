# SPDX-License-Identifier: Apache-2.0
#
# r/place for 300,000 viewers, with a domain, a durable log and a warm pool.
# docs/capacity.md has the arithmetic.

terraform {
  required_version = ">= 1.11"
  # State holds one password (modules/secrets): keep it encrypted and locked.
  # backend "s3" {
  #   bucket       = "my-terraform-state"
  #   key          = "stipple.tfstate"
  #   region       = "eu-central-1"
  #   encrypt      = true
  #   use_lockfile = true
  # }
}

variable "package_file" {
  description = "What `make deb` built on an arm64 machine"
  type        = string
}

variable "domain" {
  description = "canvas.example.org"
  type        = string
}

variable "zone_id" {
  description = "Route 53's zone that holds it"
  type        = string
}

variable "alarm_email" {
  description = "Gets alarms and the budget's"
  type        = string
}

module "stipple" {
  source       = "../.."
  name         = "stipple-event"
  package_file = var.package_file
  region       = "eu-central-1"
  domain       = var.domain
  zone_id      = var.zone_id
  alarm_email  = var.alarm_email
  budget_usd   = 20000

  zones        = 3
  nat_per_zone = true

  edge_instance_type = "c7g.xlarge" # 4 cores: 4 workers
  edge_connections   = 40000        # 10,000 a worker
  edge_count         = { min = 4, max = 16 }
  edge_warm_pool     = 4
  edge_settings      = { tick_min_ms = "100" } # ten diffs a second, whoever watches

  broker_instance_type    = "c7g.xlarge"
  persister_instance_type = "c7g.large"
  state                   = "memorydb"
  state_node_type         = "db.r7g.large"

  canvas = {
    size        = "2000x2000"
    bits        = 8
    cooldown_ms = 300000
  }
}

output "url" { value = module.stipple.url }
output "websocket" { value = module.stipple.websocket }
output "session_example" { value = module.stipple.session_example }
