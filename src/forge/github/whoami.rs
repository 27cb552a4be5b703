//! Who we are to GitHub, so that what is ours is told from what people wrote. It claims nothing by a name alone that
//! people can give themselves.

use serde::Deserialize;

use super::client::GitHub;
use super::credential::Credential;
use super::judge::Refused;
use super::pulls::Login;
use crate::forge::Person;

/// Who acts with the token of a workflow, which may not ask who it is.
const ACTIONS: &str = "github-actions[bot]";

#[derive(Deserialize)]
struct App {
    slug: String,
}

impl GitHub {
    /// Returns who writes what we write: of an App its robot, whose name ends as no person's can («REST API endpoints
    /// for GitHub Apps › Get the authenticated app»), else who the token is of («… for users»).
    pub(super) async fn whoami(&self) -> Result<Person, Refused> {
        let core = self.core();
        let account = core.account();
        if let Some(known) = core.memory.us().get(&account) {
            return Ok(known.clone());
        }
        let us = match &core.credential {
            Credential::App { .. } => {
                let app: App = core.ask_as_app("/app").await?;
                Person { login: format!("{}[bot]", app.slug), id: None }
            }
            Credential::Token(_) => match self.get_from::<Login>("/user").await {
                Ok(user) => user.person(),
                Err(refused) if refused.status == 403 && refused.fault.retry_after_ms.is_none() => {
                    Person { login: ACTIONS.to_owned(), id: None }
                }
                Err(refused) => return Err(refused),
            },
        };
        core.memory.us().insert(account, us.clone());
        Ok(us)
    }

    /// Returns the number of the App that we are; nothing where a token is set up.
    pub(super) fn app(&self) -> Option<u64> {
        match self.core().credential {
            Credential::App { id, .. } => Some(id),
            Credential::Token(_) => None,
        }
    }
}
