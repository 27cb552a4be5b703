//! The forge of a repository: GitHub, or the one that lives in a bare repository on this machine. It opens nothing.

use url::Url;

use super::target::{Place, forge_fault};
use crate::forge::github::GitHubForge;
use crate::forge::{Forge, ForgeError, LocalForge};
use crate::run::Fault;

/// Returns the forge of a repository, for proposals that come from these branches.
pub(super) fn forge_of(place: &Place, branches: Vec<String>) -> Result<Box<dyn Forge>, Fault> {
    if let Some(hub) = &place.hub {
        return Ok(Box::new(GitHubForge::new(hub.client.clone(), branches)));
    }
    let unsupported = || {
        Fault::terminal(format!(
            "pull requests on {} are not supported: write `owner/name` of a repository on GitHub, use a bare repository on this machine, or leave out `createPullRequest`",
            place.repository
        ))
    };
    let path = place.location.local_path().ok_or_else(unsupported)?;
    let forge = match LocalForge::open_at(&path.to_string_lossy()) {
        Ok(forge) => forge,
        Err(ForgeError::NotLocal { .. }) => return Err(unsupported()),
        Err(error) => return Err(forge_fault(&error)),
    };
    let bare = crate::source::open_here(path).is_ok_and(|repository| repository.is_bare());
    if bare { Ok(Box::new(forge)) } else { Err(unsupported()) }
}

/// Returns where people see a proposal.
pub(super) fn url_of(place: &Place, number: u64) -> String {
    if let Some(hub) = &place.hub {
        return hub.client.address().pull_request(hub.client.repository(), number);
    }
    let url = place.location.local_path().and_then(|path| Url::from_file_path(path).ok());
    let url = url.map_or_else(|| place.repository.clone(), String::from);
    format!("{url}#proposal-{number}")
}
