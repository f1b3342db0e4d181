# SPDX-License-Identifier: Apache-2.0
#
# The release as a .deb in S3, under its digest: a new file is a new key, so a
# new launch template and an instance refresh.

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
variable "package_file" { type = string }

locals {
  digest = filesha256(var.package_file)
}

module "bucket" {
  source            = "../bucket"
  name              = "${var.name}-software"
  old_versions_days = 90
}

resource "aws_s3_object" "package" {
  # checkov:skip=CKV_AWS_186: a release is no secret; S3's own key will do
  bucket      = module.bucket.id
  key         = "stipple-${substr(local.digest, 0, 16)}.deb"
  source      = var.package_file
  source_hash = local.digest
}

output "uri" { value = "s3://${module.bucket.id}/${aws_s3_object.package.key}" }
output "arn" { value = "${module.bucket.arn}/${aws_s3_object.package.key}" }
output "digest" { value = local.digest }
