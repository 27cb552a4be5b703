//! Signing in with a real provider of OpenID Connect, the certified `oidc-provider`, beside a running daemon.

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::process::{Child, Command, Stdio};

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use url::Url;

use crate::kit::{licence_item, place, service_of};
use crate::world::World;

/// Where the outside reaches the server, as far as anybody is told.
const PUBLIC: &str = "http://trueline.example:7700";

/// The provider; it ends when it is dropped.
struct Provider {
    child: Child,
    issuer: String,
    /// It ends where nobody takes what it says.
    _said: std::io::Lines<std::io::BufReader<std::process::ChildStdout>>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Provider {
    fn start() -> Option<Self> {
        let Some(library) = std::env::var_os("TRUELINE_TEST_OIDC_PROVIDER") else {
            eprintln!(
                "TRUELINE_TEST_OIDC_PROVIDER is not set: signing in with a real provider is not tested"
            );
            return None;
        };
        let mut child = Command::new("node")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/oidc/provider.mjs"))
            .arg(library)
            .arg(format!("{PUBLIC}/sign-in/with/corp/callback"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        let issuer = lines.find(|line| line.as_ref().is_ok_and(|it| it.starts_with("http://")));
        let issuer = issuer.expect("it says where it is").unwrap();
        Some(Self { child, issuer, _said: lines })
    }
}

/// A browser without scripts: it keeps cookies, follows where it is sent, and fills the provider's forms in.
struct Walker {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    /// By host and port.
    cookies: BTreeMap<String, BTreeMap<String, String>>,
    server: String,
}

struct Seen {
    url: Url,
    status: u16,
    text: String,
}

impl Walker {
    fn new(server: String) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        // Nothing reads a connection while nothing is asked.
        let client = client.no_proxy().pool_max_idle_per_host(0).build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, client, cookies: BTreeMap::new(), server }
    }

    /// Opens a place and follows where it is sent.
    fn open(&mut self, place: &str, form: Option<&[(&str, &str)]>) -> Seen {
        let mut url = Url::parse(place).unwrap();
        let mut form = form.map(|form| {
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
        });
        for _ in 0..20 {
            let host = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
            let real = url.as_str().replace(PUBLIC, &self.server);
            let mut request = match form.take() {
                None => self.client.get(real),
                Some(form) => self
                    .client
                    .post(real)
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(form),
            };
            let held = self.cookies.entry(host).or_default();
            let pairs: Vec<String> = held.iter().map(|(name, it)| format!("{name}={it}")).collect();
            request = request.header(COOKIE, pairs.join("; "));
            let answer = self.runtime.block_on(request.send()).unwrap();
            for cookie in answer.headers().get_all(SET_COOKIE) {
                let pair = cookie.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                held.insert(name.to_owned(), value.to_owned());
            }
            let status = answer.status().as_u16();
            let Some(to) = answer.headers().get(LOCATION) else {
                let text = self.runtime.block_on(answer.text()).unwrap();
                return Seen { url, status, text };
            };
            url = url.join(to.to_str().unwrap()).unwrap();
        }
        panic!("sent round in a circle: {url}");
    }

    /// Signs in as somebody with the provider, and agrees.
    fn sign_in(&mut self, place: &str, login: &str) -> Seen {
        let mut seen = self.open(place, None);
        for (prompt, more) in
            [("login", &[("login", login), ("password", "x")][..]), ("consent", &[])]
        {
            if !seen.text.contains(&format!("value=\"{prompt}\"")) {
                continue;
            }
            let form = [&[("prompt", prompt)][..], more].concat();
            let there = seen.url.to_string();
            seen = self.open(&there, Some(&form));
        }
        seen
    }
}

#[test]
fn people_sign_in_with_a_real_provider() {
    let Some(provider) = Provider::start() else { return };
    let world = World::new();
    world.commit(&[
        ("catalog/tests/licence.yaml", &licence_item()),
        (&place("alpha-seats"), &service_of("licence", "alpha-seats", 5)),
    ]);
    let mut config = std::fs::read_to_string(world.path("trueline.toml")).unwrap();
    let issuer = &provider.issuer;
    config += &format!(
        r#"
[server]
publicUrl = "{PUBLIC}"
[secrets]
folder = "secrets"
[auth.oidc.corp]
title = "Acme"
issuer = "{issuer}"
clientId = "trueline"
clientSecret = {{secret = "OIDC_SECRET"}}
scopes = ["openid", "profile", "groups"]
teams = {{alpha = ["ops"]}}
[[auth.grants]]
to = "group:corp/of-ada"
role = "maintainer"
"#
    );
    std::fs::write(world.path("trueline.toml"), config).unwrap();
    let secrets = world.path("secrets");
    std::fs::create_dir_all(&secrets).unwrap();
    std::fs::write(secrets.join("OIDC_SECRET"), "a secret: of/tests+\n").unwrap();
    let _daemon = world.serve();
    world.eventually("the catalog to be read", |world| !world.json(&["plan"])["commit"].is_null());
    let server = format!("http://{}", world.address());

    let mut ada = Walker::new(server.clone());
    let seen = ada.sign_in(&format!("{PUBLIC}/services/alpha-seats"), "ada");
    assert!(seen.text.contains("Sign in with Acme"), "{}", seen.text);
    let begin = format!("{PUBLIC}/sign-in/with/corp?next=/services/alpha-seats");
    let seen = ada.sign_in(&begin, "ada");
    assert_eq!((seen.status, seen.url.path()), (200, "/services/alpha-seats"), "{}", seen.text);
    assert!(
        seen.text.contains("alpha-seats") && seen.text.contains("Signed in as"),
        "{}",
        seen.text
    );

    // Somebody else of the same groups but that one looks at nothing.
    let mut eve = Walker::new(server);
    let seen = eve.sign_in(&begin, "eve");
    assert_eq!(seen.status, 403, "{} {}", seen.url, seen.text);
    assert!(seen.text.contains("Eve may not read any service"), "{}", seen.text);

    let users = world.json(&["user", "list"]);
    let names: Vec<&str> = users["users"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|user| user["name"].as_str())
        .collect();
    assert_eq!(names, ["ada", "eve"], "{users:#}");
    assert_eq!(users["users"][0]["links"][0], "corp=ada", "{users:#}");
    // Who is disabled gets in no more, whatever the provider says.
    world.ok(&["user", "disable", "ada"]);
    let seen = ada.sign_in(&begin, "ada");
    assert_eq!(seen.status, 403, "{}", seen.text);
    assert!(seen.text.contains("is disabled"), "{}", seen.text);
    world.audit_is_whole();
}
