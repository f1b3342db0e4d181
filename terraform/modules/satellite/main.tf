# SPDX-License-Identifier: Apache-2.0
#
# Edges in a second region that follow the first one's brokers over a peered
# network; every message is encrypted and authenticated (CURVE).

terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source                = "hashicorp/aws"
      version               = "~> 5.100"
      configuration_aliases = [aws, aws.home]
    }
  }
}

variable "name" { type = string }
variable "region" { type = object({ region = string, vpc_cidr = string, min = number, max = number }) }
variable "home" {
  type = object({ region = string, vpc_id = string, cidr = string, route_tables = list(string), dns_zone = string, broker_group = string, persister_group = string })
}
variable "network" { type = object({ zones = number, nat_per_zone = bool, flow_logs = bool, log_retention_days = number }) }
variable "common" { type = any }     # see box; subnets are our own
variable "key_arn" { type = string } # of the secret with the edges' keys, here
variable "image" { type = object({ architecture = string, refresh = string }) }
variable "edge" { type = any } # see root's locals
variable "domain" { type = string }
variable "public_zone" { type = string }
variable "waf" { type = object({ rate = number, block = bool }) }
variable "cdn_cidrs" { type = list(string) }
variable "deletion_protection" { type = bool }
variable "capacity_units" { type = number } # LCUs kept ready; 0: none

module "image" {
  source       = "../image"
  ami_id       = "" # another region's image has another id
  architecture = var.image.architecture
  refresh      = var.image.refresh
}

module "network" {
  source             = "../network"
  name               = var.name
  cidr               = var.region.vpc_cidr
  zones              = var.network.zones
  nat_per_zone       = var.network.nat_per_zone
  flow_logs          = var.network.flow_logs
  log_retention_days = var.network.log_retention_days
  kms_key_arn        = null # the key is the first region's
}

resource "aws_vpc_peering_connection" "home" {
  vpc_id      = module.network.vpc_id
  peer_vpc_id = var.home.vpc_id
  peer_region = var.home.region
  tags        = { Name = var.name }
}

resource "aws_vpc_peering_connection_accepter" "home" {
  provider                  = aws.home
  vpc_peering_connection_id = aws_vpc_peering_connection.home.id
  auto_accept               = true
}

resource "aws_route" "there" {
  count                     = var.network.zones
  route_table_id            = module.network.private_route_tables[count.index]
  destination_cidr_block    = var.home.cidr
  vpc_peering_connection_id = aws_vpc_peering_connection_accepter.home.id
}

resource "aws_route" "back" {
  provider                  = aws.home
  count                     = var.network.zones
  route_table_id            = var.home.route_tables[count.index]
  destination_cidr_block    = var.region.vpc_cidr
  vpc_peering_connection_id = aws_vpc_peering_connection_accepter.home.id
}

resource "aws_route53_zone_association" "here" {
  zone_id    = var.home.dns_zone
  vpc_id     = module.network.vpc_id
  vpc_region = var.region.region
}

resource "aws_vpc_security_group_ingress_rule" "brokers" {
  provider          = aws.home
  security_group_id = var.home.broker_group
  description       = "Edges of ${var.region.region}"
  cidr_ipv4         = var.region.vpc_cidr
  ip_protocol       = "tcp"
  from_port         = 7700
  to_port           = 7701 # ingress and feed
}

resource "aws_vpc_security_group_ingress_rule" "persisters" {
  provider          = aws.home
  security_group_id = var.home.persister_group
  description       = "Edges of ${var.region.region}"
  cidr_ipv4         = var.region.vpc_cidr
  ip_protocol       = "tcp"
  from_port         = 7710
  to_port           = 7710
}

resource "aws_security_group" "edge" {
  # checkov:skip=CKV2_AWS_5: given to the group's machines by the box module
  name        = "${var.name}-edge"
  description = "Edges"
  vpc_id      = module.network.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "edge" {
  # checkov:skip=CKV_AWS_382: packages, AWS's services and brokers in another network
  security_group_id = aws_security_group.edge.id
  description       = "All"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

resource "aws_cloudwatch_log_group" "edge" {
  # checkov:skip=CKV_AWS_158: the key is the first region's; encrypted with CloudWatch's own
  # checkov:skip=CKV_AWS_338: retention is the operator's choice
  name              = "/${var.name}/edge"
  retention_in_days = var.network.log_retention_days
}

module "certificate" {
  source  = "../certificate"
  names   = ["live.${var.domain}"]
  zone_id = var.public_zone
}

module "front" {
  source              = "../front"
  name                = var.name
  vpc_id              = module.network.vpc_id
  subnets             = module.network.public_subnets
  edges               = aws_security_group.edge.id
  certificate_arn     = module.certificate.arn
  tls                 = true
  drain_seconds       = var.edge.drain_seconds
  waf                 = var.waf
  cdn_cidrs           = var.cdn_cidrs
  deletion_protection = var.deletion_protection
  capacity_units      = var.capacity_units
}

module "edge" {
  source          = "../edge"
  common          = merge(var.common, { subnets = module.network.private_subnets, ami_id = module.image.id })
  brokers         = var.edge.brokers
  persisters      = var.edge.persisters
  key_arn         = var.key_arn
  instance_type   = var.edge.instance_type
  size            = { min = var.region.min, max = var.region.max }
  connections     = var.edge.connections
  warm_pool       = var.edge.warm_pool
  drain_seconds   = var.edge.drain_seconds
  settings        = var.edge.settings
  trusted_proxies = concat([module.network.cidr], var.cdn_cidrs)
  endpoints       = var.edge.endpoints
  security_group  = aws_security_group.edge.id
  target_group    = module.front.target_group
  log_group       = { name = aws_cloudwatch_log_group.edge.name, arn = aws_cloudwatch_log_group.edge.arn }
}

output "front" { value = { dns_name = module.front.dns_name, zone_id = module.front.zone_id, arn_suffix = module.front.arn_suffix } }
output "capacity_units" { value = module.front.capacity_units }
output "group" { value = module.edge.group }
output "trusted_proxies" { value = module.edge.trusted_proxies }
output "user_data" { value = module.edge.user_data }
