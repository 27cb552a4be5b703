//! Services that expired: the removal of their file is proposed, once, and a person decides.

use std::collections::{BTreeMap, BTreeSet};

use super::daemon::Daemon;
use super::error::TickError;
use super::outgoing::Kind;
use crate::engine::filing::Filing;
use crate::forge::Proposal;
use crate::reconcile::Plan;
use crate::source::FileChange;

/// What every marker of these proposals begins with.
const MARK: &str = "trueline-expiry-";

impl Daemon {
    /// Proposes the removal of what expired, where the catalog is a repository with a forge.
    ///
    /// A proposal that was closed is declined: it is not filed again for the same date, unless a person asks for
    /// the service after that.
    pub(super) async fn propose_expired(&mut self, plan: &Plan) -> Result<(), TickError> {
        let wanted: BTreeMap<String, Filing> = self.removals(plan).collect();
        let markers = wanted.iter().map(|(id, it)| (id.clone(), it.marker.clone())).collect();
        if !self.is_to_renew(MARK, &markers).await? {
            return Ok(());
        }
        let stale = |daemon: &Self, open: &Proposal| daemon.why_not_removed(open);
        let kind = Kind { mark: MARK, wanted, service: service_of, stale: &stale };
        self.renew(kind, &markers).await
    }

    /// Returns the markers of what expired.
    pub(super) fn expired_markers(&self, plan: &Plan) -> BTreeSet<String> {
        self.removals(plan).map(|(_, filing)| filing.marker).collect()
    }

    /// Returns what is to be filed for what expired, by service; not for what is held.
    fn removals(&self, plan: &Plan) -> impl Iterator<Item = (String, Filing)> {
        let held = &self.driver.memory.state.held;
        let free = plan.expired.iter().filter(|(service, _)| !held.contains_key(*service));
        free.filter_map(|(service, path)| {
            let expires = self.catalog.services.get(service)?.body.expires.as_ref()?;
            Some((service.clone(), removal((service, &self.in_tree(path)), expires)))
        })
    }

    /// Names a file of the catalog from the root of the repository.
    pub(super) fn in_tree(&self, path: &str) -> String {
        self.snapshot.as_ref().map_or_else(|| path.to_owned(), |snapshot| snapshot.in_tree(path))
    }

    /// Says why an open proposal is taken back; nothing where it still says what is so.
    fn why_not_removed(&self, open: &Proposal) -> Option<&'static str> {
        let service = service_of(&open.marker)?;
        let Some(entry) = self.catalog.services.get(service) else {
            return Some("The service is gone.");
        };
        let expires = entry.body.expires.as_ref().map(|expires| marker(service, expires));
        (expires != Some(open.marker.clone())).then_some("It does not expire on that day any more.")
    }
}

fn removal((service, path): (&str, &str), expires: &str) -> Filing {
    Filing {
        marker: marker(service, expires),
        branch: format!("trueline/expire-{service}-{expires}"),
        title: format!("Remove {service}, which expired on {expires}"),
        body: format!(
            "`{path}` says `expires: {expires}`. Merge to have it deleted, or move the date."
        ),
        author: Filing::ourselves(),
        files: vec![FileChange { path: path.to_owned(), content: None }],
        written: None,
    }
}

/// Returns the service that a marker is about; the date has ten characters.
fn service_of(marker: &str) -> Option<&str> {
    let rest = marker.strip_prefix(MARK)?;
    rest.get(..rest.len().checked_sub(11)?)
}

fn marker(service: &str, expires: &str) -> String {
    format!("{MARK}{service}-{expires}")
}
