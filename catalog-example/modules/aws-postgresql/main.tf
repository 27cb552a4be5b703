# A PostgreSQL instance of Amazon RDS, for the item `postgresql-aws`. AWS keeps and rotates its password.

terraform {
  required_version = ">= 1.8"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
  }
}

variable "name" {
  type        = string
  description = "Identifier of the instance."
}

variable "region" {
  type        = string
  description = "Region that it stands in."
}

variable "engine_version" {
  type        = string
  description = "Major version of PostgreSQL."
}

variable "instance_class" {
  type        = string
  description = "Processors and memory, such as db.t4g.small."
}

variable "storage" {
  type        = number
  description = "Storage in GB."
}

variable "standby" {
  type        = bool
  description = "Whether a standby waits in another zone."
}

variable "backup_days" {
  type        = number
  description = "Days that backups are kept."
}

variable "subnet_group" {
  type        = string
  description = "Group of subnets that it stands in."
}

variable "tags" {
  type        = map(string)
  description = "Tags of the instance."
}

resource "aws_db_instance" "this" {
  region                      = var.region
  identifier                  = var.name
  engine                      = "postgres"
  engine_version              = var.engine_version
  instance_class              = var.instance_class
  allocated_storage           = var.storage
  db_name                     = "app"
  username                    = "app"
  manage_master_user_password = true
  multi_az                    = var.standby
  backup_retention_period     = var.backup_days
  db_subnet_group_name        = var.subnet_group
  storage_encrypted           = true
  publicly_accessible         = false
  auto_minor_version_upgrade  = true
  apply_immediately           = true
  copy_tags_to_snapshot       = true
  final_snapshot_identifier   = "${var.name}-final"
  tags                        = var.tags
}

output "endpoint" {
  value       = aws_db_instance.this.endpoint
  description = "Host and port."
}

output "password_secret" {
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
  description = "Where Secrets Manager keeps user and password."
}
