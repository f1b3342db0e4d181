# SPDX-License-Identifier: Apache-2.0
#
# CloudFront: the page from a bucket that only it may read, the board cached
# some seconds, everything else (look-ups, placing, WebSockets) straight to the edges.

terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source                = "hashicorp/aws"
      version               = "~> 5.100"
      configuration_aliases = [aws.global]
    }
  }
}

variable "name" { type = string }
variable "domain" { type = string }
variable "certificate_arn" { type = string } # in us-east-1; null without a domain
variable "origin" { type = string }          # the edges' name
variable "origin_tls" { type = bool }
variable "web_dir" { type = string }
variable "waf" { type = object({ rate = number, block = bool }) }
variable "hsts" { type = object({ include_subdomains = bool, preload = bool }) }
variable "board" { type = object({ fresh_s = number, stale_s = number }) }

data "aws_cloudfront_cache_policy" "off" { name = "Managed-CachingDisabled" }
data "aws_cloudfront_cache_policy" "optimized" { name = "Managed-CachingOptimized" }
data "aws_cloudfront_origin_request_policy" "all" { name = "Managed-AllViewer" }

locals {
  types = {
    html = "text/html; charset=utf-8", js = "text/javascript; charset=utf-8", mjs = "text/javascript; charset=utf-8",
    css  = "text/css; charset=utf-8", svg = "image/svg+xml", png = "image/png", ico = "image/x-icon",
    json = "application/json", webmanifest = "application/manifest+json", txt = "text/plain; charset=utf-8",
  }
  files = { for f in fileset(var.web_dir, "**") : f => lookup(local.types, reverse(split(".", f))[0], null)
  if lookup(local.types, reverse(split(".", f))[0], null) != null && basename(f) != "package.json" }
}

module "bucket" {
  source            = "../bucket"
  name              = "${var.name}-web"
  old_versions_days = 30
  statements = [{
    Sid       = "CloudFront"
    Effect    = "Allow"
    Action    = "s3:GetObject"
    Principal = { Service = "cloudfront.amazonaws.com" }
    Resource  = "${module.bucket.arn}/*"
    Condition = { StringEquals = { "AWS:SourceArn" = aws_cloudfront_distribution.this.arn } }
  }]
}

resource "aws_s3_object" "web" {
  # checkov:skip=CKV_AWS_186: a public page; S3's own key will do
  for_each      = local.files
  bucket        = module.bucket.id
  key           = each.key
  source        = "${var.web_dir}/${each.key}"
  source_hash   = filesha256("${var.web_dir}/${each.key}")
  content_type  = each.value
  cache_control = "public, max-age=300, stale-while-revalidate=3600"
}

resource "aws_cloudfront_origin_access_control" "web" {
  name                              = "${var.name}-web"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

# One fetch each 3 s and place of CloudFront, however many open the page, and
# nobody waits for it: the edges say stale-while-revalidate (board_stale_s),
# which CloudFront takes from the origin alone and cuts at max_ttl.
resource "aws_cloudfront_cache_policy" "board" {
  name        = "${var.name}-board"
  min_ttl     = 0
  default_ttl = var.board.fresh_s
  max_ttl     = max(1, var.board.fresh_s + var.board.stale_s) # 0 forbids compression
  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_gzip   = true
    enable_accept_encoding_brotli = true
    cookies_config { cookie_behavior = "none" }
    headers_config { header_behavior = "none" }
    query_strings_config {
      query_string_behavior = "whitelist"
      query_strings { items = ["scale"] }
    }
  }
}

resource "aws_cloudfront_response_headers_policy" "page" {
  # checkov:skip=CKV_AWS_259: sub-domains and preloading bind the operator's whole domain: theirs to choose (hsts)
  name = "${var.name}-page"
  security_headers_config {
    content_type_options { override = true }
    strict_transport_security {
      access_control_max_age_sec = 31536000
      include_subdomains         = var.hsts.include_subdomains
      preload                    = var.hsts.preload
      override                   = true
    }
    frame_options {
      frame_option = "SAMEORIGIN"
      override     = true
    }
    referrer_policy {
      referrer_policy = "same-origin"
      override        = true
    }
  }
}

module "waf" {
  source    = "../waf"
  count     = var.waf.rate > 0 ? 1 : 0
  providers = { aws = aws.global }
  name      = "${var.name}-cdn"
  scope     = "CLOUDFRONT"
  rate      = var.waf.rate
  block     = var.waf.block
}

resource "aws_cloudfront_distribution" "this" {
  # checkov:skip=CKV_AWS_86: a line a request of a crowd costs more than it tells
  # checkov:skip=CKV_AWS_310: the edges' name fails over in Route 53
  # checkov:skip=CKV_AWS_374: for everybody
  # checkov:skip=CKV_AWS_68: has a WAF unless waf_rate is 0
  # checkov:skip=CKV2_AWS_47: its WAF has AWS's known bad inputs, Log4j's rule among them
  # checkov:skip=CKV2_AWS_42: own certificate wherever there is a domain
  # checkov:skip=CKV_AWS_174: TLSv1.2_2021 wherever there is a domain
  enabled             = true
  comment             = var.name
  default_root_object = "index.html"
  http_version        = "http2"
  is_ipv6_enabled     = true
  price_class         = "PriceClass_All"
  aliases             = compact([var.domain])
  web_acl_id          = one(module.waf[*].arn)
  wait_for_deployment = false

  origin {
    origin_id                = "web"
    domain_name              = module.bucket.domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.web.id
  }

  origin {
    origin_id   = "edges"
    domain_name = var.origin
    custom_origin_config {
      http_port                = 80
      https_port               = 443
      origin_protocol_policy   = var.origin_tls ? "https-only" : "http-only"
      origin_ssl_protocols     = ["TLSv1.2"]
      origin_keepalive_timeout = 60
    }
  }

  default_cache_behavior {
    target_origin_id           = "web"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = data.aws_cloudfront_cache_policy.optimized.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.page.id
  }

  dynamic "ordered_cache_behavior" {
    for_each = ["/api/v1/board", "/api/v1/board.png"]
    content {
      path_pattern           = ordered_cache_behavior.value
      target_origin_id       = "edges"
      viewer_protocol_policy = "redirect-to-https"
      allowed_methods        = ["GET", "HEAD", "OPTIONS"]
      cached_methods         = ["GET", "HEAD"]
      compress               = true
      cache_policy_id        = aws_cloudfront_cache_policy.board.id
    }
  }

  ordered_cache_behavior {
    path_pattern             = "/api/*"
    target_origin_id         = "edges"
    viewer_protocol_policy   = "redirect-to-https"
    allowed_methods          = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
    cached_methods           = ["GET", "HEAD"]
    cache_policy_id          = data.aws_cloudfront_cache_policy.off.id
    origin_request_policy_id = data.aws_cloudfront_origin_request_policy.all.id
  }

  # A moment without edges must not be remembered for CloudFront's ten seconds.
  dynamic "custom_error_response" {
    for_each = [500, 502, 503, 504]
    content {
      error_code            = custom_error_response.value
      error_caching_min_ttl = 1
    }
  }

  restrictions {
    geo_restriction { restriction_type = "none" }
  }

  viewer_certificate {
    acm_certificate_arn            = var.certificate_arn
    cloudfront_default_certificate = var.certificate_arn == null
    ssl_support_method             = var.certificate_arn == null ? null : "sni-only"
    minimum_protocol_version       = var.certificate_arn == null ? "TLSv1" : "TLSv1.2_2021"
  }
}

output "dns_name" { value = aws_cloudfront_distribution.this.domain_name }
output "zone_id" { value = aws_cloudfront_distribution.this.hosted_zone_id }
output "id" { value = aws_cloudfront_distribution.this.id }
output "origin_protocol" { value = var.origin_tls ? "https-only" : "http-only" }
output "hsts" { value = var.hsts }
output "board_ttl" { value = aws_cloudfront_cache_policy.board.max_ttl }
