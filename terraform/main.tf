# SPDX-License-Identifier: Apache-2.0
#
# One cluster: network, secrets, state, history, brokers, persisters, edges,
# the front before them, and what watches it all.

locals {
  tags = merge(var.tags, { Application = var.name })

  # Of what the package was built for, unless it is said.
  architecture = coalesce(var.architecture, endswith(var.package_file, "_amd64.deb") ? "x86_64" : "arm64")
  arm          = local.architecture == "arm64"
  types = {
    broker    = coalesce(var.broker_instance_type, local.arm ? "c7g.large" : "c7i.large")
    persister = coalesce(var.persister_instance_type, local.arm ? "t4g.small" : "t3.small")
    edge      = coalesce(var.edge_instance_type, local.arm ? "c7g.xlarge" : "c7i.xlarge")
    state     = coalesce(var.state_node_type, var.state == "memorydb" ? "db.t4g.small" : "cache.t4g.small")
  }

  waf  = { rate = var.waf_rate, block = var.waf_block }
  tls  = var.domain != ""
  live = local.tls ? "live.${var.domain}" : module.front.dns_name
  # Without a certificate a page over HTTPS can only use CloudFront's own name.
  endpoints = local.tls ? ["wss://live.${var.domain}/api/v1/ws"] : []

  cdn_cidrs = !var.cdn ? [] : coalesce(var.cdn_cidrs, flatten(data.aws_ip_ranges.cdn[*].cidr_blocks))

  # The board's cache: the edges say it, CloudFront's policy has room for it. The
  # page, of the domain itself, connects to live.DOMAIN.
  edge_settings = merge(
    { board_max_age_s = "3", board_stale_s = var.cdn ? "10" : "0" },
    local.tls ? { origins = "https://${var.domain}" } : {},
    var.edge_settings,
  )

  # What every machine gets.
  common = {
    name         = var.name
    subnets      = module.network.private_subnets
    architecture = local.architecture
    ami_id       = module.image.id
    kms_key_arn  = module.secrets.kms_key_arn
    ready        = module.secrets.ready
    software = {
      uri          = try(module.software[0].files["stipple"].uri, "")
      arn          = try(module.software[0].files["stipple"].arn, "")
      digest       = try(module.software[0].files["stipple"].digest, "")
      region       = var.region
      image        = var.container_image
      agent_uri    = try(module.software[0].files["ssm-agent"].uri, "")
      agent_arn    = try(module.software[0].files["ssm-agent"].arn, "")
      agent_digest = try(module.software[0].files["ssm-agent"].digest, "")
    }
  }
}

data "aws_ip_ranges" "cdn" {
  count    = var.cdn && var.cdn_cidrs == null ? 1 : 0
  services = ["cloudfront"]
}

module "image" {
  source       = "./modules/image"
  ami_id       = var.ami_id
  architecture = local.architecture
  refresh      = var.ami_refresh
}

module "network" {
  source             = "./modules/network"
  name               = var.name
  cidr               = var.vpc_cidr
  zones              = var.zones
  nat_per_zone       = var.nat_per_zone
  flow_logs          = var.flow_logs
  log_retention_days = var.log_retention_days
  kms_key_arn        = module.secrets.kms_key_arn
}

module "secrets" {
  source    = "./modules/secrets"
  providers = { aws = aws, aws.draw = aws.draw }
  name      = var.name
  existing  = var.secret_name

  deletion_protection = var.deletion_protection
  replica_regions     = var.edge_regions[*].region
}

module "software" {
  source       = "./modules/software"
  count        = var.package_file == "" && var.ssm_agent_file == "" ? 0 : 1
  name         = var.name
  package_file = var.package_file
  agent_file   = var.ssm_agent_file
}

module "state" {
  source      = "./modules/state"
  immediately = var.state_apply_immediately
  name        = var.name
  kind        = var.state
  node_type   = local.types.state
  replicas    = var.state_replicas
  vpc_id      = module.network.vpc_id
  subnets     = module.network.private_subnets
  clients     = aws_security_group.process["broker"].id
  password    = module.secrets.redis_password
  kms_key_arn = module.secrets.kms_key_arn
}

module "history" {
  source              = "./modules/history"
  name                = var.name
  kind                = var.history
  warm_throughput     = var.history_warm_throughput
  deletion_protection = var.deletion_protection
  kms_key_arn         = module.secrets.kms_key_arn
}

# --- who may talk to whom ---------------------------------------------------

resource "aws_security_group" "process" {
  # checkov:skip=CKV2_AWS_5: each is given to a group's machines by the box module
  for_each    = toset(["broker", "persister", "edge"])
  name        = "${var.name}-${each.key}"
  description = "Machines of ${each.key}s"
  vpc_id      = module.network.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "out" {
  # checkov:skip=CKV_AWS_382: packages at boot, and AWS's services, which have no fixed addresses
  for_each          = aws_security_group.process
  security_group_id = each.value.id
  description       = "All"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

resource "aws_vpc_security_group_ingress_rule" "bus" {
  # checkov:skip=CKV_AWS_23: the key says it
  for_each = {
    edge-to-broker      = { to = "broker", of = "edge", first = 7700, last = 7701 } # ingress, feed
    persister-to-broker = { to = "broker", of = "persister", first = 7702, last = 7703 }
    broker-to-broker    = { to = "broker", of = "broker", first = 7700, last = 7703 } # the standby follows; stipplectl
    edge-to-persister   = { to = "persister", of = "edge", first = 7710, last = 7710 }
  }
  security_group_id            = aws_security_group.process[each.value.to].id
  referenced_security_group_id = aws_security_group.process[each.value.of].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.first
  to_port                      = each.value.last
}

resource "aws_route53_zone" "internal" {
  # checkov:skip=CKV2_AWS_38: DNSSEC is for public zones
  # checkov:skip=CKV2_AWS_39: query logging is for public zones
  name          = "${var.name}.internal"
  force_destroy = true # the machines' own records
  vpc { vpc_id = module.network.vpc_id }
  lifecycle { ignore_changes = [vpc] } # edge_regions add theirs
}

resource "aws_cloudwatch_log_group" "process" {
  # checkov:skip=CKV_AWS_338: retention is the operator's choice
  for_each          = toset(["broker", "persister", "edge"])
  name              = "/${var.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = module.secrets.kms_key_arn
}

# --- the processes ----------------------------------------------------------

locals {
  dns_zone   = { id = aws_route53_zone.internal.zone_id, name = aws_route53_zone.internal.name }
  log_groups = { for k, g in aws_cloudwatch_log_group.process : k => { name = g.name, arn = g.arn } }
}

# The smallest example needs more than the 5 vCPUs of a new account, and a group
# that may not start a machine says so only in its activity history.
locals {
  vcpus = {
    for role, count in { broker = 2, persister = 2, edge = var.edge_count.max + var.edge_warm_pool } :
    role => count * data.aws_ec2_instance_type.of[role].default_vcpus
  }
}

data "aws_ec2_instance_type" "of" {
  for_each      = { for role, type in local.types : role => type if role != "state" }
  instance_type = each.value
}

check "quota" {
  data "aws_servicequotas_service_quota" "vcpus" {
    service_code = "ec2"
    quota_code   = "L-1216C47A" # Running On-Demand Standard instances, in vCPUs
  }
  assert {
    condition     = data.aws_servicequotas_service_quota.vcpus.value >= sum(values(local.vcpus))
    error_message = "This cluster may grow to ${sum(values(local.vcpus))} vCPUs, and the account's quota is ${data.aws_servicequotas_service_quota.vcpus.value}: ask for more (quota L-1216C47A), or machines will not start."
  }
}

module "broker" {
  source   = "./modules/broker"
  common   = local.common
  dns_zone = local.dns_zone
  redis = {
    host        = module.state.host
    user        = module.state.user
    secret_name = module.secrets.redis_name
    secret_arn  = module.secrets.redis_arn
  }
  cluster_secret = {
    name     = module.secrets.cluster_name
    arn      = module.secrets.cluster_arn
    key_arns = values(module.secrets.key_arns)
  }
  canvas         = var.canvas
  instance_type  = local.types.broker
  security_group = aws_security_group.process["broker"].id
  log_group      = local.log_groups["broker"]
}

module "persister" {
  source   = "./modules/persister"
  common   = local.common
  dns_zone = local.dns_zone
  brokers  = module.broker.endpoints
  key_arn  = module.secrets.key_arns["persister"]
  history = {
    url         = module.history.url
    statements  = module.history.statements
    secret_name = module.history.secret_name
    secret_arn  = module.history.secret_arn
  }
  instance_type  = local.types.persister
  security_group = aws_security_group.process["persister"].id
  log_group      = local.log_groups["persister"]
}

locals {
  edge = {
    brokers       = module.broker.endpoints
    persisters    = module.persister.endpoints
    instance_type = local.types.edge
    connections   = var.edge_connections
    warm_pool     = var.edge_warm_pool
    drain_seconds = var.drain_seconds
    settings      = local.edge_settings
    endpoints     = local.endpoints
  }
}

module "edge" {
  source          = "./modules/edge"
  common          = local.common
  brokers         = local.edge.brokers
  persisters      = local.edge.persisters
  key_arn         = module.secrets.key_arns["edge"]
  instance_type   = local.edge.instance_type
  size            = var.edge_count
  connections     = local.edge.connections
  warm_pool       = local.edge.warm_pool
  drain_seconds   = local.edge.drain_seconds
  settings        = local.edge.settings
  trusted_proxies = concat([var.vpc_cidr], local.cdn_cidrs)
  endpoints       = local.edge.endpoints
  security_group  = aws_security_group.process["edge"].id
  target_group    = module.front.target_group
  log_group       = local.log_groups["edge"]
}

# --- the front --------------------------------------------------------------

module "certificate" {
  source  = "./modules/certificate"
  count   = local.tls ? 1 : 0
  names   = var.cdn ? ["live.${var.domain}"] : [var.domain, "live.${var.domain}"]
  zone_id = var.zone_id
}

module "front" {
  source              = "./modules/front"
  name                = var.name
  vpc_id              = module.network.vpc_id
  subnets             = module.network.public_subnets
  edges               = aws_security_group.process["edge"].id
  certificate_arn     = one(module.certificate[*].arn)
  tls                 = local.tls
  drain_seconds       = var.drain_seconds
  waf                 = local.waf
  cdn_cidrs           = local.cdn_cidrs
  capacity_units      = var.load_balancer_capacity_units
  deletion_protection = var.deletion_protection
}

module "cdn_certificate" {
  source    = "./modules/certificate"
  count     = local.tls && var.cdn ? 1 : 0
  providers = { aws = aws.global }
  names     = [var.domain]
  zone_id   = var.zone_id
}

module "cdn" {
  source          = "./modules/cdn"
  count           = var.cdn ? 1 : 0
  providers       = { aws = aws, aws.global = aws.global }
  name            = var.name
  domain          = var.domain
  certificate_arn = one(module.cdn_certificate[*].arn)
  origin          = local.live
  origin_tls      = local.tls
  web_dir         = coalesce(var.web_dir, "${path.module}/../web")
  waf             = local.waf
  hsts            = var.hsts
  board = {
    fresh_s = tonumber(local.edge_settings.board_max_age_s)
    stale_s = tonumber(local.edge_settings.board_stale_s)
  }
}

module "satellite" {
  source    = "./modules/satellite"
  count     = length(var.edge_regions)
  providers = { aws = aws.second, aws.home = aws }
  name      = var.name
  region    = var.edge_regions[count.index]
  home = {
    region          = var.region
    vpc_id          = module.network.vpc_id
    cidr            = var.vpc_cidr
    route_tables    = module.network.private_route_tables
    dns_zone        = aws_route53_zone.internal.zone_id
    broker_group    = aws_security_group.process["broker"].id
    persister_group = aws_security_group.process["persister"].id
  }
  network = {
    zones              = var.zones
    nat_per_zone       = var.nat_per_zone
    flow_logs          = var.flow_logs
    log_retention_days = var.log_retention_days
  }
  common = merge(local.common, {
    kms_key_arn = "arn:${data.aws_partition.here.partition}:kms:${var.edge_regions[count.index].region}:${data.aws_caller_identity.me.account_id}:key/*"
  })
  # The secret's copy there has the region's own key, and another ARN.
  key_arn             = replace(module.secrets.key_arns["edge"], ":${var.region}:", ":${var.edge_regions[count.index].region}:")
  image               = { architecture = local.architecture, refresh = var.ami_refresh }
  edge                = local.edge
  domain              = var.domain
  public_zone         = var.zone_id
  waf                 = local.waf
  cdn_cidrs           = local.cdn_cidrs
  deletion_protection = var.deletion_protection
  capacity_units      = var.load_balancer_capacity_units
}

data "aws_partition" "here" {}
data "aws_caller_identity" "me" {}

# --- public names -----------------------------------------------------------

resource "aws_route53_record" "page" {
  for_each = toset(local.tls ? ["A", "AAAA"] : [])
  zone_id  = var.zone_id
  name     = var.domain
  type     = each.key
  alias {
    name                   = var.cdn ? module.cdn[0].dns_name : module.front.dns_name
    zone_id                = var.cdn ? module.cdn[0].zone_id : module.front.zone_id
    evaluate_target_health = !var.cdn
  }
}

locals {
  fronts = local.tls ? merge(
    { (var.region) = { dns_name = module.front.dns_name, zone_id = module.front.zone_id } },
    { for i, r in var.edge_regions : r.region => module.satellite[i].front },
  ) : {}
}

# Nearest region first; one whose /readyz fails is left out.
resource "aws_route53_health_check" "live" {
  for_each          = length(var.edge_regions) > 0 ? local.fronts : {}
  fqdn              = each.value.dns_name
  port              = 443
  type              = "HTTPS"
  enable_sni        = true
  resource_path     = "/readyz"
  request_interval  = 10
  failure_threshold = 2
  tags              = { Name = "${var.name}-${each.key}" }
}

resource "aws_route53_record" "live" {
  # checkov:skip=CKV2_AWS_23: an alias of a load balancer, through a local
  for_each        = local.fronts
  zone_id         = var.zone_id
  name            = "live.${var.domain}"
  type            = "A"
  set_identifier  = each.key
  health_check_id = try(aws_route53_health_check.live[each.key].id, null)
  latency_routing_policy { region = each.key }
  alias {
    name                   = each.value.dns_name
    zone_id                = each.value.zone_id
    evaluate_target_health = true
  }
}

# The balancers have both kinds of addresses, so the name does too.
resource "aws_route53_record" "live6" {
  # checkov:skip=CKV2_AWS_23: an alias of a load balancer, through a local
  for_each        = local.fronts
  zone_id         = var.zone_id
  name            = "live.${var.domain}"
  type            = "AAAA"
  set_identifier  = each.key
  health_check_id = try(aws_route53_health_check.live[each.key].id, null)
  latency_routing_policy { region = each.key }
  alias {
    name                   = each.value.dns_name
    zone_id                = each.value.zone_id
    evaluate_target_health = true
  }
}

module "observability" {
  source        = "./modules/observability"
  name          = var.name
  kms_key_arn   = module.secrets.kms_key_arn
  alarm_email   = var.alarm_email
  budget_usd    = var.budget_usd
  brokers       = { group = module.broker.group, processes = module.broker.processes }
  persisters    = { group = module.persister.group, processes = module.persister.processes }
  edges         = module.edge.group
  edge_max      = var.edge_count.max
  second        = { for i, r in var.edge_regions : r.region => module.satellite[i].group }
  load_balancer = module.front.arn_suffix
  target_group  = module.front.target_group_suffix
  state         = module.state.watched
  tables        = module.history.tables
}
