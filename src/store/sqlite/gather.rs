//! Writes that become durable together, and what the driver wrote of units lately, so that it sees what it gathered.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{MutexGuard, PoisonError};

use async_trait::async_trait;

use super::journal::Piece;
use super::write::Write;
use super::{SqliteStore, journal, runs, units};
use crate::id::{RunId, UnitKey};
use crate::reconcile::UnitRecord;
use crate::run::Run;
use crate::store::{GatherStore, Lease, RunWrite, StoreError, UnitWrite};

/// How many units are remembered at least; twice as many at most.
const REMEMBERED: usize = 4096;

/// What was gathered, and what was written lately.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    waiting: Vec<RunWrite>,
    /// Some of what was gathered could not be written, and was not let go yet.
    is_lost: bool,
    /// Where in it the journal of a run goes on that has not ended.
    journals: HashMap<RunId, usize>,
    /// Units as they were written: absent ones are gone. The lease sees to it that nobody else writes them.
    recent: HashMap<UnitKey, Option<UnitRecord>>,
    /// The same, written before those.
    older: HashMap<UnitKey, Option<UnitRecord>>,
}

impl Gathering {
    /// Takes a write; what a run that goes on had written before it becomes one with it.
    fn push(&mut self, write: RunWrite) {
        let RunWrite::Appended { run, entries, units } = write else {
            self.waiting.push(write);
            return;
        };
        let (id, is_over) = (run.id.clone(), run.state.is_over());
        let before = self.journals.get(&id).and_then(|place| self.waiting.get_mut(*place));
        if let Some(RunWrite::Appended { run: known, entries: events, units: written }) = before {
            *known = run;
            events.extend(entries);
            // That a unit goes is told, also where it comes again.
            let is_late = |old: &UnitWrite| units.iter().all(|new| new.key() != old.key());
            written.retain(|old| matches!(old, UnitWrite::Remove(_)) || is_late(old));
            written.extend(units);
        } else {
            self.journals.insert(id.clone(), self.waiting.len());
            self.waiting.push(RunWrite::Appended { run, entries, units });
        }
        // What ended may go on, as a person says, and its end counts all the same.
        if is_over {
            self.journals.remove(&id);
        }
    }

    fn take(&mut self) -> Vec<RunWrite> {
        self.journals.clear();
        std::mem::take(&mut self.waiting)
    }

    /// Remembers what becomes of units.
    pub(super) fn remember(&mut self, writes: &[UnitWrite]) {
        for write in writes {
            match write {
                UnitWrite::Put(record) => {
                    self.recent.insert(record.row.key.clone(), Some((**record).clone()));
                }
                UnitWrite::Remove(key) => {
                    self.recent.insert(key.clone(), None);
                }
            }
        }
        self.age();
    }

    /// Forgets what was written long ago; what waits must be seen until it is durable.
    fn age(&mut self) {
        if self.recent.len() >= REMEMBERED && self.waiting.is_empty() {
            self.older = std::mem::take(&mut self.recent);
        }
    }

    /// Forgets everything that was remembered.
    pub(super) fn forget(&mut self) {
        self.recent.clear();
        self.older.clear();
    }

    fn find(&self, key: &UnitKey) -> Option<&Option<UnitRecord>> {
        self.recent.get(key).or_else(|| self.older.get(key))
    }

    /// Splits keys into what is remembered and what is to be read.
    fn split(&self, keys: &[UnitKey]) -> (BTreeMap<String, UnitRecord>, Vec<UnitKey>) {
        let (mut known, mut unknown) = (BTreeMap::new(), Vec::new());
        for key in keys {
            match self.find(key) {
                Some(Some(record)) => drop(known.insert(key.to_string(), record.clone())),
                Some(None) => {}
                None => unknown.push(key.clone()),
            }
        }
        (known, unknown)
    }
}

impl SqliteStore {
    pub(super) fn gathering(&self) -> MutexGuard<'_, Gathering> {
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what waits out, to be written; nothing is while what it comes from was lost.
    pub(super) fn take_gathered(&self) -> Result<Vec<RunWrite>, StoreError> {
        let mut gathering = self.gathering();
        if gathering.is_lost { Err(StoreError::Lost) } else { Ok(gathering.take()) }
    }

    /// Puts back what could not be written together with something else.
    pub(super) fn put_back(&self, gathered: Vec<RunWrite>) {
        let mut gathering = self.gathering();
        let later = gathering.take();
        gathered.into_iter().chain(later).for_each(|write| gathering.push(write));
    }

    /// Reads units, those that were written lately from memory; ordered by key.
    pub(super) async fn some_units(&self, keys: &[UnitKey]) -> Result<Vec<UnitRecord>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (mut known, unknown) = self.gathering().split(keys);
        if !unknown.is_empty() {
            let read =
                units::some(&self.readers, &self.definitions, &self.catalog, &unknown).await?;
            known.extend(read.into_iter().map(|record| (record.row.key.to_string(), record)));
        }
        Ok(known.into_values().collect())
    }
}

/// Writes what was gathered, in its order; what comes one after another of a kind, together.
pub(super) async fn write(write: &mut Write<'_>, gathered: &[RunWrite]) -> Result<(), StoreError> {
    let (mut created, mut pieces) = (Vec::new(), Vec::new());
    let mut named = HashSet::new();
    for one in gathered {
        match one {
            RunWrite::Created { run, units } => {
                append(write, &mut pieces, &mut named).await?;
                created.push((&**run, units.as_slice()));
            }
            RunWrite::Appended { run, entries, units } => {
                create(write, &mut created).await?;
                // What ended comes before what a person made of it.
                if named.contains(&run.id) {
                    append(write, &mut pieces, &mut named).await?;
                }
                named.insert(&run.id);
                pieces.push(Piece { run, entries, units });
            }
        }
    }
    create(write, &mut created).await?;
    append(write, &mut pieces, &mut named).await
}

async fn create(
    write: &mut Write<'_>,
    created: &mut Vec<(&Run, &[UnitWrite])>,
) -> Result<(), StoreError> {
    let created = std::mem::take(created);
    if created.is_empty() { Ok(()) } else { runs::create(write, &created).await }
}

async fn append(
    write: &mut Write<'_>,
    pieces: &mut Vec<Piece<'_>>,
    named: &mut HashSet<&RunId>,
) -> Result<(), StoreError> {
    named.clear();
    let pieces = std::mem::take(pieces);
    if pieces.is_empty() { Ok(()) } else { journal::append_all(write, &pieces).await }
}

#[async_trait]
impl GatherStore for SqliteStore {
    fn gather(&self, write: RunWrite) {
        let mut gathering = self.gathering();
        gathering.remember(write.units());
        gathering.push(write);
    }

    async fn flush(&self, lease: &Lease) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        let gathered = self.take_gathered()?;
        if gathered.is_empty() {
            return Ok(());
        }
        // Until it is known to be written: whoever writes it may break down.
        self.gathering().is_lost = true;
        let written = async {
            let mut open = Write::fenced(&mut writer, &self.catalog, lease).await?;
            self::write(&mut open, &gathered).await?;
            open.commit().await
        };
        let written = written.await;
        let mut gathering = self.gathering();
        gathering.is_lost = written.is_err();
        gathering.age();
        written
    }

    fn let_go(&self) {
        let mut gathering = self.gathering();
        gathering.take();
        gathering.forget();
        gathering.is_lost = false;
    }
}

/// Carries out one write under a lease, behind what was gathered: `fenced!(self, lease, |write| …)`.
macro_rules! fenced {
    ($store:ident, $lease:ident, |$write:ident| $body:expr) => {{
        let mut writer = $store.writer.lock().await;
        let gathered = $store.take_gathered()?;
        let written = async {
            let mut open = Write::fenced(&mut writer, &$store.catalog, $lease).await?;
            gather::write(&mut open, &gathered).await?;
            let $write = &mut open;
            let answer = $body.await?;
            open.commit().await?;
            Ok(answer)
        };
        let written = written.await;
        if written.is_err() {
            $store.put_back(gathered);
        }
        written
    }};
}
pub(super) use fenced;

#[cfg(test)]
mod tests {
    use crate::run::Run;
    use crate::store::sqlite::fixtures::{beginning, definition, driven, end, run, take, unit};
    use crate::store::{
        GatherStore as _, Lease, RunWrite, SqliteStore, Store as _, StoreError, UnitWrite,
    };

    fn created(run: &Run) -> RunWrite {
        RunWrite::Created { run: Box::new(run.clone()), units: Vec::new() }
    }

    fn appended(run: &mut Run, events: Vec<crate::run::Event>, units: Vec<UnitWrite>) -> RunWrite {
        let entries = take(run, events);
        RunWrite::Appended { run: Box::new(run.clone()), entries, units }
    }

    async fn audit(store: &SqliteStore) -> usize {
        let entries = store.audit_after(0, 1000).await.expect("read");
        assert_eq!(crate::store::verify_chain(&entries), Ok(()));
        entries.len()
    }

    #[tokio::test]
    async fn what_was_gathered_is_written_together_in_its_order() {
        let (store, lease) = driven().await;
        let before = audit(&store).await;
        let (mut one, mut two) = (run("r1", "shop"), run("r2", "wiki"));
        store.gather(created(&one));
        store.gather(created(&two));
        store.gather(appended(&mut one, beginning(), Vec::new()));
        let wiki = unit("wiki", &definition("postgres", "1.0.0"));
        let put = UnitWrite::Put(Box::new(wiki.clone()));
        store.gather(appended(&mut two, beginning(), vec![put]));
        store.gather(appended(&mut one, end(), Vec::new()));
        assert_eq!(audit(&store).await, before, "nothing is seen by others yet");
        assert!(store.open_runs().await.expect("read").is_empty());
        let key = wiki.row.key.clone();
        let seen = store.units(std::slice::from_ref(&key)).await.expect("read");
        assert_eq!(seen, std::slice::from_ref(&wiki), "who gathered sees it");
        store.flush(&lease).await.expect("durable");
        assert_eq!(store.run(&one.id).await.expect("read"), Some(one));
        assert_eq!(store.open_runs().await.expect("read"), [two]);
        assert_eq!(store.unit_rows().await.expect("read"), [wiki.row]);
        assert!(audit(&store).await > before + 5);
        let after = audit(&store).await;
        store.flush(&lease).await.expect("nothing is left");
        assert_eq!(audit(&store).await, after);
    }

    #[tokio::test]
    async fn another_write_of_the_driver_takes_it_along() {
        let (store, lease) = driven().await;
        let one = run("r1", "shop");
        store.gather(created(&one));
        store.write_units(&lease, &[]).await.expect("written");
        assert_eq!(store.open_runs().await.expect("read"), [one]);
    }

    #[tokio::test]
    async fn what_can_not_be_written_is_let_go_and_leaves_no_trace() {
        let (store, lease) = driven().await;
        let known = unit("shop", &definition("postgres", "1.0.0"));
        let put = |record: &crate::reconcile::UnitRecord| UnitWrite::Put(Box::new(record.clone()));
        store.write_units(&lease, &[put(&known)]).await.expect("written");
        let before = audit(&store).await;
        let mut newer = known.clone();
        newer.effect += 1;
        let mut stranger = run("r9", "shop");
        store.gather(created(&run("r1", "shop")));
        store.gather(appended(&mut stranger, beginning(), vec![put(&newer)]));
        store.flush(&lease).await.expect_err("there is no such run");
        assert_eq!(audit(&store).await, before);
        // Nothing comes of what never happened.
        store.gather(created(&run("r2", "wiki")));
        for refused in [store.flush(&lease).await, store.write_units(&lease, &[]).await] {
            assert!(matches!(refused, Err(StoreError::Lost)), "{refused:?}");
        }
        store.let_go();
        let seen = store.units(std::slice::from_ref(&known.row.key)).await.expect("read");
        assert_eq!(seen, [known]);
        store.flush(&lease).await.expect("it was let go");
        assert!(store.open_runs().await.expect("read").is_empty());
    }

    #[tokio::test]
    async fn a_stale_token_is_refused() {
        let (store, lease) = driven().await;
        store.gather(created(&run("r1", "shop")));
        let stale = Lease { token: lease.token - 1 };
        let refused = store.flush(&stale).await;
        assert!(matches!(refused, Err(crate::store::StoreError::LeaseLost)), "{refused:?}");
        assert!(store.open_runs().await.expect("read").is_empty());
    }
}
