//! The beginning: the world, the first plan, the first contact, and what people have to do.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use reqwest::Method;
use serde_json::{Value, json};

use super::{Story, ensure, part};
use crate::cli::output::Failure;
use crate::cli::table::count;
use crate::forge::{ForgeRead, LocalForge, ProposalState};
use crate::reconcile::{Change, Plan};
use crate::run::{Event, RunState, StepEvent};
use crate::store::{JournalEntry, RunSummary, Store};

/// What the task of the example asks for.
const CONTRACT: &str = "NW-2027-0417";

impl Story<'_> {
    /// Shows what there is before Trueline does anything.
    pub(super) async fn world(&mut self) -> Result<(), Failure> {
        self.page.section(
            "A world on this machine",
            "A catalog in git, a repository that services write to, and an API that resources are made with.",
        );
        let world = self.witness.world;
        for (name, repository) in [("catalog", &world.catalog), ("target", &world.target)] {
            self.page.typed(&format!("git -C {} log --oneline", repository.path().display()));
            for commit in repository.log(20)? {
                let short = commit.id.get(..9).unwrap_or_default();
                self.page.line(format!("  {short} {} ({})", commit.subject, commit.author));
            }
            let files = repository.files()?;
            self.page.line(format!("  {name}: {}", count(files.len(), "file")));
        }
        self.page.typed(&format!("curl {}/sandbox/resources", world.sandbox));
        let (_, resources) = self.witness.get("/sandbox/resources").await?;
        self.page.line(format!("  {resources}"));
        ensure(resources == json!([]), "an empty sandbox", resources)
    }

    /// Shows the first plan; nothing of it happens yet.
    pub(super) async fn plan_before(&mut self) -> Result<Plan, Failure> {
        self.page.section(
            "The plan, before anything happens",
            "Trueline compares what git wants with what is, and waits: it has never touched any of this before.",
        );
        let world = self.witness.world;
        let head = world.catalog.log(1)?.into_iter().next().map(|commit| commit.id);
        let plan = self.witness.plan_at(&head.unwrap_or_default()).await?;
        self.trueline("plan").await?;
        let files = world.catalog.files()?;
        let wanted: BTreeSet<&str> = files
            .iter()
            .filter_map(|path| {
                path.strip_prefix("services/")?.split('/').nth(1)?.strip_suffix(".yaml")
            })
            .collect();
        let planned: BTreeSet<&str> = plan.changes.iter().map(|change| &*change.service).collect();
        ensure(
            planned == wanted,
            "a change for each service file",
            format!("{planned:?}; blocked: {:?}", plan.blocked),
        )?;
        ensure(plan.ready().next().is_none(), "every change to wait for approval", plan.digest)?;
        let (_, asked) = self.witness.get("/sandbox/requests").await?;
        ensure(part(&asked, "requests") == json!([]), "no request to the sandbox yet", &asked)?;
        ensure(world.target.log(9)?.len() == 1, "no commit to the target yet", "more than one")?;
        self.page.holds(&format!(
            "{} services are planned; the sandbox has seen 0 requests, the target repository 0 commits of ours",
            planned.len()
        ));
        Ok(plan)
    }

    /// Approves, with an API that has a bad day, and follows the runs.
    pub(super) async fn first_contact(&mut self, plan: &Plan) -> Result<(), Failure> {
        self.page.section(
            "First contact, on a bad day of the API",
            "One approval of exactly this plan lets it go. Two requests will be refused with 503, and one answer gets lost.",
        );
        for (fault, times) in [("refuse", 2), ("lose", 1)] {
            let body = json!({"fault": fault, "times": times});
            self.page
                .typed(&format!("curl {}/sandbox/faults -d '{body}'", self.witness.world.sandbox));
            let (status, _) = self.witness.send(Method::POST, "/sandbox/faults", &body).await?;
            ensure(status == 200, "the sandbox to take a fault", status)?;
        }
        self.witness.made(plan).await?;
        self.trueline(&format!("approve {}", plan.digest.short())).await?;
        self.page.line(self.decision().await?);
        self.follow(plan).await?;
        self.trueline("run list").await?;
        self.show_retries().await?;
        let (_, told) = self.witness.get("/sandbox/requests").await?;
        let requests = part(&told, "requests");
        let requests: Vec<&Value> = requests.as_array().into_iter().flatten().collect();
        let refused = requests.iter().filter(|request| part(request, "status") == 503).count();
        let lost = requests.iter().filter(|request| part(request, "lost") == true).count();
        ensure(
            (refused, lost) == (2, 1),
            "2 refused requests and 1 lost answer",
            format!("{refused}, {lost}"),
        )?;
        let keys = part(&told, "askedByKey").as_object().map_or(0, serde_json::Map::len);
        let effects = part(&told, "effects").as_u64().unwrap_or_default();
        ensure(keys as u64 == effects, "one effect for each key", &told)?;
        self.page.holds(&format!(
            "{} writes reached the sandbox, {refused} were refused, {lost} answer was lost; each of {keys} keys took effect once",
            part(&told, "writes")
        ));
        Ok(())
    }

    /// Prints runs as they end or begin to wait for people, until only people are waited for.
    async fn follow(&self, plan: &Plan) -> Result<(), Failure> {
        let told: Mutex<BTreeSet<String>> = Mutex::default();
        let waiting = self
            .witness
            .until("every run to end or to wait for people", async || {
                let runs = self.witness.store.runs(None, 100).await?;
                let waiting = self.witness.waiting().await?;
                runs.iter().rev().filter(|run| is_news(run, &told)).for_each(|run| self.told(run));
                let is_run = |change: &Change| runs.iter().any(|run| run.change == change.digest);
                Ok(waiting.filter(|_| plan.changes.iter().all(is_run)))
            })
            .await?;
        let waits: BTreeSet<&str> = waiting.iter().map(|(service, _)| &**service).collect();
        ensure(
            waits == BTreeSet::from(["payments-psp-license", "storefront-insights"]),
            "only the licence and the dashboard to wait for people",
            format!("{waiting:?}"),
        )
    }

    /// Shows the journal of a run that met a fault.
    async fn show_retries(&self) -> Result<(), Failure> {
        let retried = |entry: &JournalEntry| {
            matches!(&entry.event, Event::Step { event: StepEvent::Retry { .. }, .. })
        };
        for run in self.witness.store.runs(None, 100).await? {
            if self.witness.store.journal(&run.id).await?.iter().any(retried) {
                return self.trueline(&format!("run logs {}", run.id)).await;
            }
        }
        ensure(false, "a run that tried a step again", "none")
    }

    fn told(&self, run: &RunSummary) {
        let why = run.why.clone().unwrap_or_default();
        self.page.table(&[vec![
            run.id.0.clone(),
            format!("{:9}", run.state.to_string()),
            format!("{} {}", run.kind, run.service),
            why,
        ]]);
    }

    /// Does what people have to do: a task with an output, and the merge of a proposal.
    pub(super) async fn people(&mut self) -> Result<(), Failure> {
        self.page.section(
            "What people do",
            "A licence is bought by hand, and a dashboard waits for a merge. Both are desired state like everything else.",
        );
        self.complete_the_task().await?;
        self.merge_the_proposal().await?;
        self.witness
            .until("every run to end", async || {
                Ok(self.witness.store.open_runs().await?.is_empty().then_some(()))
            })
            .await?;
        let plan = self.witness.plan().await?;
        ensure(plan.is_empty() && plan.blocked.is_empty(), "nothing left to do", plan.digest)?;
        self.page.holds("nothing is left to do: desired and actual agree");
        Ok(())
    }

    async fn complete_the_task(&self) -> Result<(), Failure> {
        self.trueline("task list").await?;
        let tasks = self.witness.store.tasks(true).await?;
        let [task] = tasks.as_slice() else {
            return ensure(false, "one open task", format!("{tasks:?}"));
        };
        let output = format!("contractNumber={CONTRACT}");
        self.trueline(&format!("task complete {} --output {output}", task.number)).await?;
        self.page.line(self.decision().await?);
        let number = self
            .witness
            .until("the licence to have its number", async || {
                let units = self.witness.units().await?;
                let unit = units.iter().find(|unit| unit.row.key.service == task.service);
                Ok(unit
                    .and_then(|unit| unit.applied.as_ref()?.outputs.get("contractNumber").cloned()))
            })
            .await?;
        self.page.line(format!("{} offers contractNumber {number}", task.service));
        ensure(number == CONTRACT, "the number that was entered", number)
    }

    async fn merge_the_proposal(&self) -> Result<(), Failure> {
        let target = &self.witness.world.target;
        let forge = LocalForge::open_at(&target.url()?)?;
        self.trueline("proposal list").await?;
        let open = forge.list(Some(ProposalState::Open)).await?;
        let [proposal] = open.as_slice() else {
            return ensure(false, "one open proposal", format!("{open:?}"));
        };
        let number = proposal.number;
        self.trueline(&format!("proposal show {number} --diff")).await?;
        self.trueline(&format!("proposal merge {number}")).await?;
        let tip = target.log(1)?.into_iter().next();
        let tip = tip.ok_or_else(|| Failure::failed("the target repository is empty"))?;
        self.show_commit(target, &tip);
        let merged = forge.show(number).await?.proposal.merge_commit;
        ensure(
            merged.as_deref() == Some(&*tip.id) && tip.parents == 2,
            "a merge commit at the tip of the target",
            tip.id,
        )
    }
}

/// Tells whether a run ended or began to wait since it was last told of.
fn is_news(run: &RunSummary, told: &Mutex<BTreeSet<String>>) -> bool {
    let settled = run.state.is_over() || run.state == RunState::Waiting;
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    settled && told.insert(format!("{} {}", run.id, run.state))
}
