//! Members of teams. That a team is not shown is one thing, and that GitHub can't tell just now another: the first is
//! «no such team», the second a fault.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::client::GitHub;
use super::judge::Refused;
use super::pulls::Login;
use crate::forge::Person;

impl GitHub {
    /// Returns the members of a team and of the teams below it («REST API endpoints for team members»), written
    /// `@owner/team` or `@team`. What did not change since it was asked last costs nothing of a limit.
    pub(super) async fn members(&self, team: &str) -> Result<Option<Vec<Person>>, Refused> {
        let name = team.trim_start_matches('@');
        let (owner, slug) = name.split_once('/').unwrap_or((&self.repository().owner, name));
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        if owner.is_empty() || slug.is_empty() || slug.contains('/') {
            return Ok(None);
        }
        let route = format!("/orgs/{}/teams/{}/members", encoded(owner), encoded(slug));
        match self.whole_from::<Login>(&route).await {
            Ok(members) => Ok(Some(members.iter().map(Login::person).collect())),
            // A limit is told by a 403 as well; it passes.
            Err(refused) if refused.fault.retry_after_ms.is_some() => Err(refused),
            Err(refused) if matches!(refused.status, 403 | 404) => Ok(None),
            Err(refused) => Err(refused),
        }
    }
}
