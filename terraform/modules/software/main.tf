# SPDX-License-Identifier: Apache-2.0
#
# What machines install, in a bucket of the account: the release, and the SSM
# agent if there is one. Each stands under its digest: a new file is a new key,
# so a new launch template and an instance refresh.

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
variable "package_file" { type = string } # empty: machines run an image
variable "agent_file" { type = string }   # empty: no SSM agent

locals {
  files   = { for name, file in { stipple = var.package_file, ssm-agent = var.agent_file } : name => file if file != "" }
  digests = { for name, file in local.files : name => filesha256(file) }
}

module "bucket" {
  source            = "../bucket"
  name              = "${var.name}-software"
  old_versions_days = 90
}

resource "aws_s3_object" "this" {
  # checkov:skip=CKV_AWS_186: a release is no secret; S3's own key will do
  for_each    = local.files
  bucket      = module.bucket.id
  key         = "${each.key}-${substr(local.digests[each.key], 0, 16)}.deb"
  source      = each.value
  source_hash = local.digests[each.key]
}

output "files" {
  description = "By name: where it stands, for whom to allow it, its SHA-256"
  value = { for name, object in aws_s3_object.this : name => {
    uri    = "s3://${module.bucket.id}/${object.key}"
    arn    = "${module.bucket.arn}/${object.key}"
    digest = local.digests[name]
  } }
}
