# SPDX-License-Identifier: Apache-2.0
#
# A certificate, validated by records in the zone.

terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "names" { type = list(string) }
variable "zone_id" { type = string }

resource "aws_acm_certificate" "this" {
  domain_name               = var.names[0]
  subject_alternative_names = slice(var.names, 1, length(var.names))
  validation_method         = "DNS"
  lifecycle { create_before_destroy = true }
}

resource "aws_route53_record" "proof" {
  for_each        = toset(var.names)
  zone_id         = var.zone_id
  name            = one([for o in aws_acm_certificate.this.domain_validation_options : o.resource_record_name if o.domain_name == each.key])
  type            = one([for o in aws_acm_certificate.this.domain_validation_options : o.resource_record_type if o.domain_name == each.key])
  records         = [one([for o in aws_acm_certificate.this.domain_validation_options : o.resource_record_value if o.domain_name == each.key])]
  ttl             = 60
  allow_overwrite = true # both regions' and CloudFront's certificates ask for the same
}

resource "aws_acm_certificate_validation" "this" {
  certificate_arn         = aws_acm_certificate.this.arn
  validation_record_fqdns = [for r in aws_route53_record.proof : r.fqdn]
}

output "arn" { value = aws_acm_certificate_validation.this.certificate_arn }
