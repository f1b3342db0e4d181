# SPDX-License-Identifier: Apache-2.0
#
# A rate rule by address, and AWS's lists of known bad senders and inputs. The
# rule looks only at what costs something, new identities and placements: a
# venue or a mobile carrier shows thousands of viewers as one address. It counts
# until the operator has seen what it would have stopped, and then may block.

terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "name" { type = string }
variable "scope" { type = string } # REGIONAL or CLOUDFRONT
variable "rate" { type = number }
variable "block" { type = bool }
variable "uncounted" {
  type    = list(string)
  default = []
}

resource "aws_wafv2_ip_set" "uncounted" {
  count              = length(var.uncounted) > 0 ? 1 : 0
  name               = "${var.name}-cdn"
  scope              = var.scope
  ip_address_version = "IPV4"
  addresses          = var.uncounted
}

resource "aws_wafv2_web_acl" "this" {
  # checkov:skip=CKV2_AWS_31: sampled requests and metrics tell; full logs by the operator's choice
  # checkov:skip=CKV_AWS_192: the list with Log4j's rule is in
  name  = var.name
  scope = var.scope
  default_action {
    allow {}
  }
  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.name
    sampled_requests_enabled   = true
  }
  rule {
    name     = "rate"
    priority = 1
    action {
      dynamic "block" {
        for_each = var.block ? [1] : []
        content {}
      }
      dynamic "count" {
        for_each = var.block ? [] : [1]
        content {}
      }
    }
    statement {
      rate_based_statement {
        limit              = var.rate
        aggregate_key_type = "IP"
        scope_down_statement {
          and_statement {
            statement {
              byte_match_statement {
                search_string         = "/api/v1/"
                positional_constraint = "STARTS_WITH"
                field_to_match {
                  uri_path {}
                }
                text_transformation {
                  priority = 0
                  type     = "URL_DECODE"
                }
              }
            }
            statement {
              regex_match_statement {
                regex_string = "^(POST|PUT)$"
                field_to_match {
                  method {}
                }
                text_transformation {
                  priority = 0
                  type     = "NONE"
                }
              }
            }
            # CloudFront's own addresses stand for many viewers, whom the rule
            # at CloudFront has counted already.
            dynamic "statement" {
              for_each = length(var.uncounted) > 0 ? [1] : []
              content {
                not_statement {
                  statement {
                    ip_set_reference_statement { arn = aws_wafv2_ip_set.uncounted[0].arn }
                  }
                }
              }
            }
          }
        }
      }
    }
    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${var.name}-rate"
      sampled_requests_enabled   = true
    }
  }
  dynamic "rule" {
    for_each = { AWSManagedRulesAmazonIpReputationList = 2, AWSManagedRulesKnownBadInputsRuleSet = 3 }
    content {
      name     = rule.key
      priority = rule.value
      override_action {
        none {}
      }
      statement {
        managed_rule_group_statement {
          vendor_name = "AWS"
          name        = rule.key
        }
      }
      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = rule.key
        sampled_requests_enabled   = true
      }
    }
  }
}

output "rate_rule" {
  description = "What the rule of rates counts"
  value = [for rule in aws_wafv2_web_acl.this.rule : {
    scopes = [for s in rule.statement[0].rate_based_statement[0].scope_down_statement[0].and_statement[0].statement : {
      path    = one(s.byte_match_statement[*].search_string)
      methods = one(s.regex_match_statement[*].regex_string)
      spares  = length(s.not_statement) > 0
    }]
  } if rule.name == "rate"][0]
}
output "arn" { value = aws_wafv2_web_acl.this.arn }
