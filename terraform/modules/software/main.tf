# SPDX-License-Identifier: Apache-2.0
#
# The release as a .deb in S3, under its digest: a new file is a new key, so a
# new launch template and an instance refresh.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "name" { type = string }
variable "package_file" { type = string }

data "aws_caller_identity" "me" {}

locals {
  digest = filesha256(var.package_file)
}

resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV_AWS_18: what reads it are instances; CloudTrail can tell
  # checkov:skip=CKV_AWS_144: a build can be uploaded again
  # checkov:skip=CKV_AWS_145: a release is no secret; S3's own key will do
  # checkov:skip=CKV2_AWS_62: nobody waits for an upload
  bucket        = "${var.name}-software-${data.aws_caller_identity.me.account_id}"
  force_destroy = true
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id
  rule {
    apply_server_side_encryption_by_default { sse_algorithm = "AES256" }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id
  rule {
    id     = "old"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration { noncurrent_days = 90 }
    abort_incomplete_multipart_upload { days_after_initiation = 7 }
  }
  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyTls"
      Effect    = "Deny"
      Action    = "s3:*"
      Principal = "*"
      Resource  = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_object" "package" {
  # checkov:skip=CKV_AWS_186: a release is no secret; S3's own key will do
  bucket      = aws_s3_bucket.this.id
  key         = "stipple-${substr(local.digest, 0, 16)}.deb"
  source      = var.package_file
  source_hash = local.digest
  depends_on  = [aws_s3_bucket_versioning.this]
}

output "uri" { value = "s3://${aws_s3_bucket.this.id}/${aws_s3_object.package.key}" }
output "arn" { value = "${aws_s3_bucket.this.arn}/${aws_s3_object.package.key}" }
output "digest" { value = local.digest }
