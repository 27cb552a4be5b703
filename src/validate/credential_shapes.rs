//! The shapes of credentials that say themselves what they are. It searches nothing.

/// What a shape of a private key is called.
pub(super) const PRIVATE_KEY: &str = "a private key";
/// What a shape of a URL with a password is called.
pub(super) const PASSWORD_IN_URL: &str = "a password in a URL";

/// What credentials of one kind look like.
#[derive(Debug)]
pub(super) struct Shape {
    /// The kind in words, behind "looks like".
    pub(super) what: &'static str,
    /// How it begins; what a text is searched for.
    pub(super) beginnings: &'static [&'static str],
    /// The whole of it from its beginning on; a group, where there is one, is the part that is secret.
    pub(super) pattern: &'static str,
    /// Whether it is drawn at random, so that one without variety only shows the shape.
    pub(super) is_random: bool,
}

const fn random(
    what: &'static str,
    beginnings: &'static [&'static str],
    pattern: &'static str,
) -> Shape {
    Shape { what, beginnings, pattern, is_random: true }
}

/// All known shapes.
pub(super) static SHAPES: [Shape; 29] = [
    random("an AWS access key", &["AKIA", "ASIA", "ABIA", "ACCA"], r"[A-Z]{4}[A-Z2-7]{16}(?-u:\b)"),
    random(
        "a GitHub token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        r"gh[a-z]_[A-Za-z0-9]{36,255}(?-u:\b)",
    ),
    random(
        "a GitHub token",
        &["github_pat_"],
        r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}(?-u:\b)",
    ),
    random(
        "a GitLab token",
        &["glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-", "glimt-", "glagent-"],
        r"gl[a-z]+-[A-Za-z0-9_-]{20,}",
    ),
    random(
        "a Slack token",
        &["xoxb-", "xoxa-", "xoxp-", "xoxo-", "xoxs-", "xoxr-", "xoxe-", "xapp-"],
        r"x[a-z]{3}-[A-Za-z0-9-]*[0-9][A-Za-z0-9-]{19,}",
    ),
    random(
        "the address of a Slack webhook",
        &["hooks.slack.com/"],
        r"hooks\.slack\.com/(?:services|workflows)/T[A-Z0-9]+/[A-Z0-9]+/([A-Za-z0-9/]{18,})",
    ),
    random(
        "the address of a Discord webhook",
        &["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"],
        r"[a-z.]+/api/webhooks/[0-9]{16,20}/([A-Za-z0-9_-]{60,})",
    ),
    random("a Google API key", &["AIza"], r"AIza[A-Za-z0-9_-]{35}"),
    random("a Google client secret", &["GOCSPX-"], r"GOCSPX-[A-Za-z0-9_-]{28}"),
    random("a Google access token", &["ya29."], r"ya29\.[A-Za-z0-9_-]{30,}"),
    random(
        "a Stripe key",
        &["sk_live_", "sk_test_", "rk_live_", "rk_test_"],
        r"[a-z]{2}_[a-z]{4}_[A-Za-z0-9]{16,}",
    ),
    random("a signing secret of a webhook", &["whsec_"], r"whsec_[A-Za-z0-9+/]{24,}=*"),
    random("an npm token", &["npm_"], r"npm_[A-Za-z0-9]{36}(?-u:\b)"),
    random("a PyPI token", &["pypi-AgE"], r"pypi-AgE[A-Za-z0-9_-]{50,}"),
    random("a Docker Hub token", &["dckr_pat_"], r"dckr_pat_[A-Za-z0-9_-]{27,}"),
    random("a Vault token", &["hvs.", "hvb.", "hvr."], r"hv[a-z]\.[A-Za-z0-9_-]{24,}"),
    random("a DigitalOcean token", &["dop_v1_", "doo_v1_"], r"do[a-z]_v1_[a-f0-9]{64}(?-u:\b)"),
    random("a SendGrid key", &["SG."], r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    random(
        "a Shopify token",
        &["shpat_", "shpca_", "shppa_", "shpss_"],
        r"shp[a-z]{2}_[a-fA-F0-9]{32}(?-u:\b)",
    ),
    random(
        "an OpenAI key",
        &["sk-proj-", "sk-svcacct-", "sk-admin-"],
        r"sk-[a-z]+-[A-Za-z0-9_-]{40,}",
    ),
    random("an Anthropic key", &["sk-ant-"], r"sk-ant-[a-z0-9]+-[A-Za-z0-9_-]{60,}"),
    random("a Hugging Face token", &["hf_"], r"hf_[A-Za-z]{34}(?-u:\b)"),
    random("a Grafana token", &["glsa_"], r"glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}(?-u:\b)"),
    random("a Databricks token", &["dapi"], r"dapi[a-f0-9]{32}(?-u:\b)"),
    random("a New Relic key", &["NRAK-"], r"NRAK-[A-Z0-9]{27}(?-u:\b)"),
    random(
        "a key of an Azure storage account",
        &["AccountKey=", "SharedAccessKey="],
        r"[A-Za-z]+=([A-Za-z0-9+/]{43,86}={1,2})",
    ),
    random(
        "a JSON Web Token",
        &["eyJ"],
        r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}",
    ),
    Shape {
        what: PRIVATE_KEY,
        beginnings: &["-----BEGIN ", "AGE-SECRET-KEY-1"],
        pattern: r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|AGE-SECRET-KEY-1[0-9A-Z]{58}",
        is_random: false,
    },
    Shape {
        what: PASSWORD_IN_URL,
        beginnings: &["://"],
        pattern: r#"://[^\s/?#@"'`<>:{}()\[\],|\\]*:([^\s/?#@"'`<>{}()$*|\\]{3,})@[A-Za-z0-9\[{]"#,
        is_random: false,
    },
];
