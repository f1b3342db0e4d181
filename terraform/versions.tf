# SPDX-License-Identifier: Apache-2.0

terraform {
  required_version = ">= 1.11" # write-only arguments, cross-variable validation

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = var.region
  default_tags { tags = local.tags }
}

# CloudFront's certificate and web ACL live in us-east-1, wherever the rest is.
provider "aws" {
  alias  = "global"
  region = "us-east-1"
  default_tags { tags = local.tags }
}

# A provider's region cannot come from for_each: one alias a further region.
provider "aws" {
  alias  = "second"
  region = one(var.edge_regions) == null ? var.region : one(var.edge_regions).region
  default_tags { tags = local.tags }
}

# Draws the cluster's secret (modules/draw tells why it is one of its own).
provider "aws" {
  alias  = "draw"
  region = var.region
}
