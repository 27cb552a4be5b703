//! Tests of proposals: who sees which, one on the forge of this machine in full, and words on it.

use serde_json::{Value, json};

use crate::daemon::outgoing::{BOARD, Board, Line, Standing};
use crate::forge::{
    Check, CheckState, ForgeRead as _, ForgeWrite as _, LocalForge, NewProposal, ReviewRead as _,
    ReviewWrite as _,
};
use crate::serve::api::scene::Scene;
use crate::source::fixture::Repo;
use crate::store::{AuditFilter, ReviewStore as _, Store as _};

pub(in crate::serve) fn line(standing: Standing, number: u64, service: Option<&str>) -> Line {
    Line {
        standing,
        repository: "acme/app".to_owned(),
        number: Some(number),
        url: Some(format!("https://github.com/acme/app/pull/{number}")),
        title: format!("Add {number}"),
        by: None,
        service: service.map(str::to_owned),
        run: None,
        since: jiff::Timestamp::UNIX_EPOCH,
        why: None,
        ask: None,
    }
}

pub(in crate::serve) async fn put(scene: &Scene, board: &Board) {
    scene.store.note_review(&scene.lease, BOARD, Some(&json!(board))).await.expect("kept");
}

async fn seen(scene: &Scene, who: &str, query: &str) -> Vec<String> {
    let said = scene.get(who, &format!("/proposals{query}")).await;
    assert_eq!(said.status, 200, "{}", said.text);
    let items = said.body["items"].as_array().expect("a list").iter();
    items.map(|it| it["standing"].as_str().expect("a word").to_owned()).collect()
}

#[tokio::test]
async fn each_team_sees_its_own_and_who_sees_all_sees_all() {
    let scene = Scene::new().await;
    let lines = vec![
        line(Standing::Open, 1, Some("shop-db")),
        line(Standing::Limited, 2, Some("site-web")),
        line(Standing::Declined, 3, None),
    ];
    let asked = Line { by: Some("bob".to_owned()), ..line(Standing::Open, 4, Some("new-db")) };
    let merged = line(Standing::Merged, 5, Some("shop-db"));
    let older = line(Standing::Merged, 4, Some("shop-db"));
    let board = Board { lines, others: vec![asked, older, merged], ..Board::default() };
    put(&scene, &board).await;
    let root = scene.key("root", "admin", &["*"]).await;
    let ada = scene.key("ada", "viewer", &["payments"]).await;
    let bob = scene.key("bob", "requester", &["payments"]).await;
    let all = ["open", "open", "limited", "declined", "merged", "merged"];
    assert_eq!(seen(&scene, &root, "").await, all);
    assert_eq!(seen(&scene, &root, "?standing=limited").await, ["limited"]);
    assert_eq!(seen(&scene, &root, "?from=people").await, ["open"]);
    assert_eq!(seen(&scene, &root, "?q=ADD%202").await, ["limited"]);
    assert_eq!(seen(&scene, &root, "?service=site-web").await, ["limited"]);
    assert_eq!(seen(&scene, &ada, "").await, ["open", "merged", "merged"]);
    assert_eq!(seen(&scene, &bob, "").await, ["open", "open", "merged", "merged"]);
    for wrong in ["?standing=odd", "?from=nobody", "?cursor=odd", "?more=1"] {
        assert_eq!(scene.get(&root, &format!("/proposals{wrong}")).await.status, 400, "{wrong}");
    }
    // Page by page it is the same, and what was merged last comes first.
    let (mut path, mut pages) = ("/proposals?limit=2".to_owned(), Vec::new());
    loop {
        let said = scene.get(&root, &path).await;
        pages.extend(said.body["items"].as_array().expect("a list").clone());
        let Some(next) = said.body["next"].as_str() else { break };
        path = format!("/proposals?limit=2&cursor={next}");
    }
    let numbers: Vec<_> = pages.iter().map(|it| it["number"].as_u64()).collect();
    assert_eq!(numbers, [1, 4, 2, 3, 5, 4].map(Some));
    // One elsewhere is led to, and nothing can be said on it here.
    let id = pages[0]["id"].as_str().expect("a name");
    let one = scene.get(&ada, &format!("/proposals/{id}")).await;
    assert_eq!((one.status, &one.body["here"]), (200, &Value::Null));
    let body = r#"{"head": "x"}"#;
    let said = scene.post(&root, &format!("/proposals/{id}/approve"), body).await;
    assert_eq!(said.status, 409, "{}", said.text);
    let other = pages[2]["id"].as_str().expect("a name");
    assert_eq!(scene.get(&ada, &format!("/proposals/{other}")).await.status, 404);
    for path in ["/proposals/%2e%2e%2fetc", "/proposals/-1", "/proposals/acme%2fapp-1"] {
        assert_eq!(scene.get(&root, path).await.status, 404, "{path}");
    }
}

/// A scene with a proposal in a repository of this machine; returns its name in the API.
pub(in crate::serve) async fn proposed(scene: &Scene, title: &str) -> (Repo, LocalForge, String) {
    let repo = Repo::bare();
    let base = repo.commit_tree(&[("a.yaml", "size: small\n")]);
    let hostile = [("a.yaml", "size: <script>alert(1)</script>\n")];
    repo.commit_on("change", Some(&base), &hostile);
    let place = repo.path.canonicalize().expect("a path").to_string_lossy().into_owned();
    let forge = LocalForge::open_at(&place).expect("opens");
    let new = NewProposal {
        title: title.to_owned(),
        body: title.to_owned(),
        author: "eve <eve@acme.example>".to_owned(),
        source_branch: "change".to_owned(),
        base_branch: "main".to_owned(),
        marker: String::new(),
        at: scene.app.now(),
        asked: crate::forge::Asked::default(),
    };
    let opened = forge.open(new).await.expect("opened");
    let line = Line {
        repository: place.clone(),
        url: None,
        title: title.to_owned(),
        ..line(Standing::Open, opened.number, Some("shop-db"))
    };
    let board = Board { others: vec![line], catalog: Some(place), ..Board::default() };
    put(scene, &board).await;
    let root = scene.key("lists", "viewer", &["*"]).await;
    let listed = scene.get(&root, "/proposals").await;
    let id = listed.body["items"][0]["id"].as_str().expect("a name").to_owned();
    (repo, forge, id)
}

async fn check(forge: &LocalForge, name: &str, head: &str, state: CheckState) {
    let check = Check {
        name: name.to_owned(),
        head: head.to_owned(),
        state,
        title: "a title".to_owned(),
        summary: "# all of it".to_owned(),
        annotations: Vec::new(),
        link: None,
    };
    forge.put_check(&check).await.expect("put");
}

#[tokio::test]
async fn one_on_this_machine_is_shown_in_full_approved_and_merged_once_its_checks_pass() {
    let scene = Scene::new().await;
    let (_repo, forge, id) = proposed(&scene, "Make it larger").await;
    let ada = scene.key("ada", "maintainer", &["payments"]).await;
    let eve = scene.key("eve", "maintainer", &["search"]).await;
    let vic = scene.key("vic", "viewer", &["*"]).await;
    let path = format!("/proposals/{id}");
    let one = scene.get(&ada, &path).await;
    let here = &one.body["here"];
    assert_eq!(
        (&here["state"], &here["author"]),
        (&json!("open"), &json!("eve <eve@acme.example>"))
    );
    assert!(here["diff"].as_str().expect("a patch").contains("+size: <script>"), "{}", one.text);
    let short = scene.get(&ada, &format!("{path}?diff=false")).await;
    assert_eq!(short.body["here"]["diff"], Value::Null, "{}", short.text);
    assert_eq!(
        here["possible"],
        json!(["approve", "request-changes", "comment", "merge", "close"])
    );
    assert_eq!(scene.get(&vic, &path).await.body["here"]["possible"], json!([]));
    assert_eq!(scene.get(&eve, &path).await.status, 404);
    let head = here["head"].as_str().expect("a head").to_owned();
    let bound = json!({"head": head}).to_string();
    for (who, word, body, status) in [
        (&vic, "approve", bound.as_str(), 403),
        (&eve, "approve", &bound, 404),
        (&ada, "applaud", &bound, 404),
        (&ada, "approve", "{}", 422),
        (&ada, "close", "{}", 422),
        (&ada, "approve", r#"{"head": "c0ffee"}"#, 409),
        (&ada, "merge", &bound, 409),
    ] {
        let said = scene.post(who, &format!("{path}/{word}"), body).await;
        assert_eq!(said.status, status, "{word} {body}: {}", said.text);
    }
    let said = scene.post(&ada, &format!("{path}/approve"), &bound).await;
    assert_eq!((said.status, &said.body["state"]), (200, &json!("open")), "{}", said.text);
    let reviews = forge.reviews(1).await.expect("read");
    assert_eq!((reviews.len(), reviews[0].by.login.as_str()), (1, "ada"));
    check(&forge, "trueline/validate", &head, CheckState::Success).await;
    let early = scene.post(&ada, &format!("{path}/merge"), &bound).await;
    assert!(early.text.contains("trueline/plan"), "{}", early.text);
    check(&forge, "trueline/plan", &head, CheckState::ActionRequired).await;
    let held = scene.post(&ada, &format!("{path}/merge"), &bound).await;
    assert_eq!(held.status, 409, "{}", held.text);
    check(&forge, "trueline/plan", &head, CheckState::Success).await;
    let merged = scene.post(&ada, &format!("{path}/merge"), &bound).await;
    assert_eq!((merged.status, &merged.body["state"]), (200, &json!("merged")), "{}", merged.text);
    let found = forge.find(1).await.expect("found");
    assert_eq!(found.settled_by.as_deref(), Some("ada"));
    assert_eq!(scene.post(&ada, &format!("{path}/close"), r#"{"reason": "x"}"#).await.status, 409);
    let told = scene.store.audit_list(&AuditFilter::default(), 9).await.expect("read");
    let told: Vec<&str> = told.iter().map(|entry| entry.what.as_str()).collect();
    assert_eq!(told[..2], ["proposal.merge", "proposal.approve"]);
    let happened = scene.get(&ada, "/activity?actor=ada").await;
    assert_eq!(happened.body["items"][0]["what"], "proposal.merge", "{}", happened.text);
}
