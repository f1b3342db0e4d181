# SPDX-License-Identifier: Apache-2.0
#
# What the machines are told. It holds names that only an apply gives: applied,
# to mocked providers.

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
  waf_rate     = 0 # a web ACL takes longer than all the rest
}

run "the_package_with_pinned_machines" {
  command = apply
  variables {
    ami_id         = "ami-0123456789abcdef2"
    edge_warm_pool = 2
    budget_usd     = 500
    alarm_email    = "ops@example.org"
    edge_settings  = { tick_max_ms = "1000" }
    cdn_cidrs      = ["198.51.100.0/24"]
  }
  assert {
    condition     = alltrue([for u in [module.broker.user_data, module.persister.user_data, module.edge.user_data] : !strcontains(u, "mockedmockedmocked")]) && strcontains(module.broker.user_data, "CLUSTER_SECRET='stipple-test'") && !strcontains(module.edge.user_data, "CLUSTER_SECRET") && !strcontains(module.persister.user_data, "CLUSTER_SECRET")
    error_message = "user data holds no secret, and only a broker's names the one that all keys are drawn from"
  }
  assert {
    condition     = alltrue([for m in [module.broker, module.persister, module.edge] : m.image == "ami-0123456789abcdef2"]) && strcontains(module.broker.user_data, "/usr/share/stipple/baked")
    error_message = "a baked image, for every machine, which asks no package server"
  }
  assert {
    condition     = module.observability.budget_filter.values == tolist(["user:Application$stipple"]) && alltrue(flatten([for m in [module.broker, module.persister, module.edge] : [for kind in ["instance", "volume"] : m.tags[kind].Application == "stipple"]]))
    error_message = "the budget counts by a tag that machines and their disks have"
  }
  assert {
    condition     = strcontains(module.edge.user_data, "STIPPLE_DRAIN_MS=60000") && strcontains(module.edge.user_data, "stipple-aws-hooks")
    error_message = "edges drain"
  }
  assert {
    condition     = strcontains(module.edge.user_data, "sha256sum -c") && !strcontains(module.edge.user_data, "ssm-agent")
    error_message = "the package is checked, and nothing else is fetched"
  }
  assert {
    condition     = strcontains(module.edge.user_data, "STIPPLE_TICK_MAX_MS=1000") && module.edge.trusted_proxies == "10.40.0.0/16,198.51.100.0/24" && strcontains(module.edge.user_data, "TRUSTED_PROXIES='/stipple/edge/trusted-proxies'")
    error_message = "settings reach the edges"
  }
  assert {
    condition     = strcontains(module.edge.user_data, "STIPPLE_BOARD_STALE_S=10")
    error_message = "the edges allow CloudFront a stale board"
  }
  assert {
    condition     = !strcontains(module.edge.policy, "ecr:") && strcontains(module.edge.policy, "RecordLifecycleActionHeartbeat") && !strcontains(module.edge.policy, "route53:")
    error_message = "no rights that are not needed"
  }
  assert {
    condition     = strcontains(module.broker.policy, "broker-1.stipple.internal") && strcontains(module.broker.policy, "broker-2.stipple.internal") && !strcontains(module.broker.policy, "persister-")
    error_message = "a broker may write the brokers' names only"
  }
}

run "a_container_image_on_x86_64_in_two_regions" {
  command = apply
  variables {
    package_file    = ""
    container_image = "210987654321.dkr.ecr.us-east-1.amazonaws.com/stipple@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    architecture    = "x86_64"
    domain          = "canvas.example.org"
    zone_id         = "Z0"
    edge_regions    = [{ region = "us-east-2", vpc_cidr = "10.41.0.0/16" }]
  }
  assert {
    condition     = length(module.software) == 0 && strcontains(module.edge.user_data, "stipple-container@edge") && !strcontains(module.edge.user_data, "/var/tmp/stipple.deb")
    error_message = "the image instead of the package"
  }
  assert {
    condition     = strcontains(module.edge.user_data, "--region 'us-east-1'") && strcontains(module.edge.policy, "arn:aws:ecr:us-east-1:210987654321:repository/stipple\"")
    error_message = "its registry, and that repository alone"
  }
  assert {
    condition     = local.types.edge == "c7i.xlarge"
    error_message = "x86 machines"
  }
  assert {
    condition     = strcontains(module.satellite[0].user_data, "STIPPLE_BROKERS=tcp://broker-1.stipple.internal:7700,tcp://broker-2.stipple.internal:7700") && startswith(module.satellite[0].trusted_proxies, "10.41.0.0/16")
    error_message = "edges elsewhere follow the same brokers"
  }
}
