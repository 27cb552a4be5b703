# A private bucket of Amazon S3, for the item `object-storage-aws`.

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
  description = "Name of the bucket, unique in the world."
}

variable "region" {
  type        = string
  description = "Region that it stands in."
}

variable "versioning" {
  type        = bool
  description = "Whether earlier versions of objects are kept."
}

variable "expire_days" {
  type        = number
  description = "Days until objects are removed; 0 keeps them."
}

variable "tags" {
  type        = map(string)
  description = "Tags of the bucket."
}

resource "aws_s3_bucket" "this" {
  region = var.region
  bucket = var.name
  tags   = var.tags
}

resource "aws_s3_bucket_public_access_block" "this" {
  region                  = var.region
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "this" {
  region = var.region
  bucket = aws_s3_bucket.this.id
  versioning_configuration {
    status = var.versioning ? "Enabled" : "Suspended"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  count  = var.expire_days > 0 ? 1 : 0
  region = var.region
  bucket = aws_s3_bucket.this.id
  rule {
    id     = "expire"
    status = "Enabled"
    filter {}
    expiration {
      days = var.expire_days
    }
  }
}

output "bucket" {
  value       = aws_s3_bucket.this.bucket
  description = "Name of the bucket."
}

output "arn" {
  value       = aws_s3_bucket.this.arn
  description = "What policies name it by."
}

output "endpoint" {
  value       = "https://${aws_s3_bucket.this.bucket_regional_domain_name}"
  description = "Address for clients."
}
