//! The API over a real socket, beside a running daemon: people made on the command line, hostile connections, and
//! schemathesis against the document.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::kit::{licence_item, place, service_of};
use crate::world::{World, has};

/// A world that waits for a task, served.
fn world() -> World {
    let world = World::new();
    world.commit(&[
        ("catalog/tests/licence.yaml", &licence_item()),
        (&place("alpha-seats"), &service_of("licence", "alpha-seats", 5)),
    ]);
    world
}

fn key(world: &World, user: &str, role: &str) -> String {
    world.ok(&["user", "add", user, "--role", role]);
    let key = world.ok(&["auth", "token", "create", "--user", user, "--note", "tests"]);
    key.lines().next().unwrap().trim().to_owned()
}

/// Sends a request as it stands and reads the answer: its status and its body.
fn raw(world: &World, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(world.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    (status, body.unwrap_or_default())
}

fn ask(world: &World, key: &str, (method, path): (&str, &str), body: &str) -> (u16, Value) {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: trueline\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    let (status, body) = raw(world, &request);
    (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
}

#[test]
fn a_task_is_found_and_completed_over_the_api() {
    let world = world();
    let _daemon = world.serve();
    let ada = key(&world, "ada", "maintainer=*");
    world.approve_plan();
    let task = |world: &World| ask(world, &ada, ("GET", "/api/v1/tasks?state=open"), "").1;
    world.eventually("the task", |world| has(&task(world)["items"]));
    let number = &task(&world)["items"][0]["number"];
    let path = format!("/api/v1/tasks/{number}/complete");
    let body = r#"{"outputs": {"contractNumber": "NW-8"}}"#;
    let (status, said) = ask(&world, &ada, ("POST", &path), body);
    assert_eq!((status, said["by"].as_str()), (202, Some("ada")), "{said}");
    world.settled();
    let (_, shown) = ask(&world, &ada, ("GET", "/api/v1/services/alpha-seats"), "");
    assert_eq!(shown["state"], "ready", "{shown:#}");
    assert_eq!(shown["units"][0]["outputs"]["contractNumber"], "NW-8", "{shown:#}");
    let told = world.json(&["audit", "list", "--actor", "ada"]);
    assert!(told.to_string().contains("\"type\":\"person\""), "{told:#}");
    let yes = world.trueline(&["auth", "can-i", "operate", "run", "--user", "ada"]);
    assert!(yes.status.success(), "{}", yes.all());
    let no = world.trueline(&["auth", "can-i", "manage", "user", "--user", "ada"]);
    assert_eq!(no.status.code(), Some(1), "{}", no.all());
    world.audit_is_whole();
}

#[test]
fn hostile_connections_get_no_further() {
    let world = world();
    let daemon = world.serve();
    let ada = key(&world, "ada", "viewer=*");
    let head = "Host: trueline\r\nConnection: close\r\n";
    let long =
        format!("GET /api/v1/runs HTTP/1.1\r\n{head}X-Long: {}\r\n\r\n", "x".repeat(200_000));
    let (status, _) = raw(&world, &long);
    assert!((400..500).contains(&status), "{status}");
    let smuggled = format!(
        "POST /api/v1/catalog/refresh HTTP/1.1\r\n{head}Authorization: Bearer {ada}\r\nContent-Length: 4\r\n\
         Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/v1/users HTTP/1.1\r\nHost: trueline\r\n\r\n"
    );
    let (status, body) = raw(&world, &smuggled);
    assert!(status == 400 || status == 403, "{status} {body}");
    assert_eq!(body.matches("HTTP/1.1").count(), 0, "one answer: {body}");
    let split = format!("GET /api/v1/runs HTTP/1.1\r\n{head}X-Correlation-Id: a\r\n b: c\r\n\r\n");
    assert!((400..500).contains(&raw(&world, &split).0));
    // Who says nothing holds nobody up, and does not keep the server from ending.
    let silent: Vec<TcpStream> =
        (0..50).map(|_| TcpStream::connect(world.address()).unwrap()).collect();
    for mut one in &silent {
        one.write_all(b"GET /api/v1/runs HTT").unwrap();
    }
    // Before the first tick it has nothing to show, and says so.
    world.eventually("an answer", |world| {
        let (status, said) = ask(world, &ada, ("GET", "/api/v1/services"), "");
        assert!(status == 200 || status == 503, "{status} {said}");
        status == 200
    });
    assert_eq!(daemon.stop(), Some(0));
    drop(silent);
}

#[test]
fn schemathesis_finds_nothing_unexpected() {
    let Some(program) = std::env::var_os("TRUELINE_TEST_SCHEMATHESIS") else { return };
    let world = world();
    let mut config = std::fs::read_to_string(world.path("trueline.toml")).unwrap();
    config.push_str("\n[server]\nrequestsPerSecond = 100000\n");
    std::fs::write(world.path("trueline.toml"), config).unwrap();
    let _daemon = world.serve();
    let key = key(&world, "ada", "maintainer=*");
    world.approve_plan();
    let document = format!("http://{}/api/openapi.json", world.address());
    let ran = Command::new(program)
        .args(["run", &document, "--header", &format!("Authorization: Bearer {key}")])
        .args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "8", "--workers", "1"])
        .args(["--exclude-operation-id", "followRun", "--generation-deterministic", "--no-color"])
        .env("NO_PROXY", "*")
        .current_dir(world.path(""))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn the_server_speaks_tls_by_itself() {
    let world = world();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(world.path("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(world.path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let mut config = std::fs::read_to_string(world.path("trueline.toml")).unwrap();
    config += "\n[server.tls]\ncertificateFile = \"cert.pem\"\nprivateKeyFile = \"none.pem\"\n";
    std::fs::write(world.path("trueline.toml"), &config).unwrap();
    let refused = world.trueline(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(refused.err.contains("[server.tls]: none.pem"), "{}", refused.all());
    std::fs::write(world.path("trueline.toml"), config.replace("none.pem", "key.pem")).unwrap();
    let daemon = world.serve();
    let mut address = String::new();
    world.eventually("the daemon to serve", |world| {
        let log = std::fs::read_to_string(world.path("serve.log")).unwrap_or_default();
        let last = log.lines().rev().find_map(|line| line.split_once("on https://"));
        address = last.map(|(_, address)| address.trim().to_owned()).unwrap_or_default();
        !address.is_empty()
    });
    let ours = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = || {
        let stays = reqwest::redirect::Policy::none();
        reqwest::Client::builder().no_proxy().redirect(stays).pool_max_idle_per_host(0)
    };
    let client_of_it = client().tls_certs_only([ours]).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let asked = client_of_it.get(format!("https://{address}/sign-in")).send();
    let said = runtime.block_on(asked).unwrap();
    assert_eq!(said.status().as_u16(), 200);
    assert!(said.headers().contains_key("strict-transport-security"), "{:?}", said.headers());
    let form = "theme=dark&next=%2F";
    let asked = client_of_it
        .post(format!("https://{address}/theme"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send();
    let said = runtime.block_on(asked).unwrap();
    let cookie = said.headers().get("set-cookie").map(|it| it.to_str().unwrap().to_owned());
    assert!(cookie.unwrap().ends_with("; Secure"));
    // Nobody else's word is good enough, and who speaks plainly is not understood.
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let other = reqwest::Certificate::from_pem(other.cert.pem().as_bytes()).unwrap();
    let stranger = client().tls_certs_only([other]).build().unwrap();
    let asked = stranger.get(format!("https://{address}/sign-in")).send();
    assert!(runtime.block_on(asked).is_err());
    let mut plain = TcpStream::connect(&address).unwrap();
    plain.write_all(b"GET /sign-in HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said);
    assert!(!String::from_utf8_lossy(&said).contains("200 OK"), "{said:?}");
    assert_eq!(daemon.stop(), Some(0));
}
