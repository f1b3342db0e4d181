# SPDX-License-Identifier: Apache-2.0
#
# Every conditional of the module, planned against mocked providers: no
# account, no network.

mock_provider "aws" {
  source = "./tests/mocks"
}
mock_provider "aws" {
  alias  = "global"
  source = "./tests/mocks"
}
mock_provider "aws" {
  alias  = "second"
  source = "./tests/mocks"
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
    condition     = length(module.cdn) == 0 && length(module.cdn_certificate) == 0 && length(local.cdn_cidrs) == 0
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
    condition     = length(module.history.tables) == 0 && startswith(output.store, "cassandra:cassandra.eu-central-1.amazonaws.com:9142/stipple?")
    error_message = "Keyspaces"
  }
  assert {
    condition     = length(module.history.statements) == 0
    error_message = "no rights to DynamoDB"
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
    var.edge_warm_pool, var.edge_settings, var.state, var.state_replicas, var.history, var.domain, var.waf_rate,
    var.alarm_email, var.log_retention_days, var.ami_id, var.canvas, var.cdn_cidrs,
  ]
}

run "a_domain_without_its_zone" {
  command = plan
  variables { domain = "canvas.example.org" }
  expect_failures = [var.zone_id]
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
