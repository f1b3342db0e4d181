# SPDX-License-Identifier: Apache-2.0
#
# A private bucket: encrypted, versioned, reached over TLS only, with what else
# its policy says.

terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "name" {
  description = "The account's number is put behind it"
  type        = string
}

variable "old_versions_days" {
  description = "How long a replaced file is kept"
  type        = number
}

variable "statements" {
  description = "Of the bucket's policy, beside TLS: who may read"
  type        = any
  default     = []
}

data "aws_caller_identity" "me" {}

resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV_AWS_18: one reader each: CloudFront, or the machines; CloudTrail can tell
  # checkov:skip=CKV_AWS_144: holds copies of what the repository or a build has
  # checkov:skip=CKV_AWS_145: a public page and a release are no secrets; S3's own key will do
  # checkov:skip=CKV2_AWS_62: nobody waits for an upload
  bucket        = "${var.name}-${data.aws_caller_identity.me.account_id}"
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
    noncurrent_version_expiration { noncurrent_days = var.old_versions_days }
    abort_incomplete_multipart_upload { days_after_initiation = 7 }
  }
  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([{
      Sid       = "OnlyTls"
      Effect    = "Deny"
      Action    = "s3:*"
      Principal = "*"
      Resource  = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }], [for s in var.statements : s])
  })
  depends_on = [aws_s3_bucket_public_access_block.this]
}

# Whoever puts a file in comes after versioning.
output "id" { value = aws_s3_bucket_versioning.this.bucket }
output "arn" { value = aws_s3_bucket.this.arn }
output "domain_name" { value = aws_s3_bucket.this.bucket_regional_domain_name }
