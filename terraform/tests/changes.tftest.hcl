# SPDX-License-Identifier: Apache-2.0
#
# What an apply changes, and what it leaves alone: several applies in a row, to
# mocked providers.

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

run "a_first_apply" {
  command = apply
  assert {
    condition     = module.broker.image == "ami-0123456789abcdef0" && module.edge.image == module.broker.image
    error_message = "the newest official image"
  }
  assert {
    condition     = module.broker.rollout.min_healthy_percentage == 50 && module.broker.rollout.max_healthy_percentage == 100 && module.persister.rollout.min_healthy_percentage == 50
    error_message = "one of a pair at a time"
  }
  assert {
    condition     = module.edge.hooks.drain.timeout == 300 && !strcontains(module.edge.user_data, "192.0.2.0")
    error_message = "constants in the hooks, and no list in user data"
  }
  assert {
    condition     = module.front.ip_address_type == "dualstack" && !module.front.waf_rule_blocks && length(module.front.capacity_units[*]) == 0
    error_message = "both kinds of addresses, a rule that counts, no capacity reserved"
  }
  assert {
    condition     = module.secrets.recovery_days == 30
    error_message = "secrets outlive a destroy that was not meant"
  }
  assert {
    condition     = module.broker.subnets == toset(module.network.private_subnets) && module.persister.subnets == module.broker.subnets && length(module.broker.subnets) == 2
    error_message = "a pair is bound to no zone: both may be where the other zone is lost"
  }
  assert {
    condition     = module.broker.maintenance.min_healthy_percentage == 50 && module.broker.maintenance.max_healthy_percentage == 100 && module.persister.maintenance == module.broker.maintenance
    error_message = "nor does the group replace both of a pair for its own reasons"
  }
  # Logs sends no source account: its group's ARN says whose it is.
  assert {
    condition = { for s in jsondecode(module.secrets.key_policy).Statement : s.Sid => try(s.Condition, null) }["Logs"] == {
      ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:eu-central-1:123456789012:log-group:/stipple/*" }
    }
    error_message = "the key serves CloudWatch Logs for this cluster's groups alone"
  }
  assert {
    condition     = alltrue([for name in concat([for g in local.log_groups : g.name], [module.network.log_group]) : startswith(name, "/stipple/")])
    error_message = "and each group that has the key is one of them"
  }
  assert {
    condition     = module.state.immediately == false && module.history.warm == null
    error_message = "a changed node waits for its window, and nothing is warmed unasked"
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.bus["broker-to-broker"].to_port == 7703 && aws_vpc_security_group_ingress_rule.bus["edge-to-broker"].to_port == 7701
    error_message = "the control port is for brokers, where stipplectl runs, and not for edges"
  }
  assert {
    condition     = strcontains(module.broker.policy, "ssmmessages:OpenControlChannel") && !strcontains(module.observability.texts["edges-all-used"], "terraform apply")
    error_message = "a session may be opened, and no alarm advises an apply"
  }
}

run "a_newer_image_and_list_change_no_machine" {
  command = plan
  override_data {
    target = module.image.data.aws_ssm_parameter.newest
    values = { value = "ami-0fedcba9876543210" }
  }
  override_data {
    target = data.aws_ip_ranges.cdn
    values = { cidr_blocks = ["192.0.2.0/24", "203.0.113.0/24"] }
  }
  assert {
    condition     = module.broker.image == "ami-0123456789abcdef0" && module.persister.image == module.broker.image && module.edge.image == module.broker.image
    error_message = "the image of the first apply"
  }
  assert {
    condition     = sha256(module.edge.user_data) == run.a_first_apply.user_data.edge && sha256(module.broker.user_data) == run.a_first_apply.user_data.broker
    error_message = "the same user data"
  }
  assert {
    condition     = sha256(module.persister.user_data) == run.a_first_apply.user_data.persister && module.edge.trusted_proxies == "10.40.0.0/16,192.0.2.0/24,203.0.113.0/24"
    error_message = "the new list is where an edge that boots reads it"
  }
}

run "another_drain_makes_no_group_anew" {
  command = plan
  variables { drain_seconds = 300 }
  assert {
    condition     = module.edge.hooks.drain.timeout == 300 && module.edge.hooks.ready.timeout == 900
    error_message = "the hooks of the first apply"
  }
  assert {
    condition     = sha256(module.broker.user_data) == run.a_first_apply.user_data.broker
    error_message = "brokers are none of its business"
  }
}

run "a_wanted_image_is_taken" {
  command = apply
  variables {
    ami_refresh = "2026-11"
    # And what is off by default.
    waf_rate                     = 2000
    waf_block                    = true
    load_balancer_capacity_units = 500
    deletion_protection          = false
    hsts                         = { include_subdomains = true }
    ssm_agent_file               = "tests/fixtures/stipple.deb"
    state_apply_immediately      = true
  }
  override_data {
    target = module.image.data.aws_ssm_parameter.newest
    values = { value = "ami-0fedcba9876543210" }
  }
  assert {
    condition     = module.broker.image == "ami-0fedcba9876543210" && module.edge.image == module.broker.image
    error_message = "the newest, since it was asked for"
  }
  assert {
    condition     = module.front.waf_rule_blocks && module.front.capacity_units == 500 && module.secrets.recovery_days == 0
    error_message = "what was asked for"
  }
  assert {
    condition     = module.state.immediately
    error_message = "a changed node at once"
  }
  assert {
    condition     = setunion(compact(module.front.waf_rate_rule.scopes[*].path)) == toset(["/api/v1/"]) && setunion(compact(module.front.waf_rate_rule.scopes[*].methods)) == toset(["^(POST|PUT)$"]) && anytrue(module.front.waf_rate_rule.scopes[*].spares)
    error_message = "what is counted is identities and placements, and not CloudFront's own addresses"
  }
  assert {
    condition     = module.cdn[0].hsts.include_subdomains && !module.cdn[0].hsts.preload
    error_message = "the operator's domain, as far as they said"
  }
  assert {
    condition     = strcontains(module.broker.user_data, "amazon-ssm-agent") && strcontains(output.session_example, "Values=${module.broker.group} ")
    error_message = "a shell on a broker, which reaches the brokers"
  }
}

run "a_table_is_warmed_by_a_variable" {
  command = plan
  variables { history_warm_throughput = { writes = 10000 } }
  assert {
    condition     = module.history.warm == { table = "stipple-placements", units = "ReadUnitsPerSecond=12000,WriteUnitsPerSecond=10000" }
    error_message = "what is asked of DynamoDB"
  }
}

run "a_quota_below_the_cluster_is_said" {
  command = plan
  override_data {
    target = data.aws_servicequotas_service_quota.vcpus
    values = { value = 5 }
  }
  expect_failures = [check.quota]
}
