# SPDX-License-Identifier: Apache-2.0
#
# Every conditional of the module, planned against mocked providers: no
# account, no network.

mock_provider "aws" {
  mock_data "aws_availability_zones" { defaults = { names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] } }
  mock_data "aws_region" { defaults = { name = "eu-central-1" } }
  mock_data "aws_caller_identity" { defaults = { account_id = "123456789012" } }
  mock_data "aws_partition" { defaults = { partition = "aws" } }
  mock_data "aws_ip_ranges" { defaults = { cidr_blocks = ["192.0.2.0/24"] } }
  mock_data "aws_ssm_parameter" { defaults = { value = "ami-0123456789abcdef0" } }
}
# Never called: with a secret_name nothing is drawn.
provider "aws" {
  alias                       = "draw"
  region                      = "eu-central-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}
mock_provider "aws" {
  alias = "global"
}
mock_provider "aws" {
  alias = "second"
  mock_data "aws_availability_zones" { defaults = { names = ["us-east-2a", "us-east-2b", "us-east-2c"] } }
  mock_data "aws_region" { defaults = { name = "us-east-2" } }
  mock_data "aws_caller_identity" { defaults = { account_id = "123456789012" } }
  mock_data "aws_partition" { defaults = { partition = "aws" } }
  mock_data "aws_ssm_parameter" { defaults = { value = "ami-0123456789abcdef1" } }
}

variables {
  # Mocked providers know no ephemeral resources, which draw a secret where
  # none is named: the real apply (tests/deploy/terraform) covers that branch.
  secret_name  = "stipple-test"
  region       = "eu-central-1"
  package_file = "tests/fixtures/stipple.deb"
}

run "the_least_is_two_commands_away" {
  command = plan
  assert {
    condition     = length(module.cdn) == 1 && length(module.certificate) == 0 && length(module.satellite) == 0
    error_message = "a CDN, no certificate, one region"
  }
  assert {
    condition     = length(module.software) == 1 && module.front.has_waf && module.front.listener_ports == [80]
    error_message = "the package in S3, a WAF, plain HTTP behind the CDN"
  }
  assert {
    condition     = module.cdn[0].origin_protocol == "http-only" && module.cdn[0].board_ttl == 3
    error_message = "the board is cached 3 s"
  }
  assert {
    condition     = module.history.tables == ["stipple-journal", "stipple-meta", "stipple-placements", "stipple-snapshots"]
    error_message = "DynamoDB's four tables"
  }
  assert {
    condition     = module.state.watched.namespace == "AWS/ElastiCache" && length(module.state.watched.names) == 2
    error_message = "ElastiCache with one replica"
  }
  assert {
    condition     = local.types == { broker = "c7g.large", persister = "t4g.small", edge = "c7g.xlarge", state = "cache.t4g.small" }
    error_message = "Graviton"
  }
  assert {
    condition     = contains(module.observability.alarms, "no-leader") && contains(module.observability.alarms, "throttled-stipple-journal")
    error_message = "alarms of the brokers and of each table"
  }
  assert {
    condition     = module.broker.endpoints == ["tcp://broker-1.stipple.internal:7700", "tcp://broker-2.stipple.internal:7700"]
    error_message = "stable names"
  }
}

run "no_secret_in_user_data" {
  command = plan
  assert {
    condition     = alltrue([for u in concat(module.broker.user_data, module.persister.user_data, [module.edge.user_data]) : !strcontains(u, "PASSWORD") && strcontains(u, "CLUSTER_SECRET=stipple-test")])
    error_message = "user data names the secret and does not hold it"
  }
  assert {
    condition     = strcontains(module.edge.user_data, "STIPPLE_DRAIN_MS=60000") && strcontains(module.edge.user_data, "stipple-aws-hooks")
    error_message = "edges drain"
  }
}

run "x86_64_by_variable" {
  command = plan
  variables { architecture = "x86_64" }
  assert {
    condition     = local.types.edge == "c7i.xlarge" && strcontains(module.edge.user_data, "debian_amd64")
    error_message = "x86 machines"
  }
}

run "a_domain_brings_certificates_and_names" {
  command = plan
  variables {
    domain  = "canvas.example.org"
    zone_id = "Z0"
  }
  assert {
    condition     = length(module.certificate) == 1 && length(module.cdn_certificate) == 1 && module.front.listener_ports == [80, 443]
    error_message = "one certificate here, one for CloudFront"
  }
  assert {
    condition     = output.url == "https://canvas.example.org/" && output.websocket == "wss://live.canvas.example.org/api/v1/ws"
    error_message = "own names"
  }
  assert {
    condition     = keys(aws_route53_record.page) == ["A", "AAAA"] && keys(aws_route53_record.live) == ["eu-central-1"] && length(aws_route53_health_check.live) == 0
    error_message = "records"
  }
}

run "without_a_cdn_the_load_balancer_serves" {
  command = plan
  variables {
    cdn     = false
    domain  = "canvas.example.org"
    zone_id = "Z0"
  }
  assert {
    condition     = length(module.cdn) == 0 && length(module.cdn_certificate) == 0 && local.cdn_cidrs == []
    error_message = "no CloudFront"
  }
}

run "without_a_cdn_or_domain" {
  command = plan
  variables {
    cdn      = false
    waf_rate = 0
  }
  assert {
    condition     = !module.front.has_waf && length(module.certificate) == 0
    error_message = "no WAF"
  }
}

run "memorydb_by_variable" {
  command = plan
  variables { state = "memorydb" }
  assert {
    condition     = module.state.watched.namespace == "AWS/MemoryDB" && local.types.state == "db.t4g.small"
    error_message = "MemoryDB"
  }
}

run "keyspaces_by_variable" {
  command = plan
  variables { history = "keyspaces" }
  assert {
    condition     = module.history.tables == [] && startswith(output.store, "cassandra:cassandra.eu-central-1.amazonaws.com:9142/stipple?")
    error_message = "Keyspaces"
  }
  assert {
    condition     = module.history.statements == []
    error_message = "no rights to DynamoDB"
  }
}

run "a_container_image_by_variable" {
  command = plan
  variables {
    package_file    = ""
    container_image = "registry.example.org/stipple@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  }
  assert {
    condition     = length(module.software) == 0 && strcontains(module.edge.user_data, "stipple-container@edge") && !strcontains(module.edge.user_data, "s3 cp")
    error_message = "the image instead of the package"
  }
}

run "three_zones_with_a_nat_each" {
  command = plan
  variables {
    zones        = 3
    nat_per_zone = true
    flow_logs    = false
  }
  assert {
    condition     = length(module.network.private_subnets) == 3 && length(module.network.zones) == 3
    error_message = "three zones"
  }
}

run "a_pinned_image_a_warm_pool_a_budget_and_mail" {
  command = plan
  variables {
    ami_id         = "ami-0123456789abcdef2"
    edge_warm_pool = 2
    budget_usd     = 500
    alarm_email    = "ops@example.org"
    edge_settings  = { tick_max_ms = "1000" }
    cdn_cidrs      = ["198.51.100.0/24"]
  }
  assert {
    condition     = strcontains(module.edge.user_data, "STIPPLE_TICK_MAX_MS=1000") && strcontains(module.edge.user_data, "STIPPLE_TRUSTED_PROXIES=10.40.0.0/16,198.51.100.0/24")
    error_message = "settings reach the edges"
  }
}

run "edges_in_a_second_region" {
  command = plan
  variables {
    domain       = "canvas.example.org"
    zone_id      = "Z0"
    edge_regions = [{ region = "us-east-2", vpc_cidr = "10.41.0.0/16" }]
  }
  assert {
    condition     = length(module.satellite) == 1 && keys(aws_route53_record.live) == ["eu-central-1", "us-east-2"]
    error_message = "a second front under the same name"
  }
  assert {
    condition     = length(aws_route53_health_check.live) == 2
    error_message = "each is checked"
  }
}

# --- what is refused --------------------------------------------------------

run "neither_package_nor_image" {
  command = plan
  variables { package_file = "" }
  expect_failures = [var.package_file]
}

run "an_image_without_digest" {
  command = plan
  variables {
    package_file    = ""
    container_image = "stipple:latest"
  }
  expect_failures = [var.container_image]
}

run "values_out_of_range" {
  command = plan
  variables {
    name               = "Stipple"
    architecture       = "riscv"
    vpc_cidr           = "10.0.0.0/8"
    zones              = 1
    edge_count         = { min = 3, max = 2 }
    edge_connections   = 1
    drain_seconds      = 1
    edge_warm_pool     = -1
    edge_settings      = { tick_max_ms = "1; rm" }
    state              = "redis"
    state_replicas     = 0
    history            = "sqlite"
    domain             = "https://x"
    waf_rate           = 5
    alarm_email        = "nobody"
    log_retention_days = 2
    ami_id             = "x"
    canvas             = { bits = 5 }
    cdn_cidrs          = ["x"]
  }
  expect_failures = [
    var.name, var.architecture, var.vpc_cidr, var.zones, var.edge_count, var.edge_connections, var.drain_seconds,
    var.edge_warm_pool, var.edge_settings, var.state, var.state_replicas, var.history, var.domain, var.zone_id, var.waf_rate,
    var.alarm_email, var.log_retention_days, var.ami_id, var.canvas, var.cdn_cidrs,
  ]
}

run "a_second_region_without_a_domain" {
  command = plan
  variables { edge_regions = [{ region = "us-east-2", vpc_cidr = "10.41.0.0/16" }] }
  expect_failures = [var.edge_regions]
}

run "a_budget_without_an_address" {
  command = plan
  variables { budget_usd = 10 }
  expect_failures = [var.budget_usd]
}

run "a_node_type_of_the_other_service" {
  command = plan
  variables { state_node_type = "db.t4g.small" }
  expect_failures = [var.state_node_type]
}
