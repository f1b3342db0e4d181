# SPDX-License-Identifier: Apache-2.0
#
# What brokers, persisters and edges have in common: a role with least rights, a
# launch template that installs the release, an Auto Scaling group. What runs on
# the machine (secrets, names, draining, metrics, logs) is in the package:
# /usr/lib/stipple/aws-*. User data only installs it and writes its settings.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "name" { type = string } # of the group, its role and its machines
variable "cluster" { type = string }
variable "role" { type = string } # broker, edge or persister
variable "vpc_id" { type = string }
variable "subnets" { type = list(string) }
variable "instance_type" { type = string }
variable "architecture" { type = string }
variable "ami_id" { type = string }
variable "kms_key_arn" { type = string }
variable "security_groups" { type = list(string) }
variable "software" {
  type = object({ uri = string, arn = string, digest = string, image = string })
}
variable "aws_env" { type = map(string) }  # for the aws-* scripts
variable "settings" { type = map(string) } # for the process
variable "secret_arns" { type = list(string) }
variable "secret_key_arns" { type = list(string) }
variable "statements" { type = any }
variable "log_group_arn" { type = string }
variable "size" { type = object({ min = number, max = number }) }
variable "target_groups" {
  type    = list(string)
  default = []
}
variable "warm_pool" {
  type    = number
  default = 0
}
variable "drain_seconds" {
  type    = number
  default = 0 # no lifecycle hooks
}
variable "boot_depends_on" {
  type    = any
  default = []
}

data "aws_region" "here" {}
data "aws_partition" "here" {}
data "aws_caller_identity" "me" {}

data "aws_ssm_parameter" "ami" {
  count = var.ami_id == "" ? 1 : 0
  name  = "/aws/service/debian/release/12/latest/${var.architecture == "arm64" ? "arm64" : "amd64"}"
}

locals {
  part    = data.aws_partition.here.partition
  account = "${data.aws_region.here.name}:${data.aws_caller_identity.me.account_id}"
  group   = "arn:${local.part}:autoscaling:${local.account}:autoScalingGroup:*:autoScalingGroupName/${var.name}"
  image   = var.ami_id == "" ? nonsensitive(data.aws_ssm_parameter.ami[0].value) : var.ami_id

  aws_env = merge(var.aws_env, {
    CLUSTER     = var.cluster
    ROLE        = var.role
    GROUP       = var.name
    AWS_REGION  = data.aws_region.here.name
    HOOKS       = var.drain_seconds > 0 ? "on" : "off"
    DRAIN_S     = tostring(var.drain_seconds)
    STIPPLE_IMG = var.software.image
  })

  user_data = templatefile("${path.module}/user_data.sh.tftpl", {
    role     = var.role
    software = var.software
    region   = data.aws_region.here.name
    agent    = var.architecture == "arm64" ? "debian_arm64" : "debian_amd64"
    aws_env  = join("\n", [for k, v in local.aws_env : "${k}='${v}'"])
    settings = join("\n", [for k, v in var.settings : "STIPPLE_${upper(k)}=${v}"])
  })

  statements = concat(
    [
      {
        Sid      = "Secrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = var.secret_arns
      },
      {
        Sid       = "SecretsKey"
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = var.secret_key_arns
        Condition = { StringLike = { "kms:ViaService" = "secretsmanager.*.amazonaws.com" } }
      },
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${var.log_group_arn}:*"]
      },
      {
        Sid       = "Metrics"
        Effect    = "Allow"
        Action    = ["cloudwatch:PutMetricData"]
        Resource  = ["*"]
        Condition = { StringEquals = { "cloudwatch:namespace" = "Stipple" } }
      },
      {
        # What the SSM agent needs for a session, and no more.
        Sid    = "Sessions"
        Effect = "Allow"
        Action = ["ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"]
        Resource = ["*"]
      },
    ],
    var.software.arn == "" ? [] : [{
      Sid      = "Software"
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = [var.software.arn]
    }],
    var.software.image == "" ? [] : [{
      Sid      = "Image"
      Effect   = "Allow"
      Action   = ["ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource = ["*"]
    }],
    var.drain_seconds == 0 ? [] : [{
      Sid      = "Hooks"
      Effect   = "Allow"
      Action   = ["autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"]
      Resource = [local.group]
    }],
  )
}

resource "aws_iam_role" "this" {
  name = "${var.name}-${data.aws_region.here.name}"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "stipple"
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    # Two lists: Terraform wants the elements of one to be of one shape.
    Statement = concat([for s in local.statements : s], [for s in var.statements : s])
  })
}

resource "aws_iam_instance_profile" "this" {
  name = "${var.name}-${data.aws_region.here.name}"
  role = aws_iam_role.this.name
}

resource "aws_launch_template" "this" {
  name                   = var.name
  image_id               = local.image
  instance_type          = var.instance_type
  update_default_version = true
  user_data              = base64encode(local.user_data)
  vpc_security_group_ids = var.security_groups

  iam_instance_profile { arn = aws_iam_instance_profile.this.arn }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required" # IMDSv2 only
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_size           = 16
      volume_type           = "gp3"
      encrypted             = true
      delete_on_termination = true
    }
  }

  monitoring { enabled = true }

  tag_specifications {
    resource_type = "instance"
    tags          = { Name = var.name, Cluster = var.cluster, Role = var.role }
  }
}

resource "aws_autoscaling_group" "this" {
  name                      = var.name
  vpc_zone_identifier       = var.subnets
  min_size                  = var.size.min
  max_size                  = var.size.max
  health_check_type         = length(var.target_groups) > 0 ? "ELB" : "EC2"
  health_check_grace_period = 300
  default_instance_warmup   = 120
  target_group_arns         = var.target_groups
  # Terraform need not wait for machines; the alarms and the console tell.
  wait_for_capacity_timeout = "0"

  enabled_metrics = ["GroupDesiredCapacity", "GroupInServiceInstances", "GroupMaxSize"]

  launch_template {
    id      = aws_launch_template.this.id
    version = aws_launch_template.this.latest_version
  }

  # Hooks that come with the group also hold its first machines.
  dynamic "initial_lifecycle_hook" {
    for_each = var.drain_seconds > 0 ? {
      ready = { transition = "autoscaling:EC2_INSTANCE_LAUNCHING", timeout = 900, result = "ABANDON" }
      drain = { transition = "autoscaling:EC2_INSTANCE_TERMINATING", timeout = var.drain_seconds + 120, result = "CONTINUE" }
    } : {}
    content {
      name                 = initial_lifecycle_hook.key
      lifecycle_transition = initial_lifecycle_hook.value.transition
      heartbeat_timeout    = initial_lifecycle_hook.value.timeout
      default_result       = initial_lifecycle_hook.value.result
    }
  }

  # A new version of the template rolls out by itself: new machines first,
  # each healthy before the next, back to the old version where they are not.
  instance_refresh {
    strategy = "Rolling"
    preferences {
      # A group of one must lose its machine to change it: its peer goes on.
      min_healthy_percentage = var.size.max == 1 ? 0 : 100
      max_healthy_percentage = var.size.max == 1 ? 100 : 150
      instance_warmup        = 120
      auto_rollback          = true
    }
  }

  dynamic "warm_pool" {
    for_each = var.warm_pool > 0 ? [1] : []
    content {
      pool_state                  = "Stopped"
      min_size                    = var.warm_pool
      max_group_prepared_capacity = var.size.max
      instance_reuse_policy { reuse_on_scale_in = false }
    }
  }

  tag {
    key                 = "Cluster"
    value               = var.cluster
    propagate_at_launch = true
  }

  # The machines read secrets and use their role as soon as they boot.
  depends_on = [aws_iam_role_policy.this, terraform_data.boot]
  lifecycle { ignore_changes = [desired_capacity] } # scaling's, not ours
}

resource "terraform_data" "boot" {
  input = var.boot_depends_on
}

output "group" { value = aws_autoscaling_group.this.name }
output "role" { value = aws_iam_role.this.name }
output "user_data" { value = local.user_data }
output "policy" { value = aws_iam_role_policy.this.policy }
