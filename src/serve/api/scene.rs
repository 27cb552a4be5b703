//! A scene for tests: a catalog of two teams, runs of both, people of every role, and API and portal over them without
//! a socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::{App, Parts, router};
use crate::action::Ports;
use crate::catalog::Snapshot;
use crate::clock::Clock;
use crate::daemon::{Health, Outline, Published, Upcoming, Window};
use crate::engine::view_sample::{self as sample, at};
use crate::id::{RunId, StepPath};
use crate::reconcile::UnitRows;
use crate::run::Event;
use crate::secret::Secret;
use crate::serve::auth::{Auth, AuthSettings, hash_secret, new_key};
use crate::serve::identity::Identity;
use crate::serve::portal::{self, Portal};
use crate::store::{
    Actor, ActorKind, CatalogState, Key, Lease, LeaseHolder, PeopleStore as _, Sealer, SqliteStore,
    Store as _, Task, TaskState, UnitWrite, User,
};
use crate::validate::Judge;

const SETTINGS: &str = "schemaVersion: catalog/v1\nkind: Catalog\nmetadata: {id: tests, name: Tests}\n\
teams:\n  platform: {owners: [\"@acme/platform\"]}\n  payments: {owners: [\"@ada\"]}\n  search: {owners: [\"@eve\"]}\n";

const ITEM: &str = "schemaVersion: catalog/v1\nkind: CatalogItem\nmetadata:\n  id: ITEM\n  name: Name of ITEM\n  \
description: What the tests ask for, at a length that the rules of the catalog accept.\n  version: 1.0.0\n  category: tests\n  owner: {team: platform, contact: platform@example.com}\n\
VISIBILITYpresentation:\n  form:\n    groups:\n      - id: main\n        name: Main\n        fields:\n          \
- {id: size, name: Size, type: string, required: true}\nfulfillment:\n  strategy: {mode: manual}\n  manual:\n    actions:\n      \
- {id: by-hand, type: manual-task, config: {title: Do it, instructions: By hand}}\n  operations:\n    \
stop: {state: stopped, actions: [{id: stop, type: notify, config: {channel: log, subject: stop, message: stop}}]}\n    \
flush: {actions: [{id: flush, type: notify, config: {channel: log, subject: flush, message: flush}}]}\n";

/// The text of a service.
pub(in crate::serve) fn service(id: &str, team: &str, size: &str) -> String {
    format!(
        "schemaVersion: catalog/v1\nkind: Service\nmetadata: {{id: {id}, team: {team}}}\ncatalogItem: postgres\nfields: {{size: {size}}}\n"
    )
}

pub(super) fn snapshot() -> Snapshot {
    let item = |id: &str, visibility: &str| {
        ITEM.replace("ITEM", id).replace("VISIBILITY", visibility).into_bytes()
    };
    let hidden = "  visibility: {teams: [search]}\n";
    Snapshot::of_files([
        ("trueline.yaml".to_owned(), SETTINGS.as_bytes().to_vec()),
        ("catalog/tests/postgres.yaml".to_owned(), item("postgres", "")),
        ("catalog/tests/secretive.yaml".to_owned(), item("secretive", hidden)),
        (
            "services/payments/shop-db.yaml".to_owned(),
            service("shop-db", "payments", "small").into_bytes(),
        ),
        (
            "services/search/site-web.yaml".to_owned(),
            service("site-web", "search", "large").into_bytes(),
        ),
    ])
}

/// What comes by itself, for each team.
fn upcoming() -> Vec<Upcoming> {
    let of = |(second, service): (i64, &str)| Upcoming {
        next: at(second),
        unit: sample::key(service),
        operation: "flush".to_owned(),
        cron: "0 3 * * *".to_owned(),
        timezone: "Europe/Berlin".to_owned(),
    };
    [(2_000, "shop-db"), (3_000, "site-web")].map(of).into()
}

struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        at(self.0.load(Ordering::SeqCst))
    }
}

/// What was answered.
#[derive(Debug)]
pub(in crate::serve) struct Said {
    pub(in crate::serve) status: u16,
    pub(in crate::serve) headers: HeaderMap,
    pub(in crate::serve) body: Value,
    pub(in crate::serve) text: String,
}

/// The scene.
pub(in crate::serve) struct Scene {
    pub(in crate::serve) store: Arc<SqliteStore>,
    pub(in crate::serve) lease: Lease,
    pub(in crate::serve) app: App,
    router: Router,
    hands: Arc<Hands>,
    window: Window,
    pub(in crate::serve) stop: watch::Sender<bool>,
    _folder: tempfile::TempDir,
}

fn actor(name: &str) -> Actor {
    let (name, via) = (name.to_owned(), "test".to_owned());
    Actor { name, kind: ActorKind::Operator, via, correlation: None }
}

impl Scene {
    /// Makes it.
    pub(in crate::serve) async fn new() -> Self {
        Self::with(AuthSettings { rate: Some(10_000), ..AuthSettings::default() }).await
    }

    /// Makes it with people let in in another way.
    pub(in crate::serve) async fn with(settings: AuthSettings) -> Self {
        Self::over(settings, &crate::action::testing::ports()).await
    }

    /// Makes it with another way to the outside.
    pub(in crate::serve) async fn over(settings: AuthSettings, ports: &Ports) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(SqliteStore::in_memory("main").await.expect("opens"));
        let holder = LeaseHolder { pid: 7, host: "here".to_owned(), command: "serve".to_owned() };
        let lease = store.acquire(&holder, at(0)).await.expect("free");
        let sealer = Sealer::key_at(&folder.path().join("key")).expect("a key");
        let hands = Arc::new(Hands(AtomicI64::new(1_000)));
        let window = Window::default();
        let head = snapshot();
        let judged = Judge::new(Vec::new()).judge(&head);
        let wrong: Vec<_> = judged.findings.iter().filter(|found| found.is_error()).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        window.set(Published {
            snapshot: head,
            judged: Arc::new(judged),
            state: Arc::new(CatalogState::default()),
            rows: UnitRows::default(),
            outline: Arc::new(Outline::default()),
            upcoming: Arc::new(upcoming()),
        });
        let (stop, stopped) = watch::channel(false);
        let app = App::new(Parts {
            overview: None,
            store: store.clone(),
            identity: Identity::new(&settings.identity, settings.public_url.as_deref(), ports),
            auth: Auth::new(settings, &sealer, "main"),
            catalog: "main".to_owned(),
            sealer,
            clock: hands.clone(),
            window: window.clone(),
            stop: stopped,
        });
        let portal = Portal::new(app.clone(), Health::default());
        let router = router(app.clone()).merge(portal::router(portal));
        let scene = Self { store, lease, app, router, hands, window, stop, _folder: folder };
        scene.fill().await;
        scene
    }

    /// Two services with their units and runs, of which one waits for a task, and a plan.
    async fn fill(&self) {
        let writes: Vec<UnitWrite> =
            ["shop-db", "site-web"].map(|id| UnitWrite::Put(Box::new(sample::drifted(id)))).into();
        self.store.write_units(&self.lease, &writes).await.expect("written");
        let mut published = (*self.app.published().expect("published")).clone();
        let rows = self.store.unit_rows().await.expect("read");
        published.rows = rows.into_iter().map(|row| (row.key.clone(), row)).collect();
        self.window.set(published);
        let mut events = sample::begin("shop-db/make");
        events.push(sample::waits("shop-db/make"));
        self.runs("r-db", "shop-db", "payments", events).await;
        self.runs("r-web", "site-web", "search", Vec::new()).await;
        let task = |run: &str, service: &str| Task {
            number: 0,
            run: RunId(run.to_owned()),
            step: StepPath(format!("{service}/make")),
            service: service.to_owned(),
            title: "Make it".to_owned(),
            instructions: "By hand".to_owned(),
            outputs: [("url".to_owned(), "string".to_owned())].into(),
            state: TaskState::Open,
            created_at: at(910),
            done_by: None,
        };
        self.store.open_task(&self.lease, &task("r-db", "shop-db")).await.expect("opened");
        self.store.open_task(&self.lease, &task("r-web", "site-web")).await.expect("opened");
        let plan = sample::plan(
            vec![Self::change("shop-db", "payments"), Self::change("site-web", "search")],
            &[],
        );
        self.store.save_plan(&self.lease, &plan, at(950)).await.expect("saved");
    }

    /// Makes the change of a service of a team.
    pub(in crate::serve) fn change(service: &str, team: &str) -> crate::reconcile::Change {
        let mut change = sample::change(service, &[service]);
        change.team = team.to_owned();
        change.digest = change.compute_digest();
        change
    }

    /// Records a run and what happened to it.
    pub(in crate::serve) async fn runs(
        &self,
        id: &str,
        service: &str,
        team: &str,
        events: Vec<Event>,
    ) {
        let mut run = sample::run(id, Self::change(service, team));
        self.store.create_run(&self.lease, &run, &[]).await.expect("created");
        let entries = sample::take(&mut run, events);
        self.store.append(&self.lease, &run, &entries, &[]).await.expect("appended");
    }

    /// Shows the catalog as that of a repository, to which something can be proposed.
    pub(in crate::serve) fn commits(&self) {
        let mut published = (*self.app.published().expect("published")).clone();
        published.snapshot.commit = "c".repeat(40);
        self.window.set(published);
    }

    /// Shows a catalog that holds more files.
    pub(in crate::serve) fn holds(&self, files: &[(&str, &str)]) {
        let mut published = (*self.app.published().expect("published")).clone();
        let head = &mut published.snapshot;
        let more = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
        for (path, blob) in &Snapshot::of_files(more).files {
            head.files.insert(path.clone(), blob.clone());
        }
        let judged = Judge::new(Vec::new()).judge(head);
        let wrong: Vec<_> = judged.findings.iter().filter(|found| found.is_error()).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        published.judged = Arc::new(judged);
        self.window.set(published);
    }

    /// Has the catalog name and describe everything with a text from outside.
    pub(in crate::serve) fn poisons(&self, text: &str) {
        // What hides is refused in documents; the rest comes in.
        let plain = text.replace('\u{202e}', "");
        let quoted = serde_json::to_string(&plain).expect("a text");
        let item = ITEM
            .replace("VISIBILITY", "")
            .replace("name: Name of ITEM", &format!("name: {quoted}"))
            .replace("name: Size", &format!("name: {quoted}, description: {quoted}"))
            .replace("ITEM", "postgres");
        let files = [
            ("trueline.yaml", SETTINGS.to_owned()),
            ("catalog/tests/postgres.yaml", item),
            ("services/payments/shop-db.yaml", service("shop-db", "payments", &quoted)),
            ("services/payments/broken.yaml", format!("kind: {quoted}\n")),
        ];
        let files = files.map(|(path, text)| (path.to_owned(), text.into_bytes()));
        let head = Snapshot::of_files(files);
        let judged = Arc::new(Judge::new(Vec::new()).judge(&head));
        let mut published = (*self.app.published().expect("published")).clone();
        let mut coming = (*published.upcoming).clone();
        for one in &mut coming {
            one.operation = text.to_owned();
            one.cron = text.to_owned();
        }
        (published.snapshot, published.judged) = (head, judged);
        published.upcoming = Arc::new(coming);
        self.window.set(published);
    }

    /// Returns what answers.
    pub(in crate::serve) fn router(&self) -> Router {
        self.router.clone()
    }

    /// Moves the clock on.
    pub(in crate::serve) fn passes(&self, seconds: i64) {
        self.hands.0.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Makes a user with a role, and returns a key of it.
    pub(in crate::serve) async fn key(&self, name: &str, role: &str, teams: &[&str]) -> String {
        let kind = if role == "agent" { ActorKind::Agent } else { ActorKind::Person };
        let teams = teams.iter().map(|&team| team.to_owned()).collect();
        let user = User {
            name: name.to_owned(),
            kind,
            roles: vec![(role.to_owned(), teams)],
            ..User::default()
        };
        let now = self.app.now();
        self.store.save_user(&actor("root"), now, (&user, true)).await.expect("saved");
        self.key_of(name, &[]).await
    }

    /// Makes a key of a user that is there.
    pub(in crate::serve) async fn key_of(&self, name: &str, scopes: &[&str]) -> String {
        let (id, secret): (String, Secret) = new_key();
        let key = Key {
            id,
            hash: hash_secret(secret.reveal()),
            owner: name.to_owned(),
            note: "for tests".to_owned(),
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            created_at: self.app.now(),
            expires_at: Some(at(100_000)),
            revoked_at: None,
            last_used: None,
        };
        self.store.add_key(&actor("root"), self.app.now(), &key).await.expect("added");
        secret.reveal().to_owned()
    }

    /// Asks something.
    pub(in crate::serve) async fn ask(
        &self,
        (method, path): (Method, &str),
        headers: &[(&str, &str)],
        body: &str,
    ) -> Said {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("a body");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_str(&text).unwrap_or_default();
        let status: StatusCode = parts.status;
        Said { status: status.as_u16(), headers: parts.headers, body, text }
    }

    /// Reads something below `/api/v1` with a key.
    pub(in crate::serve) async fn get(&self, key: &str, path: &str) -> Said {
        let bearer = format!("Bearer {key}");
        let asked = (Method::GET, format!("/api/v1{path}"));
        self.ask((asked.0, &asked.1), &[("authorization", &bearer)], "").await
    }

    /// Posts something below `/api/v1` with a key.
    pub(in crate::serve) async fn post(&self, key: &str, path: &str, body: &str) -> Said {
        self.post_with(key, path, (&[], body)).await
    }

    /// Posts something with more headers.
    pub(in crate::serve) async fn post_with(
        &self,
        key: &str,
        path: &str,
        (headers, body): (&[(&str, &str)], &str),
    ) -> Said {
        let bearer = format!("Bearer {key}");
        let mut all =
            vec![("authorization", bearer.as_str()), ("content-type", "application/json")];
        all.extend_from_slice(headers);
        let path = format!("/api/v1{path}");
        self.ask((Method::POST, &path), &all, body).await
    }
}
