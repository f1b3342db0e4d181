# SPDX-License-Identifier: Apache-2.0
#
# A password that AWS draws and no state keeps. A module with a provider of its
# own because mocked providers know no ephemeral resources: with it the rest can
# be tested without an account.

terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

ephemeral "aws_secretsmanager_random_password" "this" {
  password_length     = 64
  exclude_punctuation = true
}

output "password" {
  value     = ephemeral.aws_secretsmanager_random_password.this.random_password
  ephemeral = true
  sensitive = true
}
