//! The canary method: secrets of every shape go through a run whose other side echoes them in every encoding, and
//! then nothing that is kept, logged or shown may hold one.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as At, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::kit::place;
use crate::world::World;

/// By name: what the fields of the service, and the item's owner, have as their secrets.
const CANARIES: [(&str, &str); 30] = [
    ("P1", "canary-plain-0123456789"),
    ("P2", "canary/with+=&\"'<>%and space"),
    ("P3", "canary first line long\ncanary second line long"),
    ("P4", "kanari-schlüssel-日本語-🔑-ключ"),
    (
        "P5",
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJcanary\nc0VjcmV0L2tleQ==canary\n-----END PRIVATE KEY-----",
    ),
    ("P6", "postgres://canary:p%40ss@db.example.com:5432/x?sslmode=require"),
    ("P7", "canary\\with\\back\\slashes${and}%{more}$$"),
    ("P8", "''canary''\"\"quotes\"\""),
    ("P9", "canary`tick`$(subshell)|&;<>*?[]#~!"),
    ("P10", "canary\twith\ttabs\tin\tit"),
    ("P11", "canary first of dos\r\ncanary second of dos\r\ncanary third"),
    ("P12", r#"{"type":"service_account","canary":"a/b+c=","n":1}"#),
    ("P13", "canary%41%2Fpercent%25already"),
    ("P14", "Y2FuYXJ5LWxvb2tzLWxpa2UtYmFzZTY0IQ=="),
    ("P15", "63616e6172792d6c6f6f6b732d6c696b652d686578"),
    ("P16", "canary &amp; &lt;entities&gt; &#39;already&#39;"),
    ("P17", "{{canary}} {{#each secrets}}x{{/each}}"),
    ("P18", "canary\u{301}combining e\u{301}\u{308} n\u{303}"),
    ("P19", "canary \u{5e9}\u{5dc}\u{5d5}\u{5dd} right to left \u{645}\u{631}"),
    ("P20", "  canary between blanks  x"),
    ("P21", "canary;with,separators:and=equals&more"),
    ("P22", "canary<script>alert('x')</script>"),
    ("P23", "canary://user:pass@host/path?query=a+b#fragment"),
    ("P24", "AKIACANARY0000000000:canary/secret+key/EXAMPLE"),
    ("P25", "canary____----....~~~~unreserved"),
    ("P26", "CANARY-UPPER-lower-0xDEADBEEF"),
    ("P27", "canary\"\"\"triple\"'''quotes'''"),
    (
        "P28",
        "canary-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789",
    ),
    ("P29", "\u{1f511}canary\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}family"),
    ("TOKEN", "canary-bearer-token-9876543210"),
];

/// What the other side makes up, as the item's sensitive output.
const GENERATED: &str = "canary-generated-by-them-55555";

fn percent(text: &str, kept: &[u8]) -> String {
    let encode = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || kept.contains(&byte) => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

fn html(text: &str) -> String {
    let escapes = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&#39;")];
    escapes.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Every form in which a canary may be found, computed without the product.
fn forms(canary: &str) -> Vec<String> {
    let mut forms = vec![
        canary.to_owned(),
        json(canary),
        json(&json(canary)),
        html(canary),
        percent(canary, b""),
        percent(canary, b"-_.~"),
        percent(canary, b"-_.!~*'()"),
        hex(canary),
        hex(canary).to_uppercase(),
    ];
    for shift in 0..3 {
        let padded: Vec<u8> = std::iter::repeat_n(0, shift).chain(canary.bytes()).collect();
        let sure = (8 * shift).div_ceil(6)..8 * padded.len() / 6;
        forms.push(STANDARD_NO_PAD.encode(&padded)[sure.clone()].to_owned());
        forms.push(URL_SAFE_NO_PAD.encode(&padded)[sure].to_owned());
    }
    forms.extend(canary.lines().filter(|line| line.contains("canary")).map(str::to_owned));
    forms.sort();
    forms.dedup();
    forms
}

/// Fails where any form of any canary stands in the bytes; a text as it stands and as its escapes are read.
fn check(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for (name, canary) in CANARIES.iter().chain([&("GENERATED", GENERATED)]) {
        for form in forms(canary) {
            if let Some(at) = text.find(&form) {
                let around: String = text[..at]
                    .chars()
                    .rev()
                    .take(120)
                    .collect::<Vec<_>>()
                    .into_iter()
                    .rev()
                    .collect();
                panic!("{what} holds {name} as `{form}` after …{around}");
            }
        }
    }
}

/// Checks all files below a folder; returns how many.
fn check_folder(folder: &Path) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += check_folder(&path);
        } else {
            check(&path.display().to_string(), &std::fs::read(&path).unwrap());
            count += 1;
        }
    }
    count
}

#[derive(Default)]
struct Other {
    asked: AtomicUsize,
    /// How often all canaries arrived as they were meant to.
    whole: AtomicUsize,
}

/// Echoes everything in every encoding: as a failure, then as a success, then as a refusal.
async fn echo(
    State(other): State<Arc<Other>>,
    At(id): At<String>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let mut said = String::from_utf8_lossy(&body).into_owned();
    said += &format!(" {:?} ", headers.get("authorization"));
    for (_, canary) in CANARIES {
        said += &forms(canary).join(" ");
        said += &format!(" {} {}", STANDARD.encode(format!("x{canary}y")), STANDARD.encode(canary));
    }
    let known = format!("{said} {}", forms(GENERATED).join(" "));
    if method == Method::GET {
        let drift = serde_json::json!({"size": known, "p1": known, "name": known});
        return (StatusCode::OK, drift.to_string());
    }
    let sent: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let fields = CANARIES.iter().filter(|(name, _)| name.starts_with('P'));
    let whole = fields.into_iter().all(|(name, canary)| sent[name.to_lowercase()] == *canary);
    other.whole.fetch_add(usize::from(whole), Ordering::SeqCst);
    if id.ends_with("refused") {
        return (StatusCode::UNPROCESSABLE_ENTITY, said);
    }
    if other.asked.fetch_add(1, Ordering::SeqCst) == 0 {
        return (StatusCode::BAD_GATEWAY, said);
    }
    let answer = serde_json::json!({"endpoint": "e.example", "connection": GENERATED, "echo": known, known.clone(): 1});
    (StatusCode::OK, answer.to_string())
}

fn start(runtime: &tokio::runtime::Runtime) -> (SocketAddr, Arc<Other>) {
    let other = Arc::new(Other::default());
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/v1/{id}", any(echo)).with_state(Arc::clone(&other));
    runtime.spawn(async move { axum::serve(listener, router).await });
    (address, other)
}

/// How many of them are fields of the service.
const FIELDS: usize = CANARIES.len() - 1;

fn item(api: SocketAddr, target: &Path) -> String {
    let passwords: String = (1..=FIELDS)
        .map(|n| format!("          - {{id: p{n}, name: P{n}, type: password, required: true}}\n"))
        .collect();
    let body: String = (1..=FIELDS).map(|n| format!(", p{n}: \"{{{{fields.p{n}}}}}\"")).collect();
    let target = target.display();
    format!(
        r#"schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: canary
  name: A cage
  description: Sends secrets of every shape to somebody who cannot keep them to himself.
  version: 1.0.0
  category: tests
  owner: {{team: platform, contact: platform@example.com}}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {{id: size, name: Size, type: number, required: true}}
{passwords}fulfillment:
  strategy: {{mode: automatic}}
  manual:
    actions:
      - {{id: by-hand, type: manual-task, config: {{title: Do it, instructions: By hand}}}}
  automatic:
    actions:
      - id: set
        type: rest-api
        retry: {{attempts: 3, delay: 200ms}}
        config:
          endpoint: {{url: "http://{api}/v1/{{{{service.id}}}}", method: PUT}}
          authentication: {{type: bearer, token: TOKEN}}
          body: {{contentTemplate: {{size: "{{{{fields.size}}}}"{body}}}}}
          observe: {{url: "http://{api}/v1/{{{{service.id}}}}"}}
          delete: {{url: "http://{api}/v1/{{{{service.id}}}}"}}
        outputs: {{endpoint: /endpoint, connection: /connection}}
      - id: page
        type: git-commit
        config:
          repository: "file://{target}"
          branch: main
          commitMessage: "pages: {{{{service.id}}}}"
          files:
            - {{path: "pages/{{{{service.id}}}}.txt", contentTemplate: "at {{{{outputs.set.endpoint}}}}\n"}}
      - id: tell
        type: notify
        config: {{channel: ops, subject: "Made {{{{service.id}}}}", message: "At {{{{outputs.set.endpoint}}}}"}}
outputs:
  endpoint: {{value: "{{{{outputs.set.endpoint}}}}"}}
  connection: {{value: "{{{{outputs.set.connection}}}}", sensitive: true}}
"#
    )
}

fn service(id: &str) -> String {
    let fields: String = (1..=FIELDS).map(|n| format!("  p{n}: {{secret: P{n}}}\n")).collect();
    format!(
        "schemaVersion: catalog/v1\nkind: Service\nmetadata: {{id: {id}, team: alpha}}\ncatalogItem: canary\nfields:\n  size: 3\n{fields}"
    )
}

#[test]
fn no_canary_leaves_its_cage() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (api, other) = start(&runtime);
    let world = World::new();
    let cage = world.path("cage");
    for team in ["alpha", "platform"] {
        std::fs::create_dir_all(cage.join(team)).unwrap();
        for (name, canary) in CANARIES {
            std::fs::write(cage.join(team).join(name), format!("{canary}\n")).unwrap();
        }
    }
    let config = std::fs::read_to_string(world.path("trueline.toml")).unwrap();
    let config = format!(
        "{config}[secrets.cage]\nkind = \"file\"\nfolder = \"cage\"\n[notify.ops]\nkind = \"log\"\n"
    );
    std::fs::write(world.path("trueline.toml"), &config).unwrap();
    world.commit(&[
        ("catalog/tests/canary.yaml", &item(api, &world.path("target.git"))),
        (&place("alpha-good"), &service("alpha-good")),
        (&place("alpha-refused"), &service("alpha-refused")),
    ]);
    let mut shown = String::new();
    let show = |shown: &mut String| {
        for format in ["text", "json"] {
            for command in [
                &["validate"][..],
                &["plan"],
                &["status"],
                &["service", "list"],
                &["service", "show", "alpha-good"],
                &["service", "show", "alpha-refused"],
                &["run", "list"],
                &["task", "list"],
            ] {
                let said = world.trueline(&[command, &["-o", format, "-v"]].concat());
                *shown += &said.all();
            }
        }
        *shown += &world.trueline(&["plan", "-o", "yaml"]).all();
    };
    show(&mut shown);
    let daemon = world.serve();
    world.approve_plan();
    world.eventually("the page", |world| world.target_file("pages/alpha-good.txt").is_some());
    world.eventually("the refusal", |world| world.trueline(&["status"]).all().contains("422"));
    world.eventually("the drift", |world| world.trueline(&["status"]).all().contains("1 drifted"));
    show(&mut shown);
    let runs = world.json(&["run", "list"]);
    let runs = runs.as_array().or_else(|| runs["runs"].as_array()).unwrap();
    assert!(runs.len() > 1, "{runs:?}");
    for run in runs {
        let id = run["id"].as_str().unwrap();
        shown += &world.trueline(&["run", "show", id]).all();
        shown += &world.trueline(&["run", "show", id, "-o", "json"]).all();
    }
    assert_eq!(daemon.stop(), Some(0));
    // Once more with the log as text, and all of it.
    std::fs::write(
        world.path("trueline.toml"),
        config + "[log]\nformat = \"text\"\nlevel = \"debug\"\n",
    )
    .unwrap();
    let daemon = world.serve();
    world.eventually("a look", |world| {
        let log = std::fs::read_to_string(world.path("serve.log")).unwrap();
        log.matches("read the catalog").count() > 1
    });
    assert_eq!(daemon.stop(), Some(0));

    assert!(other.whole.load(Ordering::SeqCst) >= 3, "all canaries were sent as they are");
    assert!(shown.contains("(sensitive)") && shown.contains("422"), "{shown}");
    check("what was shown", shown.as_bytes());
    let log = std::fs::read(world.path("serve.log")).unwrap();
    assert!(!log.is_empty());
    check("the log", &log);
    let kept: Vec<u8> = ["trueline.db", "trueline.db-wal"]
        .iter()
        .flat_map(|name| std::fs::read(world.path(".trueline").join(name)).unwrap_or_default())
        .collect();
    let kept = String::from_utf8_lossy(&kept);
    assert!(kept.contains("answered 502") && kept.contains("answered 422"), "the echoes were kept");
    for folder in [".trueline", "target.git", "catalog.git"] {
        assert!(check_folder(&world.path(folder)) > 2, "{folder}");
    }
    let shown = world.git(&["-C", "target.git", "log", "-p", "--all"]);
    check("the target's history", shown.as_bytes());
}

#[test]
fn a_canary_that_leaves_is_noticed() {
    for (_, canary) in CANARIES {
        for form in forms(canary) {
            assert!(
                std::panic::catch_unwind(|| check("a page", format!("a {form} b").as_bytes()))
                    .is_err()
            );
        }
    }
    check("a page", b"(sensitive)");
}
