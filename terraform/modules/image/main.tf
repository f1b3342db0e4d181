# SPDX-License-Identifier: Apache-2.0
#
# The machines' image in one region. Debian publishes a new one every few weeks;
# taking it as it comes would replace every machine at the next apply, whatever
# that apply was for. So the first one found is kept until `refresh` changes.

terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "ami_id" { type = string } # this one, and nothing is looked up
variable "architecture" { type = string }
variable "refresh" { type = string }

data "aws_ssm_parameter" "newest" {
  count = var.ami_id == "" ? 1 : 0
  name  = "/aws/service/debian/release/12/latest/${var.architecture == "arm64" ? "arm64" : "amd64"}"
}

# Remembers the image; only a replacement makes it look again.
resource "terraform_data" "kept" {
  count            = var.ami_id == "" ? 1 : 0
  input            = nonsensitive(data.aws_ssm_parameter.newest[0].value)
  triggers_replace = [var.architecture, var.refresh]
  lifecycle { ignore_changes = [input] }
}

output "id" { value = var.ami_id == "" ? terraform_data.kept[0].output : var.ami_id }
