# SPDX-License-Identifier: Apache-2.0

variable "name" {
  description = "Begins the name of everything; several clusters fit in one account"
  type        = string
  default     = "stipple"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name))
    error_message = "name: a lower-case letter, then 1 to 19 of a-z, 0-9, -."
  }
}

variable "region" {
  description = "Where brokers, state and history are"
  type        = string
  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: a name such as eu-central-1."
  }
}

variable "tags" {
  description = "Put on everything, beside Application"
  type        = map(string)
  default     = {}
  validation {
    condition     = !contains(keys(var.tags), "Application")
    error_message = "tags: Application is the cluster's name."
  }
}

# --- software ---------------------------------------------------------------

variable "package_file" {
  description = "The .deb that `make deb` built; goes to S3 under its digest"
  type        = string
  default     = ""
  validation {
    condition     = (var.package_file == "") != (var.container_image == "")
    error_message = "Set exactly one of package_file and container_image."
  }
  validation {
    condition     = var.package_file == "" || endswith(var.package_file, ".deb")
    error_message = "package_file: a .deb."
  }
}

variable "ssm_agent_file" {
  description = "amazon-ssm-agent.deb of the machines' architecture, whose signature was checked (docs/deploy.md); gives a shell without SSH. Empty: none is installed"
  type        = string
  default     = ""
  validation {
    condition     = var.ssm_agent_file == "" || endswith(var.ssm_agent_file, ".deb")
    error_message = "ssm_agent_file: a .deb."
  }
}

variable "container_image" {
  description = "Instead of package_file: an image built from the Dockerfile, by digest"
  type        = string
  default     = ""
  validation {
    condition     = var.container_image == "" || can(regex("@sha256:[0-9a-f]{64}$", var.container_image))
    error_message = "container_image: pin it, NAME@sha256:DIGEST."
  }
}

variable "architecture" {
  description = "arm64 (Graviton) or x86_64; null: the package's, arm64 for an image"
  type        = string
  default     = null
  validation {
    condition     = var.architecture == null || contains(["arm64", "x86_64"], coalesce(var.architecture, "-"))
    error_message = "architecture: arm64 or x86_64."
  }
  validation {
    condition     = var.architecture != "arm64" || !endswith(var.package_file, "_amd64.deb")
    error_message = "architecture: the package is for x86_64."
  }
  validation {
    condition     = var.architecture != "x86_64" || !endswith(var.package_file, "_arm64.deb")
    error_message = "architecture: the package is for arm64."
  }
}

variable "ami_id" {
  description = "A Debian 12 image, or one baked from packaging/aws/image.pkr.hcl; empty: the official one that was the newest at the first apply"
  type        = string
  default     = ""
  validation {
    condition     = var.ami_id == "" || startswith(var.ami_id, "ami-")
    error_message = "ami_id: ami-…"
  }
}

variable "ami_refresh" {
  description = "Change it to take the newest official image: every machine is replaced, one after the other"
  type        = string
  default     = ""
}

variable "web_dir" {
  description = "The page's files for S3; null: web/ of this repository"
  type        = string
  default     = null
  validation {
    condition     = var.web_dir == null || fileexists("${coalesce(var.web_dir, ".")}/index.html")
    error_message = "web_dir: a folder with an index.html."
  }
}

# --- canvas -----------------------------------------------------------------

variable "canvas" {
  description = "Of a new canvas; later: stipplectl set"
  type = object({
    size        = optional(string, "1000x1000")
    bits        = optional(number, 4)
    cooldown_ms = optional(number, 300000)
  })
  default = {}
  validation {
    condition     = can(regex("^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$", var.canvas.size))
    error_message = "canvas.size: WIDTHxHEIGHT."
  }
  validation {
    condition     = contains([4, 8], var.canvas.bits)
    error_message = "canvas.bits: 4 or 8."
  }
  validation {
    condition     = var.canvas.cooldown_ms >= 0 && var.canvas.cooldown_ms <= 4294967295
    error_message = "canvas.cooldown_ms: 0 to 4294967295."
  }
}

variable "secret_name" {
  description = "An existing secret in Secrets Manager (32 bytes or more) to draw all keys from, encrypted with a key that the brokers may use; empty: one is made"
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^[A-Za-z0-9/_+=.@-]*$", var.secret_name))
    error_message = "secret_name: a secret's name, not its ARN."
  }
}

# --- network ----------------------------------------------------------------

variable "vpc_cidr" {
  description = "A /16 of private addresses"
  type        = string
  default     = "10.40.0.0/16"
  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && endswith(var.vpc_cidr, "/16")
    error_message = "vpc_cidr: a /16."
  }
}

variable "zones" {
  description = "Availability zones to spread over"
  type        = number
  default     = 2
  validation {
    condition     = contains([2, 3], var.zones)
    error_message = "zones: 2 or 3."
  }
}

variable "nat_per_zone" {
  description = "A NAT gateway in each zone rather than one for all"
  type        = bool
  default     = false
}

variable "flow_logs" {
  description = "Log rejected flows of the VPC"
  type        = bool
  default     = true
}

# --- machines ---------------------------------------------------------------

variable "broker_instance_type" {
  description = "null: c7g.large or c7i.large"
  type        = string
  default     = null
  validation {
    condition     = var.broker_instance_type == null || can(regex("^[a-z]+[0-9]+g", var.broker_instance_type)) == local.arm
    error_message = "broker_instance_type: of the architecture, as c7g.large is of arm64 and c7i.large of x86_64."
  }
}

variable "persister_instance_type" {
  description = "null: t4g.small or t3.small"
  type        = string
  default     = null
  validation {
    condition     = var.persister_instance_type == null || can(regex("^[a-z]+[0-9]+g", var.persister_instance_type)) == local.arm
    error_message = "persister_instance_type: of the architecture, as c7g.large is of arm64 and c7i.large of x86_64."
  }
}

variable "edge_instance_type" {
  description = "null: c7g.xlarge or c7i.xlarge"
  type        = string
  default     = null
  validation {
    condition     = var.edge_instance_type == null || can(regex("^[a-z]+[0-9]+g", var.edge_instance_type)) == local.arm
    error_message = "edge_instance_type: of the architecture, as c7g.large is of arm64 and c7i.large of x86_64."
  }
}

variable "edge_count" {
  description = "Edges in the main region: fewest and most"
  type        = object({ min = number, max = number })
  default     = { min = 2, max = 6 }
  validation {
    condition     = var.edge_count.min >= 1 && var.edge_count.max >= var.edge_count.min && var.edge_count.max <= 300
    error_message = "edge_count: 1 <= min <= max <= 300."
  }
}

variable "edge_connections" {
  description = "WebSocket sessions an edge instance should carry; docs/capacity.md"
  type        = number
  default     = 20000
  validation {
    condition     = var.edge_connections >= 100 && var.edge_connections <= 500000
    error_message = "edge_connections: 100 to 500000."
  }
}

variable "edge_warm_pool" {
  description = "Stopped, installed edges kept ready; 0: none"
  type        = number
  default     = 0
  validation {
    condition     = var.edge_warm_pool >= 0 && var.edge_warm_pool <= 100
    error_message = "edge_warm_pool: 0 to 100."
  }
}

variable "edge_settings" {
  description = "Further settings of the edges, by name: { tick_max_ms = \"1000\" }"
  type        = map(string)
  default     = {}
  validation {
    condition     = alltrue([for name in keys(var.edge_settings) : can(regex("^[a-z][a-z0-9_]*$", name))])
    error_message = "edge_settings: names as stipple-edge --settings-names prints them."
  }
  validation {
    # They end up as lines of a file that a shell and systemd read.
    condition     = alltrue([for value in values(var.edge_settings) : !can(regex("[\\s\"'\\\\$`]", value))])
    error_message = "edge_settings: values without spaces, quotes, $, ` and backslashes."
  }
}

variable "drain_seconds" {
  description = "What a stopping edge spreads its viewers' reconnects over"
  type        = number
  default     = 60
  validation {
    condition     = var.drain_seconds >= 5 && var.drain_seconds <= 600
    error_message = "drain_seconds: 5 to 600."
  }
}

variable "edge_regions" {
  description = "A further region with edges that follow the same brokers: at most one"
  type = list(object({
    region   = string
    vpc_cidr = string
    min      = optional(number, 2)
    max      = optional(number, 6)
  }))
  default = []
  validation {
    condition     = length(var.edge_regions) <= 1
    error_message = "edge_regions: one for now; a third needs its own provider alias in versions.tf."
  }
  validation {
    condition     = alltrue([for r in var.edge_regions : r.region != var.region && r.vpc_cidr != var.vpc_cidr && endswith(r.vpc_cidr, "/16")])
    error_message = "edge_regions: another region, with another /16."
  }
  validation {
    condition     = length(var.edge_regions) == 0 || var.domain != ""
    error_message = "edge_regions: needs domain; Route 53 chooses the region."
  }
}

# --- state and history ------------------------------------------------------

variable "state" {
  description = "elasticache (Valkey, multi-AZ) or memorydb (the same with a durable log)"
  type        = string
  default     = "elasticache"
  validation {
    condition     = contains(["elasticache", "memorydb"], var.state)
    error_message = "state: elasticache or memorydb."
  }
}

variable "state_node_type" {
  description = "null: cache.t4g.small, or db.t4g.small for memorydb"
  type        = string
  default     = null
  validation {
    condition     = var.state_node_type == null || can(regex(var.state == "memorydb" ? "^db\\." : "^cache\\.", var.state_node_type))
    error_message = "state_node_type: cache.… for elasticache, db.… for memorydb."
  }
}

variable "state_replicas" {
  description = "Replicas beside the primary"
  type        = number
  default     = 1
  validation {
    condition     = var.state_replicas >= 1 && var.state_replicas <= 5
    error_message = "state_replicas: 1 to 5; failover needs one."
  }
}

variable "state_apply_immediately" {
  description = "Whether a changed node type or version of ElastiCache is taken at once, with a failover, rather than in the maintenance window"
  type        = bool
  default     = false
}

variable "history" {
  description = "dynamodb or keyspaces"
  type        = string
  default     = "dynamodb"
  validation {
    condition     = contains(["dynamodb", "keyspaces"], var.history)
    error_message = "history: dynamodb or keyspaces."
  }
}

variable "history_warm_throughput" {
  description = "Reads and writes per second that DynamoDB keeps ready; a new table takes 4,000 writes. It costs once, and is never lowered. Needs the AWS CLI beside terraform. null: as AWS gives it"
  type        = object({ reads = optional(number, 12000), writes = number })
  default     = null
  validation {
    condition     = var.history_warm_throughput == null || (var.history == "dynamodb" && try(min(var.history_warm_throughput.reads, var.history_warm_throughput.writes) >= 1, false))
    error_message = "history_warm_throughput: for dynamodb, numbers from 1."
  }
}

variable "deletion_protection" {
  description = "Refuse to destroy history and the load balancer"
  type        = bool
  default     = true
}

# --- front ------------------------------------------------------------------

variable "domain" {
  description = "Name of the page; WebSockets go to live.DOMAIN. Empty: AWS's own names, HTTP behind CloudFront"
  type        = string
  default     = ""
  validation {
    condition     = var.domain == "" || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain: canvas.example.org."
  }
}

variable "zone_id" {
  description = "The public Route 53 zone that holds domain"
  type        = string
  default     = ""
  validation {
    condition     = (var.zone_id == "") == (var.domain == "")
    error_message = "zone_id: set it with domain, and only then."
  }
}

variable "cdn" {
  description = "CloudFront before the page and the board"
  type        = bool
  default     = true
}

variable "cdn_cidrs" {
  description = "CloudFront's addresses, whose X-Forwarded-For the edges believe; null: AWS's published list"
  type        = list(string)
  default     = null
  validation {
    condition     = alltrue([for c in coalesce(var.cdn_cidrs, []) : can(cidrhost(c, 0))])
    error_message = "cdn_cidrs: CIDRs."
  }
}

variable "load_balancer_capacity_units" {
  description = "LCUs the load balancer keeps ready for an event that begins at a stroke; 0: it grows by itself. docs/capacity.md"
  type        = number
  default     = 0
  validation {
    condition     = var.load_balancer_capacity_units == 0 || (var.load_balancer_capacity_units >= 100 && var.load_balancer_capacity_units <= 1500)
    error_message = "load_balancer_capacity_units: 0, or 100 to 1500."
  }
}

variable "hsts" {
  description = "What a browser is told to reach by HTTPS alone for a year beside the page's own name; both bind the operator's whole domain"
  type = object({
    include_subdomains = optional(bool, false)
    preload            = optional(bool, false)
  })
  default = {}
}

variable "waf_block" {
  description = "Block who exceeds waf_rate; false: only count, which is how to find out whom it would hit"
  type        = bool
  default     = false
}

variable "waf_rate" {
  description = "New identities and placements (POST and PUT) of one address in 5 minutes before the rule counts or blocks it; 0: no WAF"
  type        = number
  default     = 2000
  validation {
    condition     = var.waf_rate == 0 || (var.waf_rate >= 100 && var.waf_rate <= 2000000000)
    error_message = "waf_rate: 0, or 100 to 2000000000."
  }
}

# --- watching ---------------------------------------------------------------

variable "alarm_email" {
  description = "Gets the alarms; empty: only the SNS topic"
  type        = string
  default     = ""
  validation {
    condition     = var.alarm_email == "" || can(regex("^[^@ ]+@[^@ ]+$", var.alarm_email))
    error_message = "alarm_email: an address."
  }
}

variable "log_retention_days" {
  description = "Life of the processes' logs"
  type        = number
  default     = 30
  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days: one of those that CloudWatch knows."
  }
}

variable "budget_usd" {
  description = "Monthly budget; at 80 % and 100 % alarm_email is told. 0: none"
  type        = number
  default     = 0
  validation {
    condition     = var.budget_usd == 0 || (var.budget_usd > 0 && var.alarm_email != "")
    error_message = "budget_usd: 0, or more with an alarm_email."
  }
}
