# SPDX-License-Identifier: Apache-2.0
#
# What brokers, persisters and edges have in common: a role with least rights, a
# launch template that installs the release, an Auto Scaling group. What runs on
# the machine (secrets, names, draining, metrics, logs) is in the package:
# /usr/lib/stipple/aws-*. User data only installs it and writes its settings.

terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "common" {
  description = "What every machine of a region shares"
  type = object({
    name         = string # of the cluster
    subnets      = list(string)
    architecture = string
    ami_id       = string
    kms_key_arn  = string       # of the secrets
    ready        = list(string) # known once the secrets have values
    software     = object({ uri = string, arn = string, digest = string, region = string, image = string, agent_uri = string, agent_arn = string, agent_digest = string })
  })
}

variable "name" {
  description = "Of the group, its role and its machines"
  type        = string
}

variable "role" {
  description = "broker, edge or persister"
  type        = string
}

variable "instance_type" { type = string }
variable "security_group" { type = string }
variable "log_group" { type = object({ name = string, arn = string }) }
variable "size" { type = object({ min = number, max = number }) }

variable "aws_env" {
  description = "For the aws-* scripts, beside what all machines have"
  type        = map(string)
  default     = {}
}

variable "settings" {
  description = "Of the process, by name"
  type        = map(string)
}

variable "secret_arns" {
  description = "What the machine reads in Secrets Manager: its keys, a store's password"
  type        = list(string)
}

variable "statements" {
  description = "What the role may do beside what all may"
  type        = any
  default     = []
}

variable "pair" {
  description = "Whether it is two machines with two names, of which never both may go"
  type        = bool
  default     = false
}

variable "target_groups" {
  type    = list(string)
  default = []
}

variable "warm_pool" {
  type    = number
  default = 0
}

variable "drains" {
  description = "Whether a machine that must go says good-bye to its viewers first"
  type        = bool
  default     = false
}

data "aws_region" "here" {}
data "aws_partition" "here" {}
data "aws_caller_identity" "me" {}

locals {
  part    = data.aws_partition.here.partition
  account = "${data.aws_region.here.name}:${data.aws_caller_identity.me.account_id}"
  group   = "arn:${local.part}:autoscaling:${local.account}:autoScalingGroup:*:autoScalingGroupName/${var.name}"

  software = var.common.software
  objects  = compact([local.software.arn, local.software.agent_arn])
  # Account, region and repository of an image that is in ECR.
  ecr = try(regex("^([0-9]+)\\.dkr\\.ecr\\.([a-z0-9-]+)\\.amazonaws\\.[a-z.]+/([^@:]+)", local.software.image), null)

  tags = { Name = var.name, Cluster = var.common.name, Role = var.role, Application = var.common.name }

  aws_env = merge(var.aws_env, {
    CLUSTER     = var.common.name
    ROLE        = var.role
    GROUP       = var.name
    AWS_REGION  = data.aws_region.here.name
    LOG_GROUP   = var.log_group.name
    STIPPLE_IMG = local.software.image
  })

  user_data = templatefile("${path.module}/user_data.sh.tftpl", {
    role     = var.role
    software = local.software
    region   = data.aws_region.here.name
    ecr      = local.ecr == null ? "" : local.ecr[1] # its region
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
        Resource  = [var.common.kms_key_arn]
        Condition = { StringLike = { "kms:ViaService" = "secretsmanager.*.amazonaws.com" } }
      },
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${var.log_group.arn}:*"]
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
    length(local.objects) == 0 ? [] : [{
      Sid      = "Software"
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = local.objects
    }],
    local.ecr == null ? [] : [
      {
        Sid      = "Registry"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = ["*"]
      },
      {
        Sid      = "Image"
        Effect   = "Allow"
        Action   = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = ["arn:${local.part}:ecr:${local.ecr[1]}:${local.ecr[0]}:repository/${local.ecr[2]}"]
      },
    ],
    [{
      Sid      = "Hooks"
      Effect   = "Allow"
      Action   = ["autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"]
      Resource = [local.group]
    }],
  )

  # Their numbers are constants: a hook that comes with its group cannot change
  # without the group being made anew. A drain of any length beats meanwhile
  # (aws-hooks).
  hooks = merge(
    { ready = { transition = "autoscaling:EC2_INSTANCE_LAUNCHING", timeout = 900, result = "ABANDON" } },
    var.drains ? { drain = { transition = "autoscaling:EC2_INSTANCE_TERMINATING", timeout = 300, result = "CONTINUE" } } : {},
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
  image_id               = var.common.ami_id
  instance_type          = var.instance_type
  update_default_version = true
  user_data              = base64encode(local.user_data)
  vpc_security_group_ids = [var.security_group]

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
    tags          = local.tags
  }

  # The provider's default tags do not reach what a group makes; the budget
  # counts by Application.
  tag_specifications {
    resource_type = "volume"
    tags          = local.tags
  }
}

resource "aws_autoscaling_group" "this" {
  name                      = var.name
  vpc_zone_identifier       = var.common.subnets
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
    for_each = local.hooks
    content {
      name                 = initial_lifecycle_hook.key
      lifecycle_transition = initial_lifecycle_hook.value.transition
      heartbeat_timeout    = initial_lifecycle_hook.value.timeout
      default_result       = initial_lifecycle_hook.value.result
    }
  }

  # A new version of the template rolls out by itself and goes back to the old
  # one if its machines do not become ready. Edges: new machines first. A pair
  # has two names, so one of the two goes, and the other only when the new one
  # leads, stands by or writes: its hook holds it back until then.
  instance_refresh {
    strategy = "Rolling"
    preferences {
      min_healthy_percentage = var.pair ? 50 : 100
      max_healthy_percentage = var.pair ? 100 : 150
      instance_warmup        = 120
      auto_rollback          = true
    }
  }

  # The same when a zone fails or the group balances its zones.
  dynamic "instance_maintenance_policy" {
    for_each = var.pair ? [1] : []
    content {
      min_healthy_percentage = 50
      max_healthy_percentage = 100
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
    value               = var.common.name
    propagate_at_launch = true
  }

  # The machines read secrets and use their role as soon as they boot.
  depends_on = [aws_iam_role_policy.this, terraform_data.boot]
  lifecycle { ignore_changes = [desired_capacity] } # scaling's, not ours
}

resource "terraform_data" "boot" {
  input = var.common.ready
}

output "tags" {
  description = "Of what a group starts, by kind"
  value       = { for t in aws_launch_template.this.tag_specifications : t.resource_type => t.tags }
}
output "subnets" { value = aws_autoscaling_group.this.vpc_zone_identifier }
output "maintenance" { value = one(aws_autoscaling_group.this.instance_maintenance_policy[*]) }
output "rollout" {
  description = "Least and most of the machines in service while they are replaced, in percent"
  value       = one(one(aws_autoscaling_group.this.instance_refresh[*]).preferences[*])
}
output "hooks" { value = local.hooks }
output "image" { value = aws_launch_template.this.image_id }
output "group" { value = aws_autoscaling_group.this.name }
output "user_data" { value = local.user_data }
output "policy" { value = aws_iam_role_policy.this.policy }
