//! Tests of the HTTP client against a counterpart that misbehaves.

use std::io;
use std::net::IpAddr;
use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::action::testing::{Counterpart, Trick, ports, refusing_url};
use crate::run::FaultClass;

fn request(method: Method, url: &str) -> Request {
    let timeout = Duration::from_secs(10);
    Request { method, url: url.to_owned(), headers: Vec::new(), body: Vec::new(), timeout }
}

/// Sends with nothing opened and returns what is said about it.
async fn refusal(url: &str) -> String {
    let http = HttpClient::new(&Egress::default()).unwrap();
    let fault = http.send(request(Method::GET, url)).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Terminal, "{url}: {fault}");
    fault.message
}

/// Answers look-ups from a list, one entry each.
struct Scripted(Mutex<Vec<Vec<IpAddr>>>);

#[async_trait]
impl Lookup for Scripted {
    async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        self.0.lock().unwrap().pop().ok_or_else(|| io::Error::other("no such host"))
    }
}

fn scripted(answers: &[&[&str]], allow: &[&str]) -> HttpClient {
    let answers = answers
        .iter()
        .rev()
        .map(|answer| answer.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>());
    let lookup: Arc<dyn Lookup> = Arc::new(Scripted(Mutex::new(answers.collect())));
    let allow = allow.iter().map(|text| (*text).to_owned()).collect();
    HttpClient::with_lookup(&Egress { allow, ..Egress::default() }, &lookup).unwrap()
}

#[tokio::test]
async fn every_spelling_of_an_inner_address_is_refused_before_anything_is_sent() {
    let counterpart = Counterpart::start().await;
    let port = counterpart.address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "0",
        "0.0.0.0",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "１２７.0.0.1",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "%31%32%37.0.0.1",
        "ⓛocalhost",
    ] {
        let message = refusal(&format!("http://{host}:{port}/")).await;
        assert!(message.contains("only the operator can open it"), "{host}: {message}");
    }
    assert!(counterpart.seen().is_empty());
}

#[tokio::test]
async fn metadata_is_refused_and_the_message_says_what_to_do() {
    insta::assert_snapshot!(refusal("http://169.254.169.254/latest/meta-data").await, @"169.254.169.254 is not reached: 169.254.169.254 is an address of cloud metadata; only the operator can open it (`[egress] allow`, port 80)");
    let http = scripted(&[&["169.254.169.254"]], &[]);
    let fault =
        http.send(request(Method::GET, "http://metadata.google.internal/")).await.unwrap_err();
    insta::assert_snapshot!(fault, @"metadata.google.internal is not reached: 169.254.169.254 is an address of cloud metadata; only the operator can open it (`[egress] allow`, port 80)");
}

#[tokio::test]
async fn other_schemes_and_credentials_in_urls_are_refused() {
    for url in
        ["file:///etc/passwd", "ftp://example.com/", "gopher://example.com/", "data:text/plain,x"]
    {
        assert!(refusal(url).await.contains("only http and https are reached"), "{url}");
    }
    for url in
        ["http://user@example.com/", "http://:hunter22@example.com/", "http://a:b@127.0.0.1/"]
    {
        let message = refusal(url).await;
        assert!(message.contains("authentication") && !message.contains("hunter22"), "{message}");
    }
    for url in
        ["", "/things", "http://", "http://[::1", "http://exa mple.com/", "http://300.1.1.1/"]
    {
        assert!(refusal(url).await.starts_with("the URL cannot be read"), "{url}");
    }
}

#[tokio::test]
async fn a_name_is_judged_by_every_address_and_at_every_look_up() {
    let counterpart = Counterpart::start().await;
    let port = counterpart.address.port();
    let url = format!("http://api.example.com:{port}/things");
    let sent = |http: HttpClient| {
        let request = request(Method::GET, &url);
        async move { http.send(request).await.map(|response| response.status) }
    };

    let mixed = scripted(&[&["1.1.1.1", "127.0.0.1"]], &[]);
    assert_eq!(sent(mixed).await.unwrap_err().class, FaultClass::Terminal);
    assert!(counterpart.seen().is_empty());

    let by_name = scripted(&[&["127.0.0.1"]], &[&format!("*.example.com:{port}")]);
    assert_eq!(sent(by_name).await, Ok(404));
    let by_address = scripted(&[&["127.0.0.1"]], &[&format!("127.0.0.1:{port}")]);
    assert_eq!(sent(by_address).await, Ok(404));
    let other_port = scripted(&[&["127.0.0.1"]], &["127.0.0.1:1", "api.example.com:443"]);
    assert_eq!(sent(other_port).await.unwrap_err().class, FaultClass::Terminal);
    let nobody = scripted(&[], &[]);
    assert_eq!(sent(nobody).await.unwrap_err().class, FaultClass::Transient);
    assert_eq!(counterpart.seen().len(), 2);
}

#[tokio::test]
async fn a_name_that_is_bound_anew_is_refused_at_once() {
    let counterpart = Counterpart::start().await;
    let port = counterpart.address.port();
    let http = scripted(&[&["127.0.0.1"], &["127.0.0.2"]], &["127.0.0.1:*"]);
    let url = format!("http://api.example.com:{port}/things");
    assert!(http.send(request(Method::GET, &url)).await.is_ok());
    let fault = http.send(request(Method::GET, &url)).await.unwrap_err();
    assert!(fault.message.contains("127.0.0.2 is a loopback address"), "{fault}");
    assert_eq!(counterpart.seen().len(), 1);
}

#[tokio::test]
async fn what_a_failure_means_depends_on_what_was_sent_and_on_the_method() {
    let counterpart = Counterpart::start().await;
    let ports = ports();
    let url = counterpart.url("/things");
    for trick in
        [Trick::CutBefore, Trick::CutAfter, Trick::LateAfter, Trick::Trickle, Trick::Garbage]
    {
        for (method, class) in [
            (Method::POST, FaultClass::Unknown),
            (Method::PATCH, FaultClass::Unknown),
            (Method::PUT, FaultClass::Transient),
            (Method::DELETE, FaultClass::Transient),
        ] {
            counterpart.play([trick.clone()]);
            let mut request = request(method.clone(), &url);
            request.body = b"{}".to_vec();
            if matches!(trick, Trick::LateAfter | Trick::Trickle) {
                request.timeout = Duration::from_millis(100);
            }
            let result = ports.http.send(request).await;
            // What is taken away answers without a body, so there is nothing to cut.
            if let Err(fault) = result {
                assert_eq!(fault.class, class, "{trick:?} {method}: {fault}");
            } else {
                assert_eq!(method, Method::DELETE, "{trick:?}");
            }
        }
    }
    let refused = ports.http.send(request(Method::POST, &refusing_url().await)).await.unwrap_err();
    assert_eq!(refused.class, FaultClass::Transient, "{refused}");
    assert!(refused.message.starts_with("cannot connect to 127.0.0.1:"), "{refused}");
}

#[tokio::test]
async fn nothing_is_tried_again_and_no_redirect_is_followed() {
    let counterpart = Counterpart::start().await;
    let ports = ports();
    let away = "location: http://169.254.169.254/\r\n";
    counterpart.play([
        Trick::Answer(302, away, String::new()),
        Trick::Answer(503, "", String::new()),
        Trick::CutBefore,
    ]);
    let url = counterpart.url("/things");
    let response = ports.http.send(request(Method::GET, &url)).await.unwrap();
    assert_eq!(
        (response.status, response.header("location")),
        (302, Some("http://169.254.169.254/".into()))
    );
    assert_eq!(ports.http.send(request(Method::GET, &url)).await.unwrap().status, 503);
    assert!(ports.http.send(request(Method::GET, &url)).await.is_err());
    assert_eq!(counterpart.seen().len(), 3);
}

#[tokio::test]
async fn a_body_without_end_is_cut_at_the_limit() {
    let counterpart = Counterpart::start().await;
    counterpart.play([
        Trick::Answer(200, "", "x".repeat(MAX_BODY_BYTES)),
        Trick::Answer(200, "", "x".repeat(MAX_BODY_BYTES + 1)),
    ]);
    for truncated in [false, true] {
        let request = request(Method::GET, &counterpart.url("/things"));
        let response = ports().http.send(request).await.unwrap();
        assert_eq!((response.body.len(), response.truncated), (MAX_BODY_BYTES, truncated));
    }
}

#[tokio::test]
async fn a_value_never_adds_a_header() {
    let counterpart = Counterpart::start().await;
    for (name, value) in
        [("x-team", "a\r\nx-admin: 1"), ("x-team", "a\nb"), ("x team", "a"), ("x\r\ny", "a")]
    {
        let mut request = request(Method::GET, &counterpart.url("/things"));
        request.headers = vec![(name.to_owned(), value.to_owned())];
        let fault = ports().http.send(request).await.unwrap_err();
        assert_eq!(fault.class, FaultClass::Terminal);
        assert!(!fault.message.contains("admin"), "{fault}");
    }
    assert!(counterpart.seen().is_empty());
}

#[test]
fn a_pattern_that_cannot_be_read_is_an_error() {
    let error =
        HttpClient::new(&Egress { allow: vec!["example.com".to_owned()], ..Egress::default() })
            .unwrap_err();
    insta::assert_snapshot!(error, @"`example.com` is not a `host:port` pattern such as `*.internal.example.com:443`");
}

#[tokio::test]
async fn a_proxy_is_asked_only_for_what_may_be_reached() {
    let proxy = Counterpart::start().await;
    let port = proxy.address.port();
    let lookup: Arc<dyn Lookup> = Arc::new(Scripted(Mutex::new(vec![
        vec!["127.0.0.1".parse().unwrap()],
        vec!["1.1.1.1".parse().unwrap()],
        vec!["10.0.0.7".parse().unwrap()],
    ])));
    let url = format!("http://localhost:{port}");
    let http = HttpClient::made(&Egress::default(), &lookup, Some(&url)).unwrap();
    let inner = http.send(request(Method::GET, "http://wiki.example.com/")).await.unwrap_err();
    assert!(inner.message.contains("10.0.0.7 is a private address"), "{inner}");
    let literal = http.send(request(Method::GET, "http://127.0.0.1/")).await.unwrap_err();
    assert!(literal.message.contains("only the operator can open it"), "{literal}");
    assert!(proxy.seen().is_empty());
    // The name is looked up, found public, and asked for at the proxy, whose own address is open to this alone.
    let mut request = request(Method::GET, "http://api.example.com/things");
    request.headers.push(("x-key".to_owned(), "v".to_owned()));
    let response = http.send(request).await.unwrap();
    let seen = proxy.seen().pop().unwrap();
    assert_eq!((response.status, seen.path.as_str()), (404, "http://api.example.com/things"));
    for wrong in ["proxy:3128", "https://proxy:3128", "socks5://proxy:1", "http://"] {
        assert!(HttpClient::through(&Egress::default(), Some(wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn authorities_that_can_not_be_read_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authorities.pem");
    let told = || {
        let egress = Egress { authorities: Some(path.clone()), ..Egress::default() };
        HttpClient::new(&egress).map(drop).map_err(|error| error.to_string()).unwrap_err()
    };
    assert!(told().contains("authorities.pem: No such file"), "{}", told());
    std::fs::write(&path, "certainly").unwrap();
    assert!(told().contains("there is no certificate in it; it must be PEM"), "{}", told());
    std::fs::write(&path, "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").unwrap();
    assert!(told().contains("can't be read as certificates"), "{}", told());
}
