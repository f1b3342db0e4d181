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
    condition     = alltrue([for u in concat(module.broker.user_data, module.persister.user_data, [module.edge.user_data]) : !strcontains(u, "mockedmockedmocked") && strcontains(u, "CLUSTER_SECRET='stipple-test'")])
    error_message = "user data names the secret and holds none"
  }
  assert {
    condition     = strcontains(module.edge.user_data, "STIPPLE_DRAIN_MS=60000") && strcontains(module.edge.user_data, "stipple-aws-hooks")
    error_message = "edges drain"
  }
  assert {
    condition     = strcontains(module.edge.user_data, "debian_arm64") && strcontains(module.edge.user_data, "sha256sum -c")
    error_message = "the package is checked"
  }
  assert {
    condition     = strcontains(module.edge.user_data, "STIPPLE_TICK_MAX_MS=1000") && strcontains(module.edge.user_data, "STIPPLE_TRUSTED_PROXIES=10.40.0.0/16,198.51.100.0/24")
    error_message = "settings reach the edges"
  }
  assert {
    condition     = strcontains(module.edge.user_data, "STIPPLE_BOARD_STALE_S=10")
    error_message = "the edges allow CloudFront a stale board"
  }
  assert {
    condition     = !strcontains(module.edge.policy, "ecr:") && strcontains(module.edge.policy, "CompleteLifecycleAction") && !strcontains(module.broker.policies[0], "CompleteLifecycleAction")
    error_message = "no rights that are not needed"
  }
  assert {
    condition     = strcontains(module.broker.policies[0], "broker-1.stipple.internal") && !strcontains(module.broker.policies[0], "broker-2.stipple.internal")
    error_message = "a broker may write its own name only"
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
    condition     = length(module.software) == 0 && strcontains(module.edge.user_data, "stipple-container@edge") && !strcontains(module.edge.user_data, "s3 cp")
    error_message = "the image instead of the package"
  }
  assert {
    condition     = strcontains(module.edge.user_data, "--region 'us-east-1'") && strcontains(module.edge.policy, "arn:aws:ecr:us-east-1:210987654321:repository/stipple\"")
    error_message = "its registry, and that repository alone"
  }
  assert {
    condition     = local.types.edge == "c7i.xlarge" && strcontains(module.edge.user_data, "debian_amd64")
    error_message = "x86 machines"
  }
  assert {
    condition     = strcontains(module.satellite[0].user_data, "STIPPLE_BROKERS=tcp://broker-1.stipple.internal:7700,tcp://broker-2.stipple.internal:7700") && strcontains(module.satellite[0].user_data, "STIPPLE_TRUSTED_PROXIES=10.41.0.0/16")
    error_message = "edges elsewhere follow the same brokers"
  }
}
