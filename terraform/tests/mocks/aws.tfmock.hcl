# SPDX-License-Identifier: Apache-2.0
#
# What the provider checks the form of, in the form it wants.

mock_data "aws_region" { defaults = { name = "eu-central-1" } }
mock_data "aws_caller_identity" { defaults = { account_id = "123456789012" } }
mock_data "aws_partition" { defaults = { partition = "aws" } }
mock_data "aws_ip_ranges" { defaults = { cidr_blocks = ["192.0.2.0/24"] } }
mock_data "aws_ssm_parameter" { defaults = { value = "ami-0123456789abcdef0" } }
mock_data "aws_availability_zones" {
  defaults = { names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] }
}
mock_data "aws_secretsmanager_random_password" {
  defaults = { random_password = "mockedmockedmockedmocked" }
}
mock_data "aws_secretsmanager_secret" {
  defaults = { arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:mocked" }
}

mock_resource "aws_kms_key" { defaults = { arn = "arn:aws:kms:eu-central-1:123456789012:key/mocked" } }
mock_resource "aws_iam_role" { defaults = { arn = "arn:aws:iam::123456789012:role/mocked" } }
mock_resource "aws_iam_instance_profile" { defaults = { arn = "arn:aws:iam::123456789012:instance-profile/mocked" } }
mock_resource "aws_cloudwatch_log_group" { defaults = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:mocked" } }
mock_resource "aws_lb" { defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/mocked/1" } }
mock_resource "aws_lb_target_group" { defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/mocked/1" } }
mock_resource "aws_wafv2_ip_set" { defaults = { arn = "arn:aws:wafv2:eu-central-1:123456789012:regional/ipset/mocked/1" } }
mock_resource "aws_wafv2_web_acl" { defaults = { arn = "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/mocked/1" } }
mock_resource "aws_launch_template" { defaults = { id = "lt-0123456789abcdef0" } }
mock_resource "aws_secretsmanager_secret" { defaults = { arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:mocked" } }
mock_resource "aws_sns_topic" { defaults = { arn = "arn:aws:sns:eu-central-1:123456789012:mocked" } }
mock_resource "aws_s3_bucket" { defaults = { arn = "arn:aws:s3:::mocked" } }
mock_resource "aws_cloudfront_distribution" { defaults = { arn = "arn:aws:cloudfront::123456789012:distribution/MOCKED" } }
mock_resource "aws_acm_certificate" {
  defaults = {
    arn = "arn:aws:acm:eu-central-1:123456789012:certificate/mocked"
    domain_validation_options = [
      { domain_name = "canvas.example.org", resource_record_name = "_1", resource_record_type = "CNAME", resource_record_value = "mocked" },
      { domain_name = "live.canvas.example.org", resource_record_name = "_2", resource_record_type = "CNAME", resource_record_value = "mocked" },
    ]
  }
}
mock_data "aws_ec2_instance_type" { defaults = { default_vcpus = 2 } }
mock_data "aws_servicequotas_service_quota" { defaults = { value = 64 } }
mock_resource "aws_vpc" { defaults = { ipv6_cidr_block = "2001:db8:1234:5600::/56" } }
mock_resource "aws_ssm_parameter" { defaults = { arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/mocked" } }
