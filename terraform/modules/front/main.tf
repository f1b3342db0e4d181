# SPDX-License-Identifier: Apache-2.0
#
# One region's load balancer before its edges. Web sockets idle longer than the
# edge's ping of 25 s never do.

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
variable "vpc_id" { type = string }
variable "subnets" { type = list(string) }
variable "edges" { type = string } # security group of the edges
variable "certificate_arn" { type = string }
variable "tls" { type = bool }
variable "drain_seconds" { type = number }
variable "waf" { type = object({ rate = number, block = bool }) }
variable "capacity_units" {
  description = "LCUs kept ready; 0: it grows with the traffic, over some minutes"
  type        = number
  default     = 0
}
variable "cdn_cidrs" { type = list(string) }
variable "deletion_protection" { type = bool }

resource "aws_security_group" "this" {
  name        = "${var.name}-front"
  description = "The load balancer"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "world" {
  # checkov:skip=CKV_AWS_260: a public page; port 80 redirects wherever there is a certificate
  for_each          = toset(var.tls ? ["80", "443"] : ["80"])
  security_group_id = aws_security_group.this.id
  description       = "Everybody"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.key
  to_port           = each.key
}

resource "aws_vpc_security_group_ingress_rule" "world6" {
  # checkov:skip=CKV_AWS_260: a public page; port 80 redirects wherever there is a certificate
  for_each          = toset(var.tls ? ["80", "443"] : ["80"])
  security_group_id = aws_security_group.this.id
  description       = "Everybody"
  cidr_ipv6         = "::/0"
  ip_protocol       = "tcp"
  from_port         = each.key
  to_port           = each.key
}

resource "aws_vpc_security_group_egress_rule" "edges" {
  # checkov:skip=CKV_AWS_23: the group says it
  security_group_id            = aws_security_group.this.id
  referenced_security_group_id = var.edges
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
}

resource "aws_vpc_security_group_ingress_rule" "edges" {
  # checkov:skip=CKV_AWS_23: the group says it
  security_group_id            = var.edges
  referenced_security_group_id = aws_security_group.this.id
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
}

resource "aws_lb" "this" {
  # checkov:skip=CKV_AWS_91: a line a request of a crowd costs more than it tells; the edges count
  # checkov:skip=CKV2_AWS_20: redirects to HTTPS wherever there is a certificate
  # checkov:skip=CKV2_AWS_28: has a WAF unless waf_rate is 0
  # checkov:skip=CKV_AWS_150: deletion_protection, on by default
  name                       = var.name
  load_balancer_type         = "application"
  ip_address_type            = "dualstack" # many phones have IPv6 alone
  subnets                    = var.subnets
  security_groups            = [aws_security_group.this.id]
  idle_timeout               = 120
  drop_invalid_header_fields = true
  enable_deletion_protection = var.deletion_protection
  dynamic "minimum_load_balancer_capacity" {
    for_each = var.capacity_units > 0 ? [1] : []
    content { capacity_units = var.capacity_units }
  }
}

resource "aws_lb_target_group" "this" {
  # checkov:skip=CKV_AWS_378: TLS ends at the load balancer; the hop to the edge stays in the VPC
  name     = var.name
  vpc_id   = var.vpc_id
  port     = 8080
  protocol = "HTTP"
  # Longer than the drain: the edge closes its viewers, not the balancer.
  deregistration_delay = var.drain_seconds + 30
  # An open WebSocket is outstanding, so new edges fill up first. (ALB has no
  # slow start with it; an edge's handshake_rate keeps a rush in bounds.)
  load_balancing_algorithm_type = "least_outstanding_requests"
  health_check {
    path                = "/readyz"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }
}

resource "aws_lb_listener" "http" {
  # checkov:skip=CKV_AWS_2: redirects wherever there is a certificate
  # checkov:skip=CKV_AWS_103: plain HTTP has no TLS version
  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"
  default_action {
    type             = var.tls ? "redirect" : "forward"
    target_group_arn = var.tls ? null : aws_lb_target_group.this.arn
    dynamic "redirect" {
      for_each = var.tls ? [1] : []
      content {
        port        = "443"
        protocol    = "HTTPS"
        status_code = "HTTP_301"
      }
    }
  }
}

resource "aws_lb_listener" "https" {
  count             = var.tls ? 1 : 0
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}

module "waf" {
  source = "../waf"
  count  = var.waf.rate > 0 ? 1 : 0
  name   = var.name
  scope  = "REGIONAL"
  rate   = var.waf.rate
  block  = var.waf.block

  uncounted = var.cdn_cidrs
}

resource "aws_wafv2_web_acl_association" "this" {
  count        = var.waf.rate > 0 ? 1 : 0
  resource_arn = aws_lb.this.arn
  web_acl_arn  = module.waf[0].arn
}

output "arn_suffix" { value = aws_lb.this.arn_suffix }
output "dns_name" { value = aws_lb.this.dns_name }
output "zone_id" { value = aws_lb.this.zone_id }
output "target_group" { value = aws_lb_target_group.this.arn }
output "target_group_suffix" { value = aws_lb_target_group.this.arn_suffix }
output "listener_ports" { value = concat([80], aws_lb_listener.https[*].port) }
output "ip_address_type" { value = aws_lb.this.ip_address_type }
output "capacity_units" { value = one(aws_lb.this.minimum_load_balancer_capacity[*].capacity_units) }
output "waf_rule_blocks" { value = var.waf.block }
output "waf_rate_rule" { value = one(module.waf[*].rate_rule) }
output "has_waf" { value = length(module.waf) == 1 }
