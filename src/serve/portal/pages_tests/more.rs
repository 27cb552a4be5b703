//! Tests of the pages beside the everyday ones: proposals, activity, insights, several answered at once, operating.

use super::super::browser::{Browser, form, hidden, sent, whole};
use crate::engine::view_sample::{at, begin, fails, waits};
use crate::id::{RunId, StepPath};
use crate::run::{Breaker, BreakerKey, BreakerPolicy, Fault, Verdict};
use crate::serve::api::proposed;
use crate::serve::api::scene::Scene;
use crate::store::{BreakerStore as _, DecisionKind, Store as _, Task, TaskState};

/// Opens tasks that ask for nothing.
async fn tasks(scene: &Scene, run: &str, service: &str, steps: &[&str]) -> Vec<i64> {
    let mut numbers = Vec::new();
    for step in steps {
        let task = Task {
            number: 0,
            run: RunId(run.to_owned()),
            step: StepPath((*step).to_owned()),
            service: service.to_owned(),
            title: format!("Do {step}"),
            instructions: "By hand".to_owned(),
            outputs: std::collections::BTreeMap::new(),
            state: TaskState::Open,
            created_at: at(910),
            done_by: None,
        };
        numbers.push(scene.store.open_task(&scene.lease, &task).await.expect("opened"));
    }
    numbers
}

#[tokio::test]
async fn several_tasks_are_completed_at_once_each_with_its_own_outcome() {
    let scene = Scene::new().await;
    let ada = Browser::of(&scene, "ada", "maintainer", &[]).await;
    for run in ["r-two", "r-three"] {
        let mut events = begin("shop-db/make");
        events.push(waits("shop-db/make"));
        scene.runs(run, "shop-db", "payments", events).await;
    }
    let step = ["shop-db/make"];
    let mut numbers = tasks(&scene, "r-two", "shop-db", &step).await;
    assert!(!ada.page("/inbox").await.contains("/inbox/tasks"), "one is completed by itself");
    numbers.extend(tasks(&scene, "r-three", "shop-db", &step).await);
    let page = ada.page("/inbox").await;
    assert!(page.contains("action=\"/inbox/tasks\""), "{page}");
    for number in &numbers {
        assert!(page.contains(&format!("name=\"number\" value=\"{number}\"")), "{page}");
    }
    // The task that asks for an output is opened by itself.
    assert!(!page.contains("name=\"number\" value=\"1\""), "{page}");
    // Task 1 asks for something, 2 is of another team.
    let chosen = [numbers[0], 1, 2, 999].map(|number| number.to_string());
    let mut fields = vec![("_token", hidden(&page, "_token")), ("_once", hidden(&page, "_once"))];
    fields.extend(chosen.iter().map(|number| ("number", number.clone())));
    fields.extend([("number", "x".to_owned()), ("number", chosen[0].clone())]);
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for _ in 0..2 {
        let said = sent(&scene, "/inbox/tasks", &[("cookie", &ada.cookie)], &form(&fields)).await;
        assert_eq!(said.status, 200, "{}", said.text);
        whole("/inbox/tasks", &said);
        assert!(said.text.contains(&format!("Task {}", chosen[0])), "{}", said.text);
        assert_eq!(said.text.matches("not taken").count(), 3, "{}", said.text);
    }
    let told = scene.store.decisions_after(0).await.expect("read");
    assert_eq!(told.len(), 1, "the form that is sent twice takes effect once: {told:?}");
    assert!(
        matches!(told[0].decision, DecisionKind::CompleteTask { task, .. } if task == numbers[0]),
        "{told:?}"
    );
    let none = ada.send("/inbox", "/inbox/tasks", &[]).await;
    assert!(none.text.contains("Nothing was chosen"), "{}", none.text);
    let history = ada.page("/inbox/history").await;
    assert!(history.contains("task done") && history.contains("/services/shop-db"), "{history}");
    let many: Vec<String> = (1..200).map(|number| number.to_string()).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|one| ("number", one.as_str())).collect();
    assert_eq!(ada.send("/inbox", "/inbox/tasks", &many).await.status, 422);
}

#[tokio::test]
async fn a_proposal_of_this_machine_is_looked_at_and_spoken_on() {
    let scene = Scene::new().await;
    let (_repo, forge, id) = proposed(&scene, "Make it larger").await;
    let ada = Browser::of(&scene, "ada", "maintainer", &["payments"]).await;
    let path = format!("/proposals/{id}");
    let list = ada.page("/proposals").await;
    assert!(list.contains(&path) && list.contains("Make it larger"), "{list}");
    let page = ada.page(&path).await;
    assert!(page.contains("<code>a.yaml</code>") && page.contains("+1 −1"), "{page}");
    assert!(page.contains(&format!("{path}/merge")) && !page.contains("<script>alert"), "{page}");
    let word = format!("{path}/approve");
    let form = ada.page(&word).await;
    let head = hidden(&form, "head");
    let said = ada.send(&word, &word, &[("head", &head), ("reason", "good")]).await;
    assert_eq!(said.headers["location"], format!("{path}?done=proposal-approve"));
    let page = ada.page(&path).await;
    assert!(page.contains("approved") && page.contains("good"), "{page}");
    // A push in between: the word is of what was looked at, and of nothing else.
    let said = ada.send(&word, &word, &[("head", "c0ffee")]).await;
    assert_eq!(said.status, 409, "{}", said.text);
    whole(&word, &said);
    assert!(said.text.contains("Somebody pushed to it since you looked"), "{}", said.text);
    let merge = format!("{path}/merge");
    let said = ada.send(&merge, &merge, &[("head", &head)]).await;
    assert_eq!(said.status, 409, "it was not checked: {}", said.text);
    let close = format!("{path}/close");
    let said = ada.send(&close, &close, &[("reason", " ")]).await;
    assert_eq!(said.status, 422, "{}", said.text);
    let said = ada.send(&close, &close, &[("reason", "not now")]).await;
    assert_eq!(said.status, 303, "{}", said.text);
    let page = ada.page(&path).await;
    assert!(page.contains("not now") && !page.contains(&merge), "{page}");
    assert!(ada.page(&merge).await.contains("can’t be said on it by you"));
    drop(forge);
    let eve = Browser::of(&scene, "eve", "maintainer", &["search"]).await;
    assert_eq!(eve.open(&path).await.status, 404);
    assert!(!eve.page("/proposals").await.contains("Make it larger"));
    let vic = Browser::of(&scene, "vic", "viewer", &["*"]).await;
    assert!(!vic.page(&path).await.contains(&format!("{path}/comment")));
    assert_eq!(vic.send("/", &word, &[("head", &head)]).await.status, 403);
}

#[tokio::test]
async fn what_happened_and_how_well_it_went_is_of_what_somebody_sees() {
    let scene = Scene::new().await;
    let root = Browser::of(&scene, "root", "admin", &["*"]).await;
    let ada = Browser::of(&scene, "ada", "viewer", &["payments"]).await;
    let mut events = begin("site-web/make");
    events.extend(fails("site-web/make"));
    scene.runs("r-gone", "site-web", "search", events).await;
    let all = root.page("/activity").await;
    assert!(all.contains("site-web") && all.contains("failed") && all.contains("r-gone"), "{all}");
    assert!(!ada.page("/activity").await.contains("site-web"));
    assert!(root.page("/activity?day=1970-01-01").await.contains("site-web"));
    assert!(!root.page("/activity?day=1970-01-02").await.contains("r-gone"));
    assert_eq!(root.open("/activity?day=yesterday").await.status, 400);
    let insights = root.page("/insights?days=7").await;
    for told in ["0.0 %", "<title id=\"columns-title\">Runs by day", "1 failed", "aria-current"] {
        assert!(insights.contains(told), "{told}: {insights}");
    }
    assert!(ada.page("/insights").await.contains("No run ended in these days"));
    let operating = root.page("/settings/operating").await;
    assert!(operating.contains("0 3 * * *") && operating.contains("site-web"), "{operating}");
    for told in ["2 items, 0 bundles", "<dt>Teams</dt><dd>3</dd>"] {
        assert!(operating.contains(told), "{told}: {operating}");
    }
    assert!(!operating.contains("0 environments"), "{operating}");
    let own = ada.page("/settings/operating").await;
    assert!(own.contains("shop-db") && !own.contains("site-web"), "{own}");
    assert!(!own.contains("id=\"breakers\"") && !own.contains("id=\"catalogs\""), "{own}");
}

#[tokio::test]
async fn a_breaker_is_closed_by_who_operates_all_after_it_is_said_what_that_does() {
    let scene = Scene::new().await;
    let root = Browser::of(&scene, "root", "admin", &["*"]).await;
    let vic = Browser::of(&scene, "vic", "viewer", &["*"]).await;
    let key = BreakerKey { action: "rest-api".to_owned(), target: "api.example:8443".to_owned() };
    let mut breaker = Breaker::default();
    let policy = BreakerPolicy { failures: 1, ..BreakerPolicy::default() };
    let turn = breaker.begin();
    let failed: Result<(), Fault> = Err(Fault::transient("503"));
    breaker.end(turn, Verdict::of(&failed), &policy, (at(900), 0.0));
    scene.store.save_breaker(&scene.lease, (&key, &breaker), at(900)).await.expect("saved");
    let place = "/settings/breakers/rest-api/api.example%3A8443";
    assert!(root.page("/settings/operating").await.contains(place));
    let seen = vic.page("/settings/operating").await;
    assert!(seen.contains("api.example:8443") && !seen.contains("Ask again now"), "{seen}");
    let asked = root.page(place).await;
    assert!(asked.contains("of all teams at once") && asked.contains("503"), "{asked}");
    assert_eq!(root.open("/settings/breakers/rest-api/other.example").await.status, 404);
    assert_eq!(root.send(place, place, &[("reason", " ")]).await.status, 422);
    let said = root.send(place, place, &[("reason", "it is up again")]).await;
    assert_eq!(said.status, 303, "{}", said.text);
    let decisions = scene.store.decisions_after(0).await.expect("read");
    let (action, target) = (key.action, key.target);
    let word = DecisionKind::ResetBreaker { action, target, reason: "it is up again".to_owned() };
    assert_eq!(decisions.last().map(|it| &it.decision), Some(&word));
}
