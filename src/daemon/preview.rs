//! Plans without the right to drive: reads the head and the record, changes nothing.

use std::sync::Arc;

use super::error::TickError;
use super::look::look_at;
use super::review::Unapproved;
use crate::catalog::{Catalog, Snapshot};
use crate::clock::Clock;
use crate::engine::{Memory, gather, known_outputs, plan_beside_others};
use crate::reconcile::{self, Actual, Desired, DesiredBuilder, Facts, Plan};
use crate::source::Source;
use crate::store::Store;
use crate::validate::{Judge, Judged};

/// A plan, and what it was made from.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The plan.
    pub plan: Plan,
    /// What the rules found in the head.
    pub judged: Arc<Judged>,
}

/// Plans the head of a source against the record.
pub async fn preview(
    store: &dyn Store,
    mut source: Source,
    (catalog, clock): (&str, &dyn Clock),
) -> Result<Preview, TickError> {
    let mut memory = Memory::load(store).await?;
    for decision in store.decisions_after(0).await? {
        memory.take_decision(&decision);
    }
    let (last, since) = (memory.state.applied_revision.clone(), memory.state.head.clone());
    let is_repository = source.mirror().is_some();
    let looked = tokio::task::spawn_blocking(move || {
        look_at(&mut source, (None, since.as_deref()), last.as_deref())
    });
    let look = looked.await.map_err(|_| TickError::Broken)??;
    let (snapshot, mut head) = look.unwrap_or_default();
    head.written.add_older(&memory.state.written);
    let good = store.last_good().await?;
    let judged = Judge::new(good).judge(&snapshot);
    let known = Arc::new(known_outputs(store, &judged.catalog).await?);
    let mut desired = DesiredBuilder::default().build(&judged.catalog, &judged.misfits, known);
    desired.absent_is_unknown.clone_from(&judged.absent_is_unknown);
    let now = clock.now();
    let (actual, facts) = gather((store, &memory), &desired, (catalog, &head), now).await?;
    let required = judged.catalog.settings.owners.required;
    let facts = match is_repository {
        true => Unapproved::read(store, (&head.commit, required)).await?.tell(facts),
        false => facts,
    };
    let wanted = (&*judged.catalog, &desired, &actual);
    let plan = plan_beside_others((store, &memory), wanted, (facts, now)).await?;
    Ok(Preview { plan, judged: Arc::new(judged) })
}

/// Plans one state of a catalog against another, as if the base had been carried out: what a review shows.
///
/// Nothing outside is asked and no secret is touched; what only a run can answer stays unknown.
pub fn compare(base: &Snapshot, head: &Snapshot, catalog: &str, clock: &dyn Clock) -> Preview {
    let now = clock.now();
    let (before, _) = desired_of(base);
    let (wanted, judged) = desired_of(head);
    let empty = Facts { catalog: catalog.to_owned(), ..Facts::default() };
    let first = reconcile::plan(&before.1, &before.0, &Actual::default(), (&empty, now));
    let actual = reconcile::carried_out(&first, now);
    let contacts = first.changes.iter().chain(std::iter::empty()).flat_map(|change| &change.needs);
    let mut contacts: std::collections::BTreeSet<String> =
        contacts.filter_map(|need| need.contact.clone()).collect();
    let probe = reconcile::plan(&wanted.1, &wanted.0, &actual, (&empty, now));
    // A review is about the change; what is touched for the first time is asked about when it is carried out.
    contacts.extend(
        probe.changes.iter().flat_map(|c| &c.needs).filter_map(|need| need.contact.clone()),
    );
    let facts = Facts {
        author: head.author.clone(),
        contacts,
        services_before: before.0.services,
        revision: reconcile::Revision { head: head.commit.clone(), last: None, descends: true },
        ..empty
    };
    let plan = reconcile::plan(&wanted.1, &wanted.0, &actual, (&facts, now));
    Preview { plan, judged: Arc::new(judged) }
}

fn desired_of(snapshot: &Snapshot) -> ((Desired, Arc<Catalog>), Judged) {
    let judged = Judge::new(Vec::new()).judge(snapshot);
    let mut desired =
        DesiredBuilder::default().build(&judged.catalog, &judged.misfits, Arc::default());
    desired.absent_is_unknown.clone_from(&judged.absent_is_unknown);
    ((desired, judged.catalog.clone()), judged)
}
