# SPDX-License-Identifier: Apache-2.0
#
# A canvas for some thousands: one edge, the smallest machines, AWS's own names.

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
  description = "What `make deb` built; the machines are of its architecture"
  type        = string
}

variable "region" {
  description = "Where"
  type        = string
  default     = "eu-central-1"
}

locals {
  family = endswith(var.package_file, "_amd64.deb") ? "t3" : "t4g"
}

module "stipple" {
  source       = "../.."
  name         = "stipple-small"
  package_file = var.package_file
  region       = var.region

  edge_count              = { min = 1, max = 2 }
  edge_instance_type      = "${local.family}.small"
  broker_instance_type    = "${local.family}.small"
  persister_instance_type = "${local.family}.micro"
  state_node_type         = "cache.t4g.micro"
  edge_connections        = 5000
  deletion_protection     = false
}

output "url" { value = module.stipple.url }
output "websocket" { value = module.stipple.websocket }
output "session_example" { value = module.stipple.session_example }
