//! Signs requests for AWS by Signature Version 4. It sends nothing and finds no credentials by itself.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;

use crate::net::Request;
use crate::run::Fault;
use crate::secret::Secret;

/// What signs, and for whom.
#[derive(Clone, Debug)]
pub(super) struct AwsSigner {
    /// The id of the access key.
    pub(super) access_key_id: Secret,
    /// The key.
    pub(super) secret_access_key: Secret,
    /// Goes with a key that is lent for a while.
    pub(super) session_token: Option<Secret>,
    /// `eu-central-1`.
    pub(super) region: String,
    /// `ssm`, `execute-api`.
    pub(super) service: String,
}

impl AwsSigner {
    /// Signs a request as it stands, body included; its `content-type` and `x-amz-…` headers are signed with it.
    pub(super) fn sign(&self, request: &mut Request, now: SystemTime) -> Result<(), Fault> {
        let wrong = |what: &str| Fault::terminal(format!("the request cannot be signed: {what}"));
        let session = self.session_token.as_ref().map(|token| token.reveal().to_owned());
        let id = self.access_key_id.reveal();
        let key = self.secret_access_key.reveal();
        let identity = Credentials::new(id, key, session, None, "trueline").into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(now)
            .settings(self.settings())
            .build()
            .map_err(|error| wrong(&error.to_string()))?
            .into();
        let signed_too = |name: &str| {
            let name = name.to_ascii_lowercase();
            name == "content-type" || name.starts_with("x-amz-")
        };
        let headers = request.headers.iter().filter(|(name, _)| signed_too(name));
        let headers = headers.map(|(name, value)| (name.as_str(), value.as_str()));
        let body = SignableBody::Bytes(&request.body);
        // What a header may not hold is said by the client, without the value.
        let signable = SignableRequest::new(request.method.as_str(), &request.url, headers, body)
            .map_err(|_| wrong("its URL or a header holds what is not allowed there"))?;
        let (instructions, _) = sign(signable, &params)
            .map_err(|_| wrong("its URL or a header holds what is not allowed there"))?
            .into_parts();
        let (headers, _) = instructions.into_parts();
        let made = headers.iter().map(|made| (made.name().to_owned(), made.value().to_owned()));
        request.headers.extend(made);
        Ok(())
    }

    /// S3 signs the path as it stands, and wants the digest of the body.
    fn settings(&self) -> SigningSettings {
        let mut settings = SigningSettings::default();
        if self.service == "s3" {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        settings
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![expect(clippy::format_collect, reason = "it reads as AWS's page does")]

    use std::time::Duration;

    use hmac::{Hmac, KeyInit, Mac};
    use reqwest::Method;
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::action::testing::Seen;

    fn hexed(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn hmac(key: &[u8], text: &str) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    /// Tells whether a request that arrived is signed with this key, computed by hand as AWS's page "Create a signed
    /// AWS API request" says.
    pub(in crate::action) fn is_signed(seen: &Seen, secret: &str) -> bool {
        let Some(given) = seen.headers.get("authorization") else { return false };
        let part = |name: &str| {
            let rest = given.split(name).nth(1).unwrap_or_default();
            rest.split([',', ' ']).next().unwrap_or_default().to_owned()
        };
        let credential = part("Credential=");
        let scope: Vec<&str> = credential.split('/').skip(1).collect();
        let names = part("SignedHeaders=");
        let headers: String = names
            .split(';')
            .map(|name| format!("{name}:{}\n", seen.headers[name].trim()))
            .collect();
        let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
        let mut query: Vec<&str> = query.split('&').collect();
        query.sort_unstable();
        let body = hexed(&Sha256::digest(&seen.body));
        let canonical =
            format!("{}\n{path}\n{}\n{headers}\n{names}\n{body}", seen.method, query.join("&"));
        let canonical = hexed(&Sha256::digest(canonical));
        let date = &seen.headers["x-amz-date"];
        let signed = format!("AWS4-HMAC-SHA256\n{date}\n{}\n{canonical}", scope.join("/"));
        let key =
            scope.iter().fold(format!("AWS4{secret}").into_bytes(), |key, part| hmac(&key, part));
        hexed(&hmac(&key, &signed)) == part("Signature=")
    }

    #[test]
    fn the_first_example_of_the_test_suite_of_aws_comes_out_the_same() {
        let signer = AwsSigner {
            access_key_id: Secret::new("AKIDEXAMPLE"),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: None,
            region: "us-east-1".to_owned(),
            service: "service".to_owned(),
        };
        let mut request = Request {
            method: Method::GET,
            url: "https://example.amazonaws.com/".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: Duration::from_secs(1),
        };
        // 2015-08-30T12:36:00Z, `get-vanilla`.
        signer
            .sign(&mut request, SystemTime::UNIX_EPOCH + Duration::from_mins(24_015_636))
            .unwrap();
        let header = |name: &str| {
            request.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).unwrap().1.clone()
        };
        assert_eq!(header("x-amz-date"), "20150830T123600Z");
        assert_eq!(
            header("authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
    }
}
