# SPDX-License-Identifier: Apache-2.0
#
# A machine image with everything in it, so that a machine is in service some
# 40 s earlier and its boot depends on no package server. Packer 1.8 or later:
#
#     packer init packaging/aws/image.pkr.hcl
#     packer build -var region=eu-central-1 -var package_file=build/stipple_0.2.0_arm64.deb \
#         packaging/aws/image.pkr.hcl
#     terraform apply -var ami_id=ami-… -var package_file=build/stipple_0.2.0_arm64.deb
#
# The same package both times: user data (terraform/modules/box) looks at the
# digest in /usr/share/stipple/baked and installs the package if it is another.

packer {
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = "~> 1.3"
    }
  }
}

variable "region" { type = string }

variable "package_file" {
  type        = string
  description = "What `make deb` built"
}

variable "ssm_agent_file" {
  type        = string
  default     = ""
  description = "amazon-ssm-agent.deb whose signature was checked (docs/deploy.md); empty: none"
}

locals {
  arm    = !can(regex("_amd64\\.deb$", var.package_file))
  debian = local.arm ? "arm64" : "amd64"
  digest = filesha256(var.package_file)
}

source "amazon-ebs" "stipple" {
  region        = var.region
  instance_type = local.arm ? "t4g.small" : "t3.small"
  ssh_username  = "admin"
  ami_name      = "stipple-${substr(local.digest, 0, 16)}-${formatdate("YYYYMMDDhhmm", timestamp())}"
  encrypt_boot  = true
  source_ami_filter {
    owners      = ["136693071363"] # Debian
    most_recent = true
    filters = {
      name                = "debian-12-${local.debian}-*"
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
  }
  metadata_options {
    http_tokens   = "required"
    http_endpoint = "enabled"
  }
  tags = { Application = "stipple", Package = basename(var.package_file), Digest = local.digest }
}

build {
  sources = ["source.amazon-ebs.stipple"]

  provisioner "file" {
    sources     = compact([var.package_file, var.ssm_agent_file])
    destination = "/tmp/"
  }

  provisioner "shell" {
    execute_command = "sudo env {{ .Vars }} sh -eu {{ .Path }}"
    inline = [
      "export DEBIAN_FRONTEND=noninteractive",
      "cloud-init status --wait || true",
      "apt-get -qq update",
      "apt-get -qq install -y awscli curl jq ethtool haproxy /tmp/${basename(var.package_file)}",
      "[ -z '${var.ssm_agent_file}' ] || apt-get -qq install -y '/tmp/${basename(var.ssm_agent_file)}'",
      # Nothing starts before user data says what this machine is, and what the
      # package drew is nobody's: no two clusters may have the same keys.
      "systemctl disable --now haproxy.service stipple-broker.service stipple-persister.service stipple-edge.service || true",
      "rm -rf /etc/stipple/secret /etc/stipple/keys",
      "install -d /usr/share/stipple && echo ${local.digest} > /usr/share/stipple/baked",
      "apt-get clean && rm -rf /tmp/*.deb /var/lib/apt/lists/* && cloud-init clean --logs",
    ]
  }
}
