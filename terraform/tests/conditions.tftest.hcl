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
  waf_rate     = 0 # a web ACL's plan takes longer than all the rest
}

run "the_least_is_two_commands_away" {
  command = plan
  variables { waf_rate = 2000 }
  assert {
    condition     = length(module.cdn) == 1 && length(module.certificate) == 0 && length(module.satellite) == 0
    error_message = "a CDN, no certificate, one region"
  }
  assert {
    condition     = length(module.software) == 1 && module.front.has_waf && module.front.listener_ports == [80]
    error_message = "the package in S3, a WAF, plain HTTP behind the CDN"
  }
  assert {
    condition     = module.cdn[0].origin_protocol == "http-only" && module.cdn[0].board_ttl == 13
    error_message = "the board: 3 s fresh, 10 s stale while a fetch is on"
  }
  assert {
    condition     = module.history.tables == ["stipple-journal", "stipple-meta", "stipple-placements", "stipple-snapshots"]
    error_message = "DynamoDB's four tables"
  }
  assert {
    condition     = module.state.watched.namespace == "AWS/ElastiCache" && length(module.state.watched.nodes) == 2
    error_message = "ElastiCache with one replica"
  }
  assert {
    condition     = local.types == { broker = "c7g.large", persister = "t4g.small", edge = "c7g.xlarge", state = "cache.t4g.small" }
    error_message = "Graviton"
  }
  assert {
    condition     = length(setsubtract(["no-leader", "store-behind", "redis-full", "door-refuses", "placements-unavailable", "network-allowance", "logs-behind", "front-errors", "down-broker-2", "throttled-stipple-journal", "state-memory-2"], module.observability.alarms)) == 0
    error_message = "alarms about people, the brokers, each table, each node and each card"
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
    condition     = keys(aws_route53_record.page) == ["A", "AAAA"] && keys(aws_route53_record.live) == ["eu-central-1"] && keys(aws_route53_record.live6) == ["eu-central-1"] && aws_route53_record.live6["eu-central-1"].type == "AAAA" && length(aws_route53_health_check.live) == 0
    error_message = "records, for phones that have IPv6 alone as well"
  }
  assert {
    condition     = !module.front.has_waf
    error_message = "no WAF where waf_rate is 0"
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
  assert {
    condition     = local.edge_settings.board_stale_s == "0"
    error_message = "no cache, no stale board"
  }
}

run "without_a_cdn_or_domain" {
  command = plan
  variables { cdn = false }
  assert {
    condition     = length(module.certificate) == 0 && module.front.listener_ports == [80]
    error_message = "plain HTTP"
  }
}

run "the_other_kind_of_each" {
  command = plan
  variables {
    state        = "memorydb"
    history      = "keyspaces"
    zones        = 3
    nat_per_zone = true
    flow_logs    = false
    architecture = "x86_64"

    deletion_protection = false
  }
  assert {
    condition     = module.history.recovery_days == 0 && module.history.warm == null
    error_message = "the name of its secret is free after a destroy"
  }
  assert {
    condition     = module.state.watched.namespace == "AWS/MemoryDB" && module.state.watched.nodes[1].NodeName == "stipple-state-0001-002"
    error_message = "MemoryDB"
  }
  assert {
    condition     = length(module.history.tables) == 0 && startswith(output.store, "cassandra:cassandra.eu-central-1.amazonaws.com:9142/stipple?")
    error_message = "Keyspaces"
  }
  assert {
    condition     = length(module.history.statements) == 0
    error_message = "no rights to DynamoDB"
  }
  assert {
    condition     = length(module.network.private_subnets) == 3 && length(module.network.zones) == 3
    error_message = "three zones"
  }
  assert {
    condition     = local.types == { broker = "c7i.large", persister = "t3.small", edge = "c7i.xlarge", state = "db.t4g.small" }
    error_message = "x86"
  }
}

run "edges_in_a_second_region" {
  command = plan
  variables {
    domain       = "canvas.example.org"
    zone_id      = "Z0"
    edge_regions = [{ region = "us-east-2", vpc_cidr = "10.41.0.0/16" }]

    load_balancer_capacity_units = 500
  }
  assert {
    condition     = module.front.capacity_units == 500 && module.satellite[0].capacity_units == 500
    error_message = "both balancers are ready for a crowd"
  }
  assert {
    condition     = length(module.satellite) == 1 && keys(aws_route53_record.live) == ["eu-central-1", "us-east-2"] && keys(aws_route53_record.live6) == keys(aws_route53_record.live)
    error_message = "a second front under the same name"
  }
  assert {
    condition     = length(aws_route53_health_check.live) == 2
    error_message = "each is checked"
  }
}

# --- what is refused --------------------------------------------------------

run "values_out_of_range" {
  command = plan
  variables {
    name               = "Stipple"
    package_file       = "" # and no image
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
    secret_name        = "arn:aws:secretsmanager:x"
    web_dir            = "tests"
    tags               = { Application = "x" }
    domain             = "https://x"
    waf_rate           = 5
    alarm_email        = "nobody"
    log_retention_days = 2
    ami_id             = "x"
    canvas             = { bits = 5 }
    cdn_cidrs          = ["x"]
  }
  expect_failures = [
    var.name, var.package_file, var.vpc_cidr, var.zones, var.edge_count, var.edge_connections, var.drain_seconds,
    var.edge_warm_pool, var.edge_settings, var.state, var.state_replicas, var.history, var.secret_name, var.web_dir,
    var.tags, var.domain, var.waf_rate, var.alarm_email, var.log_retention_days, var.ami_id, var.canvas,
    var.cdn_cidrs,
  ]
}

run "values_that_do_not_fit_each_other" {
  command = plan
  variables {
    architecture            = "x86_64"
    edge_instance_type      = "c7g.large"
    broker_instance_type    = "t4g.small"
    persister_instance_type = "m7gd.large"
    state_node_type         = "db.t4g.small"                                        # of MemoryDB
    edge_regions            = [{ region = "us-east-2", vpc_cidr = "10.41.0.0/16" }] # and no domain
    budget_usd              = 10                                                    # and no address
    history                 = "keyspaces"
    history_warm_throughput = { writes = 10000 } # of DynamoDB
  }
  expect_failures = [
    var.edge_instance_type, var.broker_instance_type, var.persister_instance_type, var.state_node_type,
    var.edge_regions, var.budget_usd, var.history_warm_throughput,
  ]
}

run "an_image_without_digest" {
  command = plan
  variables {
    package_file    = ""
    container_image = "stipple:latest"
    domain          = "canvas.example.org" # and no zone
  }
  expect_failures = [var.container_image, var.zone_id]
}

run "a_package_for_other_machines" {
  command = plan
  variables {
    package_file = "tests/fixtures/stipple_amd64.deb"
    architecture = "arm64"
  }
  expect_failures = [var.architecture]
}

run "machines_of_no_known_architecture" {
  command = plan
  variables { architecture = "riscv" }
  expect_failures = [var.architecture]
}
