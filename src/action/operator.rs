//! What the operator set up for actions: instances, channels, programs, the forge. It resolves no secret.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use super::callbacks::Callbacks;
use super::secrets::SecretRef;
use crate::forge::Quota;
use crate::forge::github::Memory;

/// What the operator set up for actions. A catalog names these by their keys and never holds their addresses.
#[derive(Clone, Debug, Default)]
pub struct Operator {
    /// Instances of JIRA, by name.
    pub jira: BTreeMap<String, JiraInstance>,
    /// Channels of notices, by name.
    pub channels: BTreeMap<String, Channel>,
    /// Programs that `command` may start, as absolute paths; none where empty.
    pub programs: Vec<PathBuf>,
    /// Variables of this process's environment that `command` gives to its programs, by name.
    pub command_environment: Vec<String>,
    /// How Terraform is run.
    pub terraform: TerraformSettings,
    /// GitHub, where it is set up.
    pub github: Option<GitHubSettings>,
    /// What is remembered of GitHub between requests: limits, answers, tokens of installations.
    pub github_memory: Arc<Memory>,
    /// How many proposals are filed in a repository.
    pub proposals: Arc<Quota>,
    /// Where the catalog is, as the operator wrote it: messages about other repositories do not concern it.
    pub catalog_url: Option<String>,
    /// Where others post what steps wait for; none where the outside does not reach this process.
    pub callbacks: Option<Callbacks>,
}

/// One instance of JIRA.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct JiraInstance {
    /// `https://acme.atlassian.net`, or the base of a Data Center.
    pub url: String,
    /// Which of the two it is.
    #[serde(default)]
    pub edition: JiraEdition,
    /// The user of Cloud's basic authentication; a Data Center takes its token alone.
    #[serde(default)]
    pub user: Option<String>,
    /// API token of Cloud, personal access token of a Data Center.
    pub token: SecretRef,
    /// What signs its webhooks; they are refused where absent.
    #[serde(default)]
    pub webhook_secret: Option<SecretRef>,
    /// Names of statuses that mean that nobody will do it, beside what JIRA's categories say.
    #[serde(default)]
    pub cancelled: Vec<String>,
}

/// The editions of JIRA.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum JiraEdition {
    /// Atlassian's cloud.
    #[default]
    Cloud,
    /// A Data Center.
    DataCenter,
}

/// One channel of notices.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Channel {
    /// Mail.
    Smtp {
        /// `smtps://host:465`, or `smtp://host:587?tls=required` for STARTTLS.
        url: String,
        /// Who signs in, where somebody must.
        #[serde(default)]
        user: Option<String>,
        /// The password.
        #[serde(default)]
        password: Option<SecretRef>,
        /// Who sends.
        from: String,
        /// Who receives.
        to: Vec<String>,
    },
    /// An incoming webhook as Slack and those that speak like it take it.
    Slack {
        /// Its URL, which is a secret.
        url: SecretRef,
    },
    /// A workflow webhook of Teams.
    Teams {
        /// Its URL, which is a secret.
        url: SecretRef,
    },
    /// Any other receiver: JSON, signed after Standard Webhooks where a secret is given.
    Webhook {
        /// Its URL, which is a secret.
        url: SecretRef,
        /// What signs.
        #[serde(default)]
        secret: Option<SecretRef>,
    },
    /// The log of this process.
    Log {},
}

/// How Terraform is run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct TerraformSettings {
    /// The program; `terraform` where absent. The program of a fork does too.
    pub program: Option<String>,
    /// Variables of this process's environment that it is given, by name: `AWS_PROFILE`.
    pub environment: Vec<String>,
}

/// How GitHub is reached.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct GitHubSettings {
    /// `https://api.github.com`, or `https://HOST/api/v3` of an Enterprise Server.
    #[serde(default)]
    pub api_url: Option<String>,
    /// Number of the App.
    #[serde(default)]
    pub app_id: Option<u64>,
    /// Its private key, a file.
    #[serde(default)]
    pub private_key_file: Option<PathBuf>,
    /// A token, where there is no App.
    #[serde(default)]
    pub token: Option<SecretRef>,
    /// What signs its webhooks; two during a rotation.
    #[serde(default)]
    pub webhook_secrets: Vec<SecretRef>,
}
